"""The Python side of tests/compat_python.rs: the real packages, asked line by line.

    peer.py answer            reads cases from standard input, checks each, writes Python's own text
    peer.py generate N SEED   writes N random cases per format

A case is one line of JSON: the format's name, the value as a tree that depends on no code under
test, and the text (hexadecimal) that one side made of it.
"""

import datetime
import json
import math
import random
import struct
import sys
import time
import uuid

NOW = 1308874145.25
time.time = lambda: NOW

import django
from django.conf import settings

KEY = "the secret that both sides share"
OLD = "a secret of last year"

settings.configure(
    SECRET_KEY=KEY,
    SECRET_KEY_FALLBACKS=[OLD],
    SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
    SIGNED_COOKIE_LEGACY_SALT_FALLBACK=False,
    USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends import cache, signed_cookies
from django.core import signing
from flask import Flask, session
from flask_session.base import MsgSpecSerializer, ServerSideSessionInterface
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer
from markupsafe import Markup

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)

app = Flask("peer")
app.secret_key = KEY
app.config["SECRET_KEY_FALLBACKS"] = [OLD]
# Only its signer is asked for, which needs nothing but the application.
ids = ServerSideSessionInterface.__new__(type("Ids", (ServerSideSessionInterface,), {
    name: None for name in ServerSideSessionInterface.__abstractmethods__
}))


def tree(value):
    """The value with its type spelt out; the names of dictionaries sorted."""
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, int):
        return ["int", str(value)]
    if isinstance(value, float):
        return ["float", "nan" if math.isnan(value) else struct.pack(">d", value).hex()]
    if isinstance(value, Markup):
        return ["markup", str(value)]
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, tuple):
        return ["tuple", [tree(item) for item in value]]
    if isinstance(value, list):
        return ["list", [tree(item) for item in value]]
    if isinstance(value, dict):
        return ["map", [[name, tree(item)] for name, item in value.items()]]
    if isinstance(value, uuid.UUID):
        return ["uuid", value.hex]
    if isinstance(value, datetime.datetime):
        delta = value - EPOCH
        return ["datetime", str(delta.days * 86400 + delta.seconds), delta.microseconds * 1000]
    raise TypeError(type(value))


