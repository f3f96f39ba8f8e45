"""What happened in a night, as the server tells it to the phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

STEPS = (
    (-30, "reminded", "We reminded you."),
    (30, "late", "We had no answer for 18:00 yet."),
    (
        30,
        "asked",
        "You had not answered since 18:00, so we asked Sam Oyelaran if they had seen you.",
    ),
    (90, "told", "You had not answered since 18:00, so we told Tom Verhoeven."),
    (120, "told_too", "We told Ines Quintanar too."),
    (150, "you_answered", "You answered, so we stopped waiting."),
)


def stories(days_ago: int = 1) -> list[dict[str, Any]]:
    """One late check-in, with everything that followed."""
    day = datetime.now(UTC).replace(hour=17, minute=0, second=0, microsecond=0)
    due = day - timedelta(days=days_ago)
    steps = [
        {
            "id": str(UUID(int=n + 1)),
            "at": (due + timedelta(minutes=after)).isoformat().replace("+00:00", "Z"),
            "code": code,
            "text": text,
        }
        for n, (after, code, text) in enumerate(STEPS)
    ]
    at = due.isoformat().replace("+00:00", "Z")
    return [{"id": str(UUID(int=99)), "due_at": at, "is_over": True, "steps": steps}]
