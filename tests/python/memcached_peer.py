"""One request of a Flask application with Flask-Session on memcached.

Called with the servers, separated by commas, and the id of the visitor's session, which may be
empty. Prints how many visits the session counts and the session's id.
"""

import sys

from flask import Flask, session
from flask_session import Session
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

servers, sid = sys.argv[1].split(","), sys.argv[2]
app = Flask(__name__)
app.config.update(
    SESSION_TYPE="memcached",
    SESSION_MEMCACHED=Client(servers[0]) if len(servers) == 1 else HashClient(servers),
)
Session(app)


@app.get("/")
def visit():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


client = app.test_client()
if sid:
    client.set_cookie("session", sid)
answer = client.get("/")
print(answer.text, client.get_cookie("session").value)
