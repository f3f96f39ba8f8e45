"""A sign-in provider as auth uses it: where it answers, its keys, and what a code becomes.

What it said of itself is kept in memory for a while. A token signed by an unknown key makes us look
once more, at most once a minute: a sender of nonsense must not make us call the provider without
end. The calls themselves are made in `notify/channels/`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from server.auth.oidc.claims import (
    Places,
    Untrue,
    check_binding,
    check_times,
    pick_key,
    read_places,
)
from server.notify.channels.provider import ask, is_safe
from server.settings import Provider
from server.starting import late

if TYPE_CHECKING:
    import jwt
else:
    jwt = late("jwt")

KEPT_FOR = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=1)
# Of a token longer than this nothing is read.
LONGEST_TOKEN = 64_000


class _Kept(msgspec.Struct):
    places: Places
    places_at: datetime
    keys: list[Any]
    keys_at: datetime | None


class Talk:
    """What we know of every provider, in this process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def places(self, provider: Provider, now: datetime) -> Places:
        """The provider's addresses. Raises Untrue, Unanswered."""
        kept = self._kept.get(provider.name)
        if kept is None or now - kept.places_at >= KEPT_FOR:
            at = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
            places = read_places(await ask(at), provider.issuer)
            if not all(map(is_safe, (places.authorize, places.token, places.keys))):
                raise Untrue("an endpoint is not https")
            kept = self._kept[provider.name] = _Kept(places, now, [], None)
        return kept.places

    async def claims(
        self, provider: Provider, code: str, *, back: str, verifier: str, nonce: str, now: datetime
    ) -> dict[str, Any]:
        """What the provider says of the person with this code. Raises Untrue, Unanswered."""
        places = await self.places(provider, now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        basic = None
        if places.is_basic:
            basic = (provider.client_id, provider.secret)
        else:
            form |= {"client_id": provider.client_id, "client_secret": provider.secret}
        answer = await ask(places.token, form=form, basic=basic)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise Untrue("no token")
        claims, algorithm = await self._verified(provider, token, now)
        check_times(claims, now)
        check_binding(
            claims,
            nonce=nonce,
            client_id=provider.client_id,
            access_token=answer.get("access_token"),
            algorithm=algorithm,
        )
        return claims

    async def _verified(
        self, provider: Provider, token: str, now: datetime
    ) -> tuple[dict[str, Any], str]:
        """The claims behind a right signature. Its times are not looked at here: the library would
        ask another clock than ours."""
        try:
            header = read_header(token)
            key = await self._key(provider, header, now)
            algorithm = str(header["alg"])
            claims = jwt.decode(
                token,
                jwt.PyJWK(key, algorithm),
                algorithms=[algorithm],
                audience=provider.client_id,
                issuer=provider.issuer,
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "require": ["iss", "sub", "aud", "exp", "iat"],
                },
            )
        except jwt.InvalidAudienceError:
            raise Untrue("audience") from None
        except jwt.InvalidIssuerError:
            raise Untrue("issuer") from None
        except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as fault:
            raise Untrue(type(fault).__name__) from None
        return claims, algorithm

    async def _key(
        self, provider: Provider, header: Mapping[str, Any], now: datetime
    ) -> dict[str, Any]:
        kept = self._kept[provider.name]
        key = pick_key(header, kept.keys)
        is_old = kept.keys_at is None or now - kept.keys_at >= AGAIN_AFTER
        if (key is None and is_old) or kept.keys_at is None or now - kept.keys_at >= KEPT_FOR:
            kept.keys_at = now
            keys = (await ask(kept.places.keys)).get("keys")
            kept.keys = keys if isinstance(keys, list) else []
            key = pick_key(header, kept.keys)
        if key is None:
            raise Untrue("unknown key")
        return key


def read_header(token: str) -> dict[str, Any]:
    """What a token says of its own signature. Raises Untrue for what is no token."""
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as fault:
        raise Untrue(type(fault).__name__) from None
