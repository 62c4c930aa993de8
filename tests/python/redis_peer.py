"""One request of a Flask application with Flask-Session on Redis.

Called with the server's port, the format of records, and the id of the visitor's session, which may
be empty. Prints how many visits the session counts and the session's id.
"""

import sys

from flask_visit import visit
from redis import Redis

port, form, sid = int(sys.argv[1]), sys.argv[2], sys.argv[3]
config = {
    "SESSION_TYPE": "redis",
    "SESSION_REDIS": Redis(port=port),
    "SESSION_SERIALIZATION_FORMAT": form,
}
print(*visit(config, sid))
