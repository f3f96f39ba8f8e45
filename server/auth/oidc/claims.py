"""What a sign-in provider says of a person, and whether we may believe it. Pure.

OpenID Connect Core 3.1.3.7, with the algorithms of RFC 8725: nothing in a token counts before its
signature is checked, and its times are compared with our clock.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import urlencode

import msgspec

from server.people.rules import Role

# Signatures by a key of which we have only the public half. Neither `none` nor anything signed with
# the client's own secret: a reader of that secret could sign in as anyone.
ALGORITHMS = {
    "RS256": ("RSA", "sha256"),
    "RS384": ("RSA", "sha384"),
    "RS512": ("RSA", "sha512"),
    "PS256": ("RSA", "sha256"),
    "PS384": ("RSA", "sha384"),
    "PS512": ("RSA", "sha512"),
    "ES256": ("EC", "sha256"),
    "ES384": ("EC", "sha384"),
    "ES512": ("EC", "sha512"),
    "EdDSA": ("OKP", "sha512"),
}
# By how much the clocks of two servers may differ.
LEEWAY = timedelta(seconds=60)
# A provider hands its token out at once; one that is older comes from somewhere else.
FRESH_FOR = timedelta(minutes=10)
LONGEST_SUBJECT = 255  # OpenID Connect Core 2.
MOST_VALUES = 500

# What may be mapped: children have phones that are paired, and no account of an agency.
MAPPED = (Role.CASEWORKER, Role.SUPERVISOR, Role.GUARDIAN, Role.CARER, Role.ADMINISTRATOR)


class Untrue(Exception):
    """We cannot believe what the provider said: the reason in a few words, for the logs, without
    any of the content."""


class Places(msgspec.Struct, frozen=True):
    """The addresses of a provider, from its discovery document."""

    authorize: str
    token: str
    keys: str
    is_basic: bool  # How we say who we are: in a header, else in the form.


class FlowSecrets(msgspec.Struct, frozen=True):
    """State and nonce go to the provider with the browser; the verifier only we send, with the
    code."""

    state: str
    nonce: str
    verifier: str


class Said(msgspec.Struct, frozen=True):
    """What a trusted token says of a person."""

    subject: str
    name: str
    values: frozenset[str]  # Of the claim from which roles come.
    is_strong: bool  # More than a password was asked there.
    proved_at: datetime | None  # When it was asked.


def read_places(document: Mapping[str, Any], issuer: str) -> Places:
    """The discovery document of this issuer. Raises Untrue for that of another one."""
    if document.get("issuer") != issuer:
        raise Untrue("another issuer")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    endpoints = [document.get(name) for name in names]
    if not all(isinstance(endpoint, str) and endpoint for endpoint in endpoints):
        raise Untrue("an endpoint is missing")
    ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    authorize, token, keys = (str(endpoint) for endpoint in endpoints)
    return Places(authorize, token, keys, "client_secret_basic" in _texts(ways))


def authorization_url(
    authorize: str, *, client_id: str, back: str, secrets: FlowSecrets, is_again: bool
) -> str:
    """The address at the provider to which a browser is sent. `is_again`: the person must sign in
    there once more."""
    asked = {
        "response_type": "code",
        "scope": "openid profile",
        "client_id": client_id,
        "redirect_uri": back,
        "state": secrets.state,
        "nonce": secrets.nonce,
        "code_challenge": challenge_of(secrets.verifier),
        "code_challenge_method": "S256",
    }
    if is_again:
        asked |= {"prompt": "login", "max_age": "0"}
    return f"{authorize}{'&' if '?' in authorize else '?'}{urlencode(asked)}"


def challenge_of(verifier: str) -> str:
    """What the provider holds against the verifier that comes later (RFC 7636)."""
    return _base64(hashlib.sha256(verifier.encode()).digest())


def pick_key(header: Mapping[str, Any], keys: Sequence[Any]) -> dict[str, Any] | None:
    """The one key that can have signed this; None if there is none. Raises Untrue for an
    algorithm that is not ours."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Untrue("algorithm")
    kind, kid = ALGORITHMS[algorithm][0], header.get("kid")
    fitting = [key for key in keys if isinstance(key, dict) and _fits(key, kind, algorithm)]
    if kid is not None:
        fitting = [key for key in fitting if key.get("kid") == kid]
    # Without an id only one key can be meant; trying them all would take the choice from us.
    return fitting[0] if len(fitting) == 1 or (fitting and kid is not None) else None


