"""What our log says of each message: an event and ids, no name, no address, no words.

`message.accepted`, `message.failed` and `message.withheld` come from a worker, once it has written
the result down; `message.withdrawn` from what settled the subject.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from server import logs
from server.notify.models import Message
from server.notify.rules import Result
from server.notify.sending.attempts import Attempt

log = logs.get("notify")


def log_results(messages: Sequence[Message], tries: Mapping[UUID, Sequence[Attempt]]) -> None:
    """One line for each attempt, and one for a message that had nowhere to go."""
    for message in messages:
        attempts = tries[message.id]
        for attempt in attempts:
            _log(attempt)
        if not attempts:
            log.warning("message.failed", **_ids(message), delivery_id=None, code="no_address")


def _log(attempt: Attempt) -> None:
    ids = {**_ids(attempt.message), "delivery_id": attempt.delivery_id}
    if attempt.reason is not None:
        log.info("message.withheld", **ids, code=attempt.reason, until=attempt.put_off_to)
    elif attempt.outcome is None or attempt.outcome.result is Result.ACCEPTED:
        log.info("message.accepted", **ids, attempt=attempt.message.attempts)
    else:
        outcome, nth = attempt.outcome, attempt.message.attempts
        log.warning(
            "message.failed", **ids, attempt=nth, result=outcome.result, code=outcome.reason
        )


def _ids(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "child_id": message.child_id,
        "kind": message.kind,
        "channel": message.channel,
    }


def log_withdrawn(rows: Iterable[tuple[UUID, UUID | None, str, str]], why: str) -> None:
    """One line for each: (message, child, kind, channel)."""
    for message_id, child_id, kind, channel in rows:
        log.info(
            "message.withdrawn",
            message_id=message_id,
            child_id=child_id,
            kind=kind,
            channel=channel,
            code=why,
        )
