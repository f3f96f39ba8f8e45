"""Every decoder of what comes from outside, what it may raise, and examples that it takes.

Each takes bytes. What it raises beyond `may` is a fault of ours, and so is an example that takes
more than `SECONDS` of the processor or lets the process grow by more than `MEGABYTES`.
"""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import jwt
import msgspec
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request

from server.auth import browsers
from server.auth.oidc import claims
from server.auth.oidc.provider import read_header
from server.auth.second_factor import passkeys
from server.auth.second_factor.passkeys import Site
from server.errors import Refused, WaymarkError
from server.imports import import_csv
from server.inbound import bodies, cards, rules
from server.missing.profile.photos import actions as photos
from server.notify.channels.subscription import check_subscription
from server.plan import wire
from server.policy.model import SHIPPED
from server.policy.parser import read as read_policy
from server.records.backup import archive as backup
from server.records.backup.verify import verify
from server.records.transfer import package
from server.roll_calls.texts import by_text
from server.security import encryption
from server.security.encryption import Keyring, Unreadable
from server.simulation import commands, evaluation, events
from server.storage.engines.copying import CopyFault, Table
from server.web.requests import json_body
from server.witnesses import register

SECONDS, MEGABYTES = 5, 400
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = NOW.date()
KEYS = Keyring(["a secret of the tests that is long enough"])


@dataclass(frozen=True)
class Decoder:
    """What is tried: its name, what reads the bytes, what may come out, and good examples."""

    name: str
    read: Callable[[bytes], object]
    may: tuple[type[BaseException], ...]
    seeds: Callable[[], Sequence[bytes]]


# --- the webhook, and other bodies


def _request(body: bytes, content_type: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode("latin-1"))]
    # With an `app` the framework turns a torn form into an answer, as it does in use.
    scope = {"type": "http", "method": "POST", "headers": headers, "app": None}
    return Request(scope, receive)


def _hook(body: bytes, content_type: str) -> None:
    hook = asyncio.run(bodies.read("sms", content_type, body))
    _text((hook.text or "").encode())
    rules.spellings((hook.sender or "").encode().decode())


def _hook_json(data: bytes) -> None:
    _hook(data, "application/json")


def _hook_form(data: bytes) -> None:
    _hook(data, "application/x-www-form-urlencoded")


def _hook_parts(data: bytes) -> None:
    _hook(data, "multipart/form-data; boundary=b")


def _signature(data: bytes) -> None:
    stamp, given, body = (*data.split(b"\n", 2), b"", b"")[:3]
    texts = stamp.decode("latin-1"), given.decode("latin-1")
    seal = rules.Seal(["another secret"], texts[0])
    seal.feed(body)
    assert not seal.is_of(texts[1], NOW)


def _text(data: bytes) -> None:
    """What a child or an adult texts."""
    text = data.decode("utf-8", "replace")
    rules.number(text)
    rules.meant(text, {"green": "a", "red": "b"})
    rules.read_reply(text)
    by_text.read(text)


def _sync(data: bytes) -> None:
    asyncio.run(json_body(_request(data, "application/json"), wire.SyncRequest, is_loose=True))


def _subscription(data: bytes) -> None:
    asked = asyncio.run(json_body(_request(data, "application/json"), dict[str, Any]))
    check_subscription(asked, ("https://push.example.org",))


# --- files


KNOWN = import_csv.Known(
    homes={"the house": [import_csv.Place(UUID(int=9), "Europe/Lisbon")]},
    workers={"tom verhoeven": {UUID(int=1)}},
    home_names=["The house"],
    worker_names=["Tom Verhoeven"],
    language="en",
    zone="Europe/Paris",
    today=TODAY,
    policy=read_policy(SHIPPED),
)


def _children(data: bytes) -> None:
    import_csv.read(data, KNOWN)


def _register(data: bytes) -> None:
    register.match(register.read_file(data, TODAY), {UUID(int=1): "Mia Castellane"})


def _file(data: bytes) -> Any:
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")


def _replay(data: bytes) -> None:
    list(events.events_of(_file(data)))


def _truth(data: bytes) -> None:
    evaluation.truth_of(_file(data))


@cache
def _scratch() -> Path:
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (a folder of its own)
    return Path(tempfile.mkdtemp(prefix="fuzz", dir=folder))


def _policy(data: bytes) -> None:
    path = _scratch() / "policy.toml"
    path.write_bytes(data)
    commands.read_policy(path)


