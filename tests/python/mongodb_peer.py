"""One request of a Flask application with Flask-Session on MongoDB.

Called with the server's address and the id of the visitor's session, which may be empty. Prints how
many visits the session counts and the session's id.
"""

import sys

from flask_visit import visit
from pymongo import MongoClient

address, sid = sys.argv[1:]
config = {
    "SESSION_TYPE": "mongodb",
    "SESSION_MONGODB": MongoClient(address, serverSelectionTimeoutMS=10_000),
}
print(*visit(config, sid))
