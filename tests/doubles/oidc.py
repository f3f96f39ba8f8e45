"""A provider of sign-in on loopback (OpenID Connect): discovery, keys, a page, and its tokens.

As strict as OpenID Connect Core, RFC 6749 and 7636 are towards the client: a wrong secret, address
or verifier is refused, and a code is good once. It misbehaves as a test tells it to.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import unquote, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from tests.doubles.thread import InThread

CLIENT, SECRET = "waymark at the agency", "a secret: of the client/only"


PAGE = """<!doctype html><html lang="en"><title>The house</title><h1>The house</h1>
<form method="post"><button>It is me</button></form>"""


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Account:
    """Somebody whom the provider knows, and what its token says of them."""

    subject: str
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass
class Fault:
    """How to misbehave, until `reset`."""

    claims: dict[str, Any] = field(default_factory=dict)  # None takes one out.
    algorithm: str = "RS256"  # "none", or "HS256" with the public key or the secret as its key.
    hmac_key: str | None = None
    header: dict[str, Any] = field(default_factory=dict)
    issuer: str | None = None  # Of the discovery document.
    at: str = ""  # "discovery", "keys" or "token": which of them misbehaves,
    status: int = 0  # and how: with a status,
    body: bytes | None = None  # with a body,
    does: str = ""  # or "hang" or "redirect".
    breaks_signature: bool = False


@dataclass
class _Code:
    account: Account
    asked: dict[str, str]
    auth_time: datetime


def _new_key() -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


# To make one takes 80 ms: every provider begins with the same, and `rotate` makes another.
_first_key = cache(_new_key)


class Provider(InThread):
    """The double. `account` is who sits at the browser; `knows_time` says when they were asked."""

    port = 0

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.clock = clock or (lambda: datetime.now(UTC))
        self.account = Account("tom-there", {"name": "Tom T", "groups": ["workers"]})
        self.signed_in_at: datetime | None = None
        self.is_basic = True
        self.knows_time = True
        self.denies = ""
        self.shows_page = False  # A page with a button first, as a person sees it.
        self.fault = Fault()
        self.asked: list[dict[str, str]] = []
        self.calls: list[str] = []
        self._codes: dict[str, _Code] = {}
        self.kid, self.kind, self.key = secrets.token_hex(4), "RSA", _first_key()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    def rotate(self, kind: str = "RSA") -> None:
        """Another key from now on; the one before is gone."""
        self.kid = secrets.token_hex(4)
        self.kind = kind
        if kind == "RSA":
            self.key = _new_key()
        else:
            self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_pem(self) -> bytes:
        pem: bytes = self.key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        return pem

    def reset(self) -> None:
        self.fault = Fault()

    # What it answers.

    async def begin(self) -> None:
        app = web.Application()
        app.router.add_get("/realm/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/realm/keys", self._keys)
        app.router.add_get("/realm/authorize", self._authorize)
        app.router.add_post("/realm/authorize", self._authorize)
        app.router.add_post("/realm/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def end(self) -> None:
        await self._runner.cleanup()

    async def _misbehaves(self, at: str) -> web.Response | None:
        self.calls.append(at)
        if self.fault.at != at:
            return None
        if self.fault.does == "hang":
            await asyncio.sleep(60)
        if self.fault.does == "redirect":
            return web.Response(status=302, headers={"location": f"{self.issuer}/elsewhere"})
        if self.fault.body is not None:
            return web.Response(body=self.fault.body, content_type="application/json")
        return web.Response(status=self.fault.status or 500, text="out of order")

    async def _discovery(self, _: web.Request) -> web.Response:
        if (wrong := await self._misbehaves("discovery")) is not None:
            return wrong
        way = "client_secret_basic" if self.is_basic else "client_secret_post"
        return web.json_response(
            {
                "issuer": self.fault.issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": [way],
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        if (wrong := await self._misbehaves("keys")) is not None:
            return wrong
        algorithm = jwt.get_algorithm_by_name("RS256" if self.kind == "RSA" else "ES256")
        key = json.loads(algorithm.to_jwk(self.key.public_key()))  # type: ignore[arg-type]
        # One that is for something else, and one that is no key at all.
        others = [{**key, "kid": "of encryption", "use": "enc"}, "nonsense", {"kty": "new kind"}]
        return web.json_response({"keys": [*others, {**key, "kid": self.kid, "use": "sig"}]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """The account is asked for nothing; what is asked of us is checked."""
        asked = dict(request.query)
        if self.shows_page and request.method == "GET":
            return web.Response(text=PAGE, content_type="text/html")
        self.asked.append(asked)
        assert asked["response_type"] == "code"
        assert "openid" in asked["scope"].split()
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        said = {"state": asked["state"], "iss": self.issuer}
        if self.denies:
            said["error"] = self.denies
        else:
            said["code"] = secrets.token_urlsafe(16)
            is_anew = asked.get("prompt") == "login" or self.signed_in_at is None
            if is_anew:
                self.signed_in_at = self.clock()
            assert self.signed_in_at is not None
            self._codes[said["code"]] = _Code(self.account, asked, self.signed_in_at)
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(said)}")

    async def _token(self, request: web.Request) -> web.Response:
        if (wrong := await self._misbehaves("token")) is not None:
            return wrong
        form = {name: str(value) for name, value in (await request.post()).items()}
        code = self._codes.pop(form.get("code", ""), None)
        if not self._is_client(request, form) or code is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if _base64(digest) != code.asked["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        if form["redirect_uri"] != code.asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        access = secrets.token_urlsafe(16)
        token = self._signed(self._claims(code, access))
        return web.json_response(
            {"id_token": token, "access_token": access, "token_type": "Bearer"}
        )

    def _is_client(self, request: web.Request, form: dict[str, str]) -> bool:
        if not self.is_basic:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        if "authorization" not in request.headers:
            return False
        scheme, _, text = request.headers["authorization"].partition(" ")
        user, _, password = base64.b64decode(text).decode().partition(":")
        return (scheme, unquote(user), unquote(password)) == ("Basic", CLIENT, SECRET)

    def _claims(self, code: _Code, access: str) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        digest = hashlib.sha256(access.encode()).digest()
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": code.account.subject,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": code.asked["nonce"],
            "at_hash": _base64(digest[:16]),
        }
        if self.knows_time:
            claims["auth_time"] = int(code.auth_time.timestamp())
        claims |= {**code.account.claims, **self.fault.claims}
        return {name: value for name, value in claims.items() if value is not None}

    def _signed(self, claims: dict[str, Any]) -> str:
        header = {"kid": self.kid, **self.fault.header}
        header = {name: value for name, value in header.items() if value is not None}
        algorithm = self.fault.algorithm
        if algorithm == "RS256" and self.kind != "RSA":
            algorithm = "ES256"
        if algorithm == "none":
            return jwt.encode(claims, "", algorithm="none", headers=header)
        if algorithm.startswith("HS"):
            return self._by_hand(claims, header, algorithm)
        token = jwt.encode(claims, self.key, algorithm=algorithm, headers=header)
        if self.fault.breaks_signature:
            head, body, signature = token.split(".")
            token = f"{head}.{body}.{signature[::-1]}"
        return token

    def _by_hand(self, claims: dict[str, Any], header: dict[str, Any], algorithm: str) -> str:
        """The library refuses to sign with a public key as a secret; an attacker does not."""
        key = (self.fault.hmac_key or "").encode() or self.public_pem
        said = [{"alg": algorithm, "typ": "JWT", **header}, claims]
        text = ".".join(_base64(json.dumps(one).encode()) for one in said)
        return f"{text}.{_base64(hmac.digest(key, text.encode(), 'sha256'))}"
