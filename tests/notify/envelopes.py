"""Envelopes for the tests of the channels."""

from datetime import timedelta
from uuid import UUID

from server.notify.rules import Envelope

MESSAGE_ID = UUID("01931f6e-0000-7000-8000-000000000001")


def envelope(**changes: object) -> Envelope:
    """A usual one, but for `changes`."""
    values: dict[str, object] = {
        "message_id": MESSAGE_ID,
        "kind": "alert",
        "channel": "push",
        "address": "https://push.example.org/x",
        "language": "en",
        "title": "Planner",
        "body": "You have 1 new item",
        "url": "https://planner.example.org/desk/alerts/1",
        "tag": "a1",
        "topic": "topic-1",
        "ttl": timedelta(hours=1),
        "subject": "You have 1 new item",
        "sender": "Planner",
    }
    return Envelope(**(values | changes))  # type: ignore[arg-type]
