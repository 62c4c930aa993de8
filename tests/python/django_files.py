"""Django's file engine, for the tests of its files. `django_files.py FOLDER`, then lines of commands:

    {"do": "save", "session": {...}, "expiry": SECONDS or null, "date": true or absent}  -> {"key": ...}
    {"do": "load", "key": ...}    -> {"session": {...}, "known": whether the key is still this session's}
    {"do": "change", "key": ..., "session": {...}}    -> {"saved": whether it was there}
    {"do": "sweep"}    -> {}
"""

import datetime
import json
import logging
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="the newest key of all, and long",
    SESSION_FILE_PATH=sys.argv[1],
    SESSION_COOKIE_AGE=1000,
    USE_TZ=True,
)
django.setup()
logging.disable(logging.CRITICAL)

from django.contrib.sessions.backends.base import UpdateError  # noqa: E402
from django.contrib.sessions.backends.file import SessionStore  # noqa: E402


def save(session, expiry=None, date=False, **_):
    store = SessionStore()
    store.update(session)
    if expiry is not None:
        store.set_expiry(datetime.timedelta(seconds=expiry) if date else expiry)
    store.create()
    store.update(session)
    if expiry is not None:
        store.set_expiry(datetime.timedelta(seconds=expiry) if date else expiry)
    store.save()
    return {"key": store.session_key}


def load(key, **_):
    store = SessionStore(key)
    session = store.load()
    return {"session": session, "known": store.session_key == key}


def change(key, session, **_):
    store = SessionStore(key)
    store._session_cache = session
    try:
        store.save()
    except UpdateError:
        return {"saved": False}
    return {"saved": True}


def sweep(**_):
    SessionStore.clear_expired()
    return {}


for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(globals()[command["do"]](**command)))
