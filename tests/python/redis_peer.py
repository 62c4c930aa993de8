"""One request of a Flask application with Flask-Session on Redis.

Called with the server's port, the format of records, and the id of the visitor's session, which may
be empty. Prints how many visits the session counts and the session's id.
"""

import sys

from flask import Flask, session
from flask_session import Session
from redis import Redis

port, form, sid = int(sys.argv[1]), sys.argv[2], sys.argv[3]
app = Flask(__name__)
app.config.update(
    SESSION_TYPE="redis",
    SESSION_REDIS=Redis(port=port),
    SESSION_SERIALIZATION_FORMAT=form,
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
