"""What Django's session engines store, for the tests of records shared with Django.

`encode`: from lines of {"key": ..., "session": ...} to lines of {"key": ..., "text": ...}, with SECRET_KEY.
`encode-old`: the same with the key that is a fallback elsewhere. `decode`: the other way round; what
Django does not believe is an empty session.
"""

import json
import logging
import sys

import django
from django.conf import settings

NEW, OLD = "the newest key of all, and long", "the key before that one, and long"
what = sys.argv[1]
settings.configure(
    SECRET_KEY=OLD if what == "encode-old" else NEW,
    SECRET_KEY_FALLBACKS=[] if what == "encode-old" else [OLD],
    SESSION_FILE_PATH="/tmp",
)
django.setup()
logging.disable(logging.CRITICAL)

from django.contrib.sessions.backends import cache, file  # noqa: E402

# Two engines, because all sign alike.
engines = [file.SessionStore(), cache.SessionStore()]
for number, line in enumerate(sys.stdin):
    record = json.loads(line)
    engine = engines[number % 2]
    if what == "decode":
        record["session"] = engine.decode(record.pop("text"))
    else:
        record["text"] = engine.encode(record.pop("session"))
    print(json.dumps(record))
