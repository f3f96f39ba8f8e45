"""Guesses at a sign-in, counted in rows, so that all processes count together.

A guess is written before it is tried and removed after a right one; otherwise many parallel tries
would all get through.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server import logs
from server.auth.models import Guess
from server.auth.rules import Door, Limit
from server.errors import TooMany
from server.i18n import N_
from server.security import encryption
from server.storage.db import dialect, fetch, write

_log = logs.get("auth")


async def count_guess(door: Door, keys: list[tuple[str, Limit]], now: datetime) -> list[int]:
    """Count one try under each key before it is made. Raises TooMany if a key has had too many."""
    blinded = [(encryption.blind(f"{door} {text}"), limit) for text, limit in keys]
    waits = []
    async with write():
        for key, limit in blinded:
            await one_at_a_time(key)
            tries = await Guess.filter(door=door, key=key, at__gt=now - limit.within).values_list(
                "at", flat=True
            )
            waits.append(limit.wait(list(tries), now))  # type: ignore[arg-type]
        made = []
        if not any(waits):
            made = [await Guess.create(door=door, key=key, at=now) for key, _ in blinded]
    if any(waits):
        _log.warning("guesses_wait", door=door, wait_s=max(waits))
        minutes = -(-max(waits) // 60)
        raise TooMany(
            N_("Too many wrong tries. Try again in one minute.")
            if minutes == 1
            else N_("Too many wrong tries. Try again in {minutes} minutes."),
            retry_after_s=max(waits),
            minutes=minutes,
        )
    return [guess.id for guess in made]


async def is_waiting(door: Door, keys: list[tuple[str, Limit]], now: datetime) -> bool:
    """Whether the next try under one of these keys would not be heard. Counts nothing."""
    for text, limit in keys:
        key = encryption.blind(f"{door} {text}")
        tries = Guess.filter(door=door, key=key, at__gt=now - limit.within)
        if limit.wait(list(await tries.values_list("at", flat=True)), now):  # type: ignore[arg-type]
            return True
    return False


async def one_at_a_time(key: str) -> None:
    """Callers with the same key (a hexadecimal digest) wait for the end of this transaction."""
    # Two tries at once would each count the other not. SQLite has one writer at a time anyway.
    if dialect() == "postgres":
        await fetch("SELECT pg_advisory_xact_lock($1::bigint)", [int(key[:15], 16)])


async def forget_guesses(ids: Sequence[int]) -> None:
    """The guess was right, so it does not count. In the caller's transaction."""
    await Guess.filter(id__in=list(ids)).delete()


def tell_refused(how: str, person_id: UUID | None) -> None:
    """A line of the log for those who look for attacks: a password, a code or a key that did not
    count. None is a name or a key that nobody has. What was typed is not in it: people type their
    password where the name belongs."""
    _log.warning("sign_in_refused", how=how, person_id=person_id)