def plant(tree):
    """The value of a tree."""
    kind, *rest = tree
    match kind:
        case "null":
            return None
        case "bool" | "text":
            return rest[0]
        case "int":
            return int(rest[0])
        case "float":
            return math.nan if rest[0] == "nan" else struct.unpack(">d", bytes.fromhex(rest[0]))[0]
        case "markup":
            return Markup(rest[0])
        case "bytes":
            return bytes.fromhex(rest[0])
        case "tuple":
            return tuple(plant(item) for item in rest[0])
        case "list":
            return [plant(item) for item in rest[0]]
        case "map":
            return {name: plant(item) for name, item in rest[0]}
        case "uuid":
            return uuid.UUID(hex=rest[0])
        case "datetime":
            return EPOCH + datetime.timedelta(seconds=int(rest[0]), microseconds=rest[1] // 1000)
    raise ValueError(kind)


def sorted_tree(tree):
    kind, *rest = tree
    if kind in ("tuple", "list"):
        return [kind, [sorted_tree(item) for item in rest[0]]]
    if kind == "map":
        return [kind, sorted([name, sorted_tree(item)] for name, item in rest[0])]
    return tree


class Flasks:
    kinds = "null bool int float text markup bytes tuple list map uuid datetime".split()

    # Names are sorted within an application's context and not without, where no session is saved.
    def write(self, value):
        with app.app_context():
            return self.serializer().dumps(value).encode()

    def read(self, text):
        with app.app_context():
            return self.serializer().loads(text, max_age=60)

    def serializer(self):
        return app.session_interface.get_signing_serializer(app)


class Serializers:
    kinds = "null bool int float text list map".split()

    def __init__(self, serializer):
        self.serializer = serializer

    def write(self, value):
        return self.serializer.dumps(value).encode()

    def read(self, text):
        return self.serializer.loads(text)


class DjangoObjects(Serializers):
    def __init__(self, compress):
        self.compress = compress

    def write(self, value):
        return signing.dumps(value, salt="objects", compress=self.compress).encode()

    def read(self, text):
        return signing.loads(text.decode(), salt="objects", max_age=60)


class DjangoCookies(Serializers):
    def __init__(self):
        pass

    def write(self, value):
        store = signed_cookies.SessionStore()
        store.update(value)
        store.save()
        return store.session_key.encode()

    def read(self, text):
        return signed_cookies.SessionStore(text.decode()).load()


class DjangoStored(Serializers):
    def __init__(self):
        self.store = cache.SessionStore

    def write(self, value):
        return self.store.encode(self.make(), value).encode()

    def read(self, text):
        return self.store.decode(self.make(), text.decode())

    def make(self):
        store = self.store.__new__(self.store)
        from django.contrib.sessions.serializers import JSONSerializer

        store.serializer = JSONSerializer
        return store


class Records:
    def __init__(self, format):
        self.serializer = MsgSpecSerializer(app, format)
        self.kinds = "null bool int float text list map".split()
        if format == "msgpack":
            self.kinds += ["bytes", "datetime"]

    def write(self, value):
        return self.serializer.encode(value)

    def read(self, record):
        return self.serializer.decode(record)


class FlaskSessionIds:
    kinds = ["text"]

    def write(self, value):
        return ids._sign(app, value).encode()

    def read(self, text):
        return ids._unsign(app, text.decode())


class InvenioIds:
    kinds = ["text"]
    signer = TimestampSigner(KEY, salt="inveniosalt")

    def write(self, value):
        return self.signer.sign(value)

    def read(self, text):
        return self.signer.unsign(text, max_age=60).decode()


class DjangoSignedCookies:
    kinds = ["text"]

    def write(self, value):
        return signing.get_cookie_signer(salt=signing._cookie_signer_salt("name", "sält")).sign(value).encode()

    def read(self, text):
        return signing._unsign_cookie(text.decode(), cookie_name="name", salt="sält", max_age=60)


FORMATS = {
    "flask": Flasks(),
    "itsdangerous": Serializers(URLSafeSerializer([OLD, KEY], salt="plain")),
    "itsdangerous_timed": Serializers(URLSafeTimedSerializer([OLD, KEY], salt="timed")),
    "django": DjangoObjects(False),
    "django_packed": DjangoObjects(True),
    "django_cookie": DjangoCookies(),
    "django_stored": DjangoStored(),
    "record_msgpack": Records("msgpack"),
    "record_json": Records("json"),
    "flask_session_id": FlaskSessionIds(),
    "invenio_id": InvenioIds(),
    "django_signed_cookie": DjangoSignedCookies(),
}

NAMES = [" t", " b", " di", " d", " t__", "_permanent", "user", "é", "😀", "\u2028", "", "a.b", "\ue000", "𐀀"]
LETTERS = "abc\"\\/\b\f\n\r\t\0\x1f\x7f\x80é\u2028\ud7ff\ue000\uffff😀<>&. :"


def grow(choice, kinds, depth):
    kind = choice.choice([kind for kind in kinds if depth > 0 or kind not in ("tuple", "list", "map")])
    some = choice.choice([0, 1, 1, 2, 3, 5])
    match kind:
        case "null":
            return None
        case "bool":
            return choice.random() < 0.5
        case "int":
            edges = [0, 2**63, 2**64 - 1, -(2**63), 2**31, 2**53 + 1]
            return choice.choice([choice.choice(edges), choice.randint(-200, 200), choice.getrandbits(choice.randint(1, 63))])
        case "float":
            drawn = struct.unpack(">d", choice.randbytes(8))[0]
            plain = choice.choice([0.1, -0.0, 1e16, 1e15, 1e-5, 1e-4, 5e-324, 1e22, choice.uniform(-1000, 1000)])
            return choice.choice([plain, drawn if math.isfinite(drawn) else 1.5])
        case "text":
            long = choice.choice([some, some, some * 100])
            return "".join(choice.choice(LETTERS) for _ in range(long))
        case "markup":
            return Markup("<i>" + choice.choice(LETTERS))
        case "bytes":
            return choice.randbytes(some * choice.choice([1, 100]))
        case "uuid":
            return uuid.UUID(bytes=choice.randbytes(16))
        case "datetime":
            return EPOCH + datetime.timedelta(seconds=choice.randint(-30_000_000_000, 250_000_000_000))
        case "tuple":
            return tuple(grow(choice, kinds, depth - 1) for _ in range(some))
        case "list":
            return [grow(choice, kinds, depth - 1) for _ in range(some)]
        case "map":
            names = choice.sample(NAMES, some)
            return {name: grow(choice, kinds, depth - 1) for name in names}


def generate(count, seed):
    choice = random.Random(seed)
    for name, format in FORMATS.items():
        for _ in range(count):
            if format.kinds == ["text"]:
                value = "".join(choice.choice("abc.:-_é") for _ in range(choice.randint(0, 50)))
            else:
                names = choice.sample(NAMES, choice.randint(1, 5))
                value = {name: grow(choice, format.kinds, 4) for name in names}
            yield {"format": name, "tree": tree(value), "text": format.write(value).hex()}


def answer(lines):
    for line in lines:
        case = json.loads(line)
        format = FORMATS[case["format"]]
        read = tree(format.read(bytes.fromhex(case["text"])))
        if sorted_tree(read) != sorted_tree(case["tree"]):
            sys.exit(f"{case['format']}: Python read\n{read}\ninstead of\n{case['tree']}")
        yield {**case, "text": format.write(plant(case["tree"])).hex()}


def browse():
    """A Flask application that is visited with a cookie (standard input) and answers with another."""

    @app.get("/")
    def visit():
        session["visits"] = session.get("visits", 0) + 1
        session["last"] = (session["visits"], b"\xff", datetime.datetime.fromtimestamp(int(NOW), UTC))
        return str(session["visits"])

    client = app.test_client()
    client.set_cookie("session", sys.stdin.read().strip())
    answer = client.get("/")
    yield {"body": answer.text, "cookie": client.get_cookie("session").value}


match sys.argv[1:]:
    case ["answer"]:
        cases = answer(sys.stdin)
    case ["generate", count, seed]:
        cases = generate(int(count), int(seed))
    case ["browse"]:
        cases = browse()
    case _:
        sys.exit(__doc__)
for case in cases:
    print(json.dumps(case))
