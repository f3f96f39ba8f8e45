"""Passkeys: key pairs whose private half never leaves a device (WebAuthn).

    options = await to_answer(site, holder_id, Purpose.SIGN_IN, now)      what the device is asked
    key = await answered(credential, site, holder_id, Purpose.SIGN_IN, now)

A challenge is a row, valid for five minutes and only for the session or half session that asked.
Any answer to it, a wrong one too, uses it up. The library compares challenge, origin and address.
It checks the signature, that the device asked for a finger, a face or a PIN, and that its counter
has moved on.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from tortoise.exceptions import IntegrityError

from server.audit.actions import Actor, note
from server.auth.models import Challenge, Passkey
from server.auth.rate_limit import count_guess, tell_refused
from server.auth.rules import CHALLENGE_LASTS, PASSKEY_BY_NETWORK, Door, Proof, network_of
from server.auth.second_factor.factors import key_added, key_removed
from server.auth.second_factor.pending import open_halfway
from server.errors import NotFound, Refused
from server.i18n import N_
from server.people.access import Visitor
from server.setting_parsers import is_address
from server.settings import Settings
from server.starting import late
from server.storage.db import write

if TYPE_CHECKING:
    import webauthn
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor
    from webauthn.registration.verify_registration_response import VerifiedRegistration
else:
    webauthn = late("webauthn")

LONGEST_NAME = 40
MOST_KEYS = 20


class Purpose(StrEnum):
    """What a challenge was asked for: an answer to one opens nothing else."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    SECOND = "second"
    AGAIN = "again"


class Site(msgspec.Struct, frozen=True):
    """Where a passkey is valid: the name of the host, the origin of our pages, and the name shown
    on the device."""

    host: str
    origin: str
    name: str


def site_of(settings: Settings) -> Site | None:
    """None if passkeys cannot be: browsers make them for a name, never for a bare number."""
    host = urlsplit(settings.public_url).hostname or ""
    if is_address(host):
        return None
    return Site(host, settings.public_url, settings.display_name)


# --- what a device is asked


async def to_register(
    person_id: UUID, name: str, site: Site, holder_id: UUID, now: datetime
) -> dict[str, Any]:
    """For a new key of this person: the device must be able to find it by itself, and ask for a
    finger, a face or a PIN each time. The device learns the sign-in name and nothing else."""
    structs = webauthn.helpers.structs
    keys = await Passkey.filter(person_id=person_id)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=person_id.bytes,
        user_name=name,
        user_display_name=name,
        exclude_credentials=_described(keys),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    await _keep(options.challenge, Purpose.REGISTER, holder_id, now)
    return _as_json(options)


async def to_answer(
    site: Site,
    holder_id: UUID,
    purpose: Purpose,
    now: datetime,
    *,
    person_id: UUID | None = None,
) -> dict[str, Any]:
    """For a key that is there: of this person, or whichever the device finds for this place."""
    structs = webauthn.helpers.structs
    keys = await Passkey.filter(person_id=person_id) if person_id is not None else []
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        allow_credentials=_described(keys) or None,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    await _keep(options.challenge, purpose, holder_id, now)
    return _as_json(options)


async def begin_sign_in(
    site: Site, host: str, now: datetime, *, person_id: UUID | None = None
) -> tuple[str, dict[str, Any]]:
    """For a stranger: the token of a half sign-in, and the challenge for the device.

    `person_id`: the person who lately used this device, so that it offers no other key. Raises
    TooMany, since each request is a row of ours.
    """
    key = (f"network {network_of(host)}", PASSKEY_BY_NETWORK)
    await count_guess(Door.PASSKEY, [key], now)
    async with write():
        token, half = await open_halfway(None, now)
        options = await to_answer(site, half.id, Purpose.SIGN_IN, now, person_id=person_id)
    return token, options


async def _keep(challenge: bytes, purpose: Purpose, holder_id: UUID, now: datetime) -> None:
    async with write():
        # A new question cancels the one before.
        await Challenge.filter(holder_id=holder_id, purpose=purpose).delete()
        await Challenge.create(
            holder_id=holder_id,
            purpose=purpose,
            text=webauthn.helpers.bytes_to_base64url(challenge),
            expires_at=now + CHALLENGE_LASTS,
        )


def _described(keys: Iterable[Passkey]) -> "list[PublicKeyCredentialDescriptor]":
    structs = webauthn.helpers.structs
    return [
        structs.PublicKeyCredentialDescriptor(
            id=webauthn.helpers.base64url_to_bytes(key.credential_id),
            transports=[structs.AuthenticatorTransport(transport) for transport in key.transports]
            or None,
        )
        for key in keys
    ]