def _fits(key: Mapping[str, Any], kind: str, algorithm: str) -> bool:
    is_for = key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm
    return bool(is_for) and key.get("kty") == kind


def check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Raises Untrue for a token that is over, not yet good, or made long ago."""
    ends, made = _moment(claims, "exp"), _moment(claims, "iat")
    if ends is None or made is None:
        raise Untrue("no time")
    if now >= ends + LEEWAY:
        raise Untrue("expired")
    if made > now + LEEWAY:
        raise Untrue("from the future")
    if made < now - FRESH_FOR - LEEWAY:
        raise Untrue("made long ago")
    begins = _moment(claims, "nbf")
    if begins is not None and begins > now + LEEWAY:
        raise Untrue("from the future")


def check_binding(
    claims: Mapping[str, Any], *, nonce: str, client_id: str, access_token: Any, algorithm: str
) -> None:
    """Raises Untrue if this token was made for another browser, or another client."""
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(_raw(given), nonce.encode()):
        raise Untrue("nonce")
    for_whom, party = claims.get("aud"), claims.get("azp")
    if party is not None and party != client_id:
        raise Untrue("audience")
    if isinstance(for_whom, list) and len(for_whom) > 1 and party is None:
        raise Untrue("audience")
    hashed = claims.get("at_hash")
    if hashed is not None and hashed != _half_hash(access_token, algorithm):
        raise Untrue("at_hash")


def _half_hash(access_token: Any, algorithm: str) -> str | None:
    if not isinstance(access_token, str):
        return None
    digest = hashlib.new(ALGORITHMS[algorithm][1], _raw(access_token)).digest()
    return _base64(digest[: len(digest) // 2])


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is a text that a database can store."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _raw(text: str) -> bytes:
    """As bytes; JSON can spell half a surrogate pair, which no encoding takes."""
    return text.encode("utf-8", "surrogatepass")


def read_claims(claims: Mapping[str, Any], *, claim: str, strong: Sequence[str]) -> Said:
    """What we need from a trusted token. Raises Untrue if it names no person."""
    subject = claims.get("sub")
    if not _is_text(subject) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise Untrue("nobody is named")
    name = claims.get("name")
    values = frozenset(_texts(_reach(claims, claim))[:MOST_VALUES]) if claim else frozenset()
    shown = {*_texts(claims.get("amr")), *_texts(claims.get("acr"))}
    return Said(
        subject=subject,
        name=name if _is_text(name) else "",
        values=values,
        is_strong=not shown.isdisjoint(strong),
        proved_at=_moment(claims, "auth_time"),
    )


def _reach(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this name; else, by dots, one inside of another: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    claim: Any = claims
    for part in path.split("."):
        claim = claim.get(part) if isinstance(claim, Mapping) else None
    return claim


def is_proof(claims: Said, asked_at: datetime, now: datetime) -> bool:
    """Whether the person showed there who they are since we asked. A provider that does not say
    when has shown nothing."""
    if claims.proved_at is None:
        return False
    return asked_at - LEEWAY <= claims.proved_at <= now + LEEWAY


def roles_of(values: frozenset[str], mapping: Mapping[str, Sequence[str]]) -> list[Role]:
    """The roles these values give a person, in the order of `MAPPED`."""
    return [role for role in MAPPED if not values.isdisjoint(mapping.get(role.value, ()))]


def choose_role(roles: Sequence[Role], now_is: Role | None) -> Role | None:
    """The one role; None if it is not clear. Of several, the person keeps the role they have:
    otherwise one more group at the provider would change people's roles here."""
    if now_is is not None and now_is in roles:
        return now_is
    return roles[0] if len(roles) == 1 else None


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
