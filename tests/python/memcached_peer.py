"""One request of a Flask application with Flask-Session on memcached.

Called with the servers, separated by commas, and the id of the visitor's session, which may be
empty. Prints how many visits the session counts and the session's id.
"""

import sys

from flask_visit import visit
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

servers, sid = sys.argv[1].split(","), sys.argv[2]
config = {
    "SESSION_TYPE": "memcached",
    "SESSION_MEMCACHED": Client(servers[0]) if len(servers) == 1 else HashClient(servers),
}
print(*visit(config, sid))
