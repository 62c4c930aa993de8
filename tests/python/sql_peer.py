"""One request of a Python application whose sessions are in a database.

    sql_peer.py flask URL ID     Flask-Session with SQLAlchemy, at SQLAlchemy's address URL
    sql_peer.py django URL ID    Django's database backend

ID is that of the visitor's session and may be empty. Prints how many visits the session counts, and
the session's id. Tables are made where they are missing.
"""

import sys
from urllib.parse import urlsplit

kind, url, sid = sys.argv[1:4]


def flask_visit():
    from flask_sqlalchemy import SQLAlchemy
    from flask_visit import visit

    def config(app):
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        return {"SESSION_TYPE": "sqlalchemy", "SESSION_SQLALCHEMY": SQLAlchemy(app)}

    return visit(config, sid)


def django_visit():
    import django
    from django.conf import settings
    from django.core.management import call_command

    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
    else:
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path.strip("/"),
            "USER": parts.username,
            "HOST": parts.hostname,
            "PORT": parts.port,
        }
    settings.configure(
        SECRET_KEY="the secret that both sides share",
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.sessions"],
        USE_TZ=True,
        TIME_ZONE="Asia/Tokyo",
    )
    django.setup()
    call_command("migrate", verbosity=0)

    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore(sid or None)
    session["visits"] = session.get("visits", 0) + 1
    session.save()
    return session["visits"], session.session_key


print(*{"flask": flask_visit, "django": django_visit}[kind]())
