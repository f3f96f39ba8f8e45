"""The history of a run: one JSON object a line, in the order in which things happened.

Kinds: `child` (who is watched, and whose address their caseworker has), `said` (a check-in came
into being on a phone), `sent` (one try), `answered` (what the server said to it: `status` 0 is no
answer), `arrived` (a message at the wire), `fault` and `healed`, and at the end a `row` for each
row that the database holds about all this. `at` is in seconds since 1970.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class History:
    """A file that only grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, kind: str, /, **facts: Any) -> None:
        """Write down what has just happened."""
        event = {"at": round(time.time(), 4), "kind": kind} | facts
        self._file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Event]:
    """Everything, also of a run that was killed in the middle of a line."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.endswith("}")]


def of_kind(events: Iterable[Event], kind: str) -> Iterator[Event]:
    return (event for event in events if event["kind"] == kind)


def rows(events: Iterable[Event], table: str) -> Iterator[Event]:
    return (event for event in of_kind(events, "row") if event["table"] == table)
