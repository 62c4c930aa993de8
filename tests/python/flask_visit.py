"""One request of a Flask application with Flask-Session that counts visits."""

from flask import Flask, session
from flask_session import Session


def visit(config, sid):
    """Returns how many visits the session counts, and its id; `sid` is the visitor's and may be empty.

    `config` is a dictionary of settings, or is called with the application and returns one.
    """
    app = Flask(__name__)
    app.config.update(config(app) if callable(config) else config)
    Session(app)

    @app.get("/")
    def count():
        session["visits"] = session.get("visits", 0) + 1
        return str(session["visits"])

    client = app.test_client()
    if sid:
        client.set_cookie("session", sid)
    answer = client.get("/")
    return answer.text, client.get_cookie("session").value
