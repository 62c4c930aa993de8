"""One request of a Flask application with Flask-Session on MongoDB.

Called with the server's address and the id of the visitor's session, which may be empty. Prints how
many visits the session counts and the session's id.
"""

import sys

from flask import Flask, session
from flask_session import Session
from pymongo import MongoClient

address, sid = sys.argv[1:]
app = Flask(__name__)
app.config.update(
    SESSION_TYPE="mongodb",
    SESSION_MONGODB=MongoClient(address, serverSelectionTimeoutMS=10_000),
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
