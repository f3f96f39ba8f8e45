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

_Line = tuple[str, str, dict[str, Any]]


def log_results(messages: Sequence[Message], tries: Mapping[UUID, Sequence[Attempt]]) -> None:
    """One line for each attempt, and one for a message that had nowhere to go."""
    lines: list[_Line] = []
    for message in messages:
        attempts = tries[message.id]
        lines += map(_line, attempts)
        if not attempts:
            nowhere = {"delivery_id": None, "code": "no_address"}
            lines.append(("warning", "message.failed", _ids(message) | nowhere))
    logs.write_together("notify", lines)


def _line(attempt: Attempt) -> _Line:
    ids = {**_ids(attempt.message), "delivery_id": attempt.delivery_id}
    if attempt.reason is not None:
        withheld = {"code": attempt.reason, "until": attempt.put_off_to}
        return "info", "message.withheld", ids | withheld
    nth = {"attempt": attempt.message.attempts}
    if attempt.outcome is None or attempt.outcome.result is Result.ACCEPTED:
        return "info", "message.accepted", ids | nth
    outcome = attempt.outcome
    failed = {**nth, "result": outcome.result, "code": outcome.reason}
    return "warning", "message.failed", ids | failed


def _ids(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "child_id": message.child_id,
        "kind": message.kind,
        "channel": message.channel,
    }


def log_withdrawn(rows: Iterable[tuple[UUID, UUID | None, str, str]], why: str) -> None:
    """One line for each: (message, child, kind, channel)."""
    names = ("message_id", "child_id", "kind", "channel", "code")
    values = [dict(zip(names, (*row, why), strict=True)) for row in rows]
    logs.write_together("notify", [("info", "message.withdrawn", each) for each in values])