def _as_json(options: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return decoded


# --- what it answers


async def register(
    visitor: Visitor, credential: str, name: str, site: Site, now: datetime
) -> list[str]:
    """A new key of the visitor, with recovery codes if there were none.

    Raises Refused for an answer that is not to our challenge, or for a key that is known already.
    """
    shown = " ".join(name.split())[:LONGEST_NAME]
    if not shown:
        raise Refused(N_("Name this passkey, for example after the phone it is on."), field="name")
    response, person_id = _read(credential), visitor.person_id
    challenge = await _use_up(response, Purpose.REGISTER, visitor.session_id, now)
    made = _made(response, challenge, site)
    named = response["response"].get("transports")
    transports = named if isinstance(named, list) else []
    async with write():
        if await Passkey.filter(person_id=person_id).count() >= MOST_KEYS:
            raise Refused(N_("You have too many passkeys. Remove one you no longer use."))
        await _add(person_id, shown, made, transports, now)
        about = ("person", person_id)
        await note(visitor, "second_key:add", about=about, names=["passkey"], now=now)
        return await key_added(visitor, person_id, now)


def _made(response: dict[str, Any], challenge: bytes, site: Site) -> "VerifiedRegistration":
    try:
        return webauthn.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as fault:
        # What a stranger sends may break the library at any place of it; none of that is a fault
        # of ours.
        raise _refused() from fault


async def _add(
    person_id: UUID, name: str, made: "VerifiedRegistration", transports: list[str], now: datetime
) -> None:
    ways = {transport.value for transport in webauthn.helpers.structs.AuthenticatorTransport}
    try:
        async with write():
            await Passkey.create(
                person_id=person_id,
                name=name,
                credential_hash=_hash(webauthn.helpers.bytes_to_base64url(made.credential_id)),
                credential_id=webauthn.helpers.bytes_to_base64url(made.credential_id),
                public_key=webauthn.helpers.bytes_to_base64url(made.credential_public_key),
                sign_count=made.sign_count,
                transports=[
                    transport
                    for transport in transports
                    if isinstance(transport, str) and transport in ways
                ],
                made_at=now,
            )
    except IntegrityError:
        raise Refused(N_("This passkey has already been added.")) from None


async def answered(
    credential: str,
    site: Site,
    holder_id: UUID,
    purpose: Purpose,
    now: datetime,
    *,
    person_id: UUID | None = None,
) -> Passkey:
    """The key that has signed the challenge; its counter is moved on.

    Raises Refused (code `passkey_wrong`) for anything else: an answer to another challenge or for
    another place, one that came before, a key that is not here or belongs to another person.
    """
    response = _read(credential)
    challenge = await _use_up(response, purpose, holder_id, now)
    key = await Passkey.get_or_none(credential_hash=_hash(str(response.get("id"))))
    if key is None or (person_id is not None and key.person_id != person_id):
        raise _refused()
    count = _new_sign_count(key, response, challenge, site)
    # Of two answers with one count, one comes from a copied key.
    moved = await Passkey.filter(id=key.id, sign_count=key.sign_count).update(
        sign_count=count, last_used_at=now
    )
    if not moved:
        raise _refused()
    return key


def _new_sign_count(key: Passkey, response: dict[str, Any], challenge: bytes, site: Site) -> int:
    """What the key counts now. Raises Refused unless it signed this challenge for its person."""
    try:
        proof = webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=webauthn.helpers.base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
        handle = response["response"].get("userHandle")
        is_theirs = not handle or webauthn.helpers.base64url_to_bytes(handle) == key.person_id.bytes
    except Exception as fault:
        raise _refused() from fault
    if not is_theirs:
        raise _refused()
    return proof.new_sign_count


async def remove(actor: Actor, person_id: UUID, passkey_id: UUID, now: datetime) -> None:
    """Remove one passkey. Raises NotFound for a passkey of another person."""
    async with write():
        if not await Passkey.filter(id=passkey_id, person_id=person_id).delete():
            raise NotFound(N_("This passkey has been removed."))
        await note(
            actor, "second_key:remove", about=("person", person_id), names=["passkey"], now=now
        )
        await key_removed(actor, person_id, now)


def _read(credential: str) -> dict[str, Any]:
    try:
        response = json.loads(credential)
    except (ValueError, RecursionError):
        raise _refused() from None
    if not isinstance(response, dict) or not isinstance(response.get("response"), dict):
        raise _refused()
    return response


async def _use_up(
    response: dict[str, Any], purpose: Purpose, holder_id: UUID, now: datetime
) -> bytes:
    """The challenge of this answer. It is used up, whatever the result."""
    challenge = challenge_in(response)
    used = await Challenge.filter(
        holder_id=holder_id,
        purpose=purpose,
        text=webauthn.helpers.bytes_to_base64url(challenge),
        expires_at__gt=now,
    ).delete()
    if not used:
        raise _refused()
    return challenge


def challenge_in(response: dict[str, Any]) -> bytes:
    """The challenge that the device says it signed. Raises Refused where it says none."""
    try:
        raw = response["response"]["clientDataJSON"]
        text = json.loads(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))["challenge"]
        return webauthn.helpers.base64url_to_bytes(text)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _refused() from None


def _hash(credential_id: str) -> str:
    return sha256(credential_id.encode("utf-8", "replace")).hexdigest()


def _refused() -> Refused:
    tell_refused(Proof.PASSKEY, None)
    return Refused(
        N_("This passkey did not work. Try again, or use another way."),
        code="passkey_wrong",
    )