def _package(data: bytes) -> None:
    signature, _, document = data.partition(b"\n")
    text = document.decode("utf-8", "replace")
    manifest = {"sha256": sha256(text.encode()).hexdigest()}
    transfer: Any = SimpleNamespace(
        package=text, manifest=manifest, signature=signature.decode("latin-1")
    )
    encryption.use(KEYS)
    package.is_whole(transfer)


def _backup(data: bytes) -> None:
    path = _scratch() / "backup"
    path.write_bytes(data)
    encryption.use(KEYS)
    with backup.Archive(path) as archive:
        verify(archive, KEYS, lambda *_: None)


def _signed_backup(data: bytes) -> None:
    """A manifest and a table that we signed ourselves, whatever is in them."""
    manifest, _, lines = data.partition(b"\n\n")
    encryption.use(KEYS)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr(backup.MANIFEST, manifest)
        signed = encryption.sign(sha256(manifest).hexdigest(), backup.BACKUP)
        made.writestr(backup.SIGNATURE, signed)
        made.writestr("tables/home.jsonl", lines)
    _backup(held.getvalue())


def _picture(data: bytes) -> None:
    photos._made(data)


# --- tokens, and what a provider and an authenticator say


def _token(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    encryption.use(KEYS)
    cards.code_of(text)
    browsers.read(text, NOW)
    for read in (lambda: KEYS.open(text), lambda: KEYS.unsign(text, "link", NOW)):
        try:
            read()
        except Unreadable:
            continue


def _id_token(data: bytes) -> None:
    header = read_header(data.decode("utf-8", "replace"))
    claims.pick_key(header, [{"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}])


def _discovery(data: bytes) -> None:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        claims.read_claims(document, claim="realm_access.roles", strong=["mfa"])
        claims.check_times(document, NOW)
        claims.read_places(document, "https://login.example.org")
        claims.check_binding(
            document,
            nonce="n",
            client_id="c",
            access_token=document.get("access_token"),
            algorithm="RS256",
        )


def _passkey(data: bytes) -> None:
    response = passkeys._read(data.decode("utf-8", "replace"))
    site = Site("plan.example.org", "https://plan.example.org", "Planner")
    passkeys.challenge_in(response)
    passkeys._made(response, b"challenge", site)


# --- examples


@cache
def _pictures() -> list[bytes]:
    made = []
    for kind, mode in (("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")):
        image = Image.radial_gradient("L").convert(mode)
        exif = Image.Exif()
        exif[0x0112], exif[0x0132] = 6, "2026:03:01 10:00:00"
        held = io.BytesIO()
        image.save(held, kind, exif=exif)
        made.append(held.getvalue())
    return made


@cache
def _backups() -> list[bytes]:
    encryption.use(KEYS)
    folder = Path(tempfile.mkdtemp(dir=_scratch()))
    with backup.Writer(folder / "b", replaces=False) as writer:
        member = writer.begin(Table("home", ("id", "name")))
        member.add([["1", KEYS.seal("The house")], ["2", None]])
        member.end()
        path = writer.close(_manifest(writer.entries))
        return [path.read_bytes()]


def _manifest(entries: list[backup.TableEntry]) -> backup.Manifest:
    key = KEYS.ids[0]
    keys = backup.Keys([key], key, key, None)
    return backup.Manifest(
        backup.FORMAT, NOW, "sqlite", ["0001_initial"], entries, keys, backup.Record(0, 0, None)
    )


@cache
def _signed_backups() -> list[bytes]:
    line = json.dumps(["1", KEYS.seal("The house")]).encode() + b"\n"
    entry = backup.TableEntry("home", ["id", "name"], 1, sha256(line).hexdigest())
    return [msgspec.json.encode(_manifest([entry])) + b"\n\n" + line]


def _tokens() -> list[bytes]:
    return [
        text.encode()
        for text in (
            KEYS.seal("Mia"),
            KEYS.sign("1", "link", until=NOW.replace(year=2027)),
            browsers._COOKIE,
            "https://plan.example.org/front?card=ABCDE-FGHJK",
        )
    ]


def _packages() -> list[bytes]:
    document = b'{"child": {"name": "Mia"}}'
    signed = KEYS.sign(sha256(b"{}").hexdigest(), package.TRANSFER).encode()
    return [signed + b"\n" + document]


def _id_tokens() -> list[bytes]:
    token = jwt.encode({"iss": "i", "sub": "s"}, "k" * 32, headers={"kid": "k"})
    deep = urlsafe_b64encode(b'{"alg":' + b"[" * 20_000).rstrip(b"=")
    return [token.encode(), deep + b".e30.AA"]


_POLICY = b"""[mid]
grace = "2h"
ladder = [{ after = "45m", who = ["caseworker"] }]
[budget]
pages = 4
adapt = "never"
"""
_EVENTS = b"""child,at,kind,detail
a,2026-03-01T18:00:00Z,placed,"{""zone"":""Europe/Paris"",""tier"":""mid"",""rhythm"":{""at"":[""18:00""]},""carer"":true}"
a,2026-03-01T18:00:01Z,check_in,"{""want"":""nothing"",""mood"":3}"
a,2026-03-02T18:00:01Z,if_asked,"{""until"":""2026-03-03T00:00:00Z"",""by"":""carer"",""answer"":""seen"",""after_s"":60}"
"""
_SYNC = b"""{"cursor":null,"changes":[{"id":"0190b3c2-0000-7000-8000-000000000001","entity":"goal",
"entity_id":"0190b3c2-0000-7000-8000-000000000002","field":"*","base":null,
"value":{"why":"x"},"said_at":"2026-03-01T18:00:00Z"}]}"""
_PASSKEY = json.dumps(
    {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {
            "clientDataJSON": urlsafe_b64encode(
                b'{"type":"webauthn.create","challenge":"Y2hhbGxlbmdl",'
                b'"origin":"https://plan.example.org"}'
            ).decode(),
            "attestationObject": "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVgA",
            "transports": ["internal"],
        },
    }
).encode()
_SUBSCRIPTION = b"""{"endpoint":"https://push.example.org/a","keys":{
"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
"auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"""
_PLACES = b"""{"issuer":"https://login.example.org","authorization_endpoint":"https://a.example/a",
"token_endpoint":"https://a.example/t","jwks_uri":"https://a.example/k","sub":"s","exp":1772454000,
"iat":1772452700,"auth_time":1772450000,"nonce":"n","azp":"c","access_token":"t","at_hash":"x",
"amr":["mfa"],"realm_access":{"roles":["staff"]}}"""
_FORM = b"MessageSid=1&From=%2B33612345678&Body=green"
_PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="from"\r\n\r\n+33612345678\r\n'
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\ngreen\r\n--b--\r\n'
)
_CHILDREN = b"name,caseworker,home,born\nAmal Z,Tom Verhoeven,The house,2010-03-31\n"
_TEXTS = [
    "green",
    "yes 4F2K",
    "1 yes 2 no",
    "\u0646\u0639\u0645 \u0661",
    "> quoted\nno",
    "+33 6 12",
]
_SPOKEN = (WaymarkError, HTTPException)

DECODERS = [
    Decoder("webhook-json", _hook_json, (), lambda: [b'{"id":"1","from":"+336","text":"x"}']),
    Decoder("webhook-form", _hook_form, (), lambda: [_FORM]),
    Decoder("webhook-parts", _hook_parts, (), lambda: [_PARTS]),
    Decoder("signature", _signature, (), lambda: [b"1772452800\nsha256=00ff\nbody"]),
    Decoder("text-message", _text, (), lambda: [text.encode() for text in _TEXTS]),
    Decoder("sync", _sync, _SPOKEN, lambda: [_SYNC]),
    Decoder("push-subscription", _subscription, _SPOKEN, lambda: [_SUBSCRIPTION]),
    Decoder("list-of-children", _children, (Refused,), lambda: [_CHILDREN]),
    Decoder("register", _register, (Refused,), lambda: [b"name;word;date\nMia;here;2026-03-02\n"]),
    Decoder("replay", _replay, (Refused,), lambda: [_EVENTS]),
    Decoder(
        "truth",
        _truth,
        (Refused,),
        lambda: [b"child,left_at,back_at,coerced\na,2026-03-01T18:00:00Z,,true\n"],
    ),
    Decoder("policy", _policy, (Refused,), lambda: [_POLICY]),
    Decoder("package", _package, (), _packages),
    Decoder("backup", _backup, (CopyFault,), _backups),
    Decoder("backup-signed", _signed_backup, (CopyFault,), _signed_backups),
    Decoder("picture", _picture, (Refused,), _pictures),
    Decoder("token", _token, (), _tokens),
    Decoder("id-token", _id_token, (claims.Untrue,), _id_tokens),
    Decoder("provider", _discovery, (claims.Untrue,), lambda: [_PLACES]),
    Decoder("passkey", _passkey, (Refused,), lambda: [_PASSKEY]),
]
BY_NAME = {decoder.name: decoder for decoder in DECODERS}
