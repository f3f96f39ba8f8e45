"""Codes of a second key: which of them count, and how people read them. Pure."""

import hmac
from datetime import datetime

import pyotp

STEP_S = 30
DIGITS = 6
# A clock may be one step off, and people type slowly.
DRIFT = 1

RECOVERY_CODES = 10
RECOVERY_LENGTH = 10


def matching_step(secret: str, code: str, now: datetime, last: int) -> int | None:
    """The time step of this code; None if the code does not count.

    `secret` is base32, a step is half a minute since 1970 (RFC 6238). The code counts within one
    step of `now`, and only after `last`, the step of the code that was used before: a code read
    over a shoulder must be worth nothing once it was used.
    """
    if len(code) != DIGITS or not code.isascii():
        return None
    totp, here = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S), int(now.timestamp()) // STEP_S
    # All of them, so that it takes as long for any.
    steps = [
        step
        for step in range(here - DRIFT, here + DRIFT + 1)
        if hmac.compare_digest(totp.generate_otp(step), code)
    ]
    return next((step for step in steps if step > last), None)


def address(secret: str, name: str, issuer: str) -> str:
    """What the picture holds: an `otpauth` address, with the names that the app shows."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=name, issuer_name=issuer
    )


def in_groups(text: str, size: int = 4) -> str:
    """A secret or a code as people read and copy it."""
    return " ".join(text[n : n + size] for n in range(0, len(text), size))
