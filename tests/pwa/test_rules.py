"""The days on which a rule comes are the same on the phone as on the server."""

from __future__ import annotations

import random
from datetime import date, timedelta

from server.watch.rhythm import recurrence
from tests.pwa.test_merge import run_node

DAY = timedelta(days=1)
TEXTS = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,SU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "DTSTART;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "DTSTART;VALUE=DATE:20251231\nRRULE:FREQ=WEEKLY;INTERVAL=5;BYDAY=MO,WE,FR",
    "DTSTART;VALUE=DATE:20280229\nRRULE:FREQ=DAILY;INTERVAL=31",
    "FREQ=MONTHLY;BYDAY=1MO",
    "FREQ=MONTHLY;BYDAY=2SA,4SU,-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=1,28,-1",
    "DTSTART;VALUE=DATE:20261201\nRRULE:FREQ=MONTHLY;INTERVAL=3;BYDAY=-1SU",
    "DTSTART;VALUE=DATE:20260201\nRRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=-1",
]


def test_the_days_of_a_rule_are_the_same_on_the_phone_as_on_the_server() -> None:
    dice = random.Random(20261128)  # noqa: S311 (the same days each time)
    cases = [
        (text, date(2019, 1, 1) + dice.randrange(6000) * DAY) for text in TEXTS for _ in range(6)
    ]
    found = run_node("rules.mjs", [{"text": t, "from": day.isoformat()} for t, day in cases])
    for (text, first), on_phone in zip(cases, found, strict=True):
        rule = recurrence.read(text, "rrule")
        days = [day for n in range(400) if rule.holds(day := first + n * DAY)]
        assert on_phone == {
            "text": recurrence.as_text(rule),
            "days": [day.isoformat() for day in days],
            "next": rule.next_from(first).isoformat(),
        }, (text, first)
