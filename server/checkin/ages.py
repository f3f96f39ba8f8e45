"""As of when answers count that come now. Reads rows, where one is old."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from server.checkin.rules import Answer
from server.watch.evidence import blinds_since
from server.watch.machine.ages import ON_THE_WAY, Heard, unaged


async def when_said(answers: Sequence[Answer], now: datetime) -> dict[UUID, Heard]:
    """When each of these was said, by its id. Time in which our server was down makes none of them
    older: they could not reach us."""
    spoken = {answer.id: answer.spoken_at(now) for answer in answers}
    old = [at for at in spoken.values() if at is not None and at <= now - ON_THE_WAY]
    blinds = await blinds_since(min(old), now) if old else []
    return {
        id_: Heard(at, None if at is None else unaged(at, now, blinds))
        for id_, at in spoken.items()
    }
