"""Several policies over the same events, side by side: which adults each calls, how soon, and how
many false alarms. Nothing of it is stored.

It runs in a thread, one at a time, and is bounded: in rows, in days of children, and in time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec

from server.clock import monotonic
from server.errors import Refused
from server.i18n import N_
from server.policy.model import Policy
from server.simulation import evaluation as reports
from server.simulation import lookback
from server.simulation.evaluation import Gone
from server.simulation.kinds import Event
from server.simulation.lookback import Did
from server.simulation.outcomes import Result

# One replay at a time: several in parallel would be no faster, and slow everything else down.
ONE = threading.Lock()
LONGEST_S = 60.0
MOST_ROWS = 20_000
MOST_CHILD_DAYS = 100_000
_MANY = N_(
    "This is too much for a page. The limits are {n} rows and {days} days, all children"
    " added up. The command “waymark replay” takes more."
)
_HOURS = (6, 24)


class Past(msgspec.Struct, frozen=True):
    """The events to replay. `truth`: absences that are known from elsewhere. `real`: silences in
    which, people said afterwards, the child had gone. Both None: we do not know."""

    events: Sequence[Event]
    until: datetime
    truth: Sequence[Gone] | None = None
    real: Sequence[tuple[str, datetime]] | None = None


class Told(msgspec.Struct, frozen=True):
    """How well absences were told that are known from elsewhere."""

    absences: int
    told: int
    within: dict[int, int]  # Hours: how many were told by then.
    delay: timedelta | None  # The median of all; None: fewer than half were told.


class Tried(msgspec.Struct, frozen=True):
    """The results of one policy."""

    name: str
    did: Did
    children: int
    months: float
    for_nothing: int | None = None  # None: we do not know.
    still_open: int = 0  # Silences that went on at the end: not known yet what they are.
    told: Told | None = None


class Run(msgspec.Struct):
    """One run: its reader may stop it, and it ends by itself."""

    is_stopped: bool = False
    ends_at: float = msgspec.field(default_factory=lambda: monotonic() + LONGEST_S)

    def go_on(self) -> None:
        """Raises Refused if the reader has gone, or it has taken too long."""
        if self.is_stopped or monotonic() > self.ends_at:
            raise Refused(
                N_("This took too long, so we stopped it. Try fewer days or fewer policies.")
            )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until the running replay is over. Raises Refused if that takes too long."""
        while not ONE.acquire(timeout=0.5):
            self.go_on()
        try:
            yield
        finally:
            ONE.release()


def check_size(events: Sequence[Event], until: datetime | None = None) -> None:
    """Raises Refused for events that would take too long, or where there are none."""
    if not events:
        raise Refused(N_("There is nothing in this file to test."), field="events")
    end = until or events[-1].at
    days = sum(max((end - event.at).days, 1) for event in events if event.kind == "placed")
    if not days:
        raise Refused(N_("We watched over no child in this time."), field="events")
    if len(events) > MOST_ROWS or days > MOST_CHILD_DAYS:
        raise Refused(_MANY, field="events", n=MOST_ROWS, days=MOST_CHILD_DAYS)


def tried(name: str, policy: Policy, past: Past, go_on: Callable[[], None]) -> Tried:
    """One policy over the events. Raises Refused, with the line that the rules cannot follow."""
    result = lookback.run(past.events, policy, past.until, go_on)
    did, told, for_nothing, not_over = lookback.did(result), None, None, 0
    if past.truth is not None:
        told = _told(result, past.truth)
        for_nothing = sum(
            page.is_false and not page.was_said for page in reports.pages(result, past.truth)
        )
    elif past.real is not None:
        gone = {(child, lookback.nth(result, child, at)) for child, at in past.real}
        told_of = lookback.told_of(result).keys()
        for_nothing = len(told_of - gone - still_open(result))
        not_over = len((told_of & still_open(result)) - gone)
    return Tried(
        name=name,
        did=did,
        children=len({watch.child for watch in result.watched}),
        months=reports.child_months(result),
        for_nothing=for_nothing,
        still_open=not_over,
        told=told,
    )


def still_open(result: Result) -> set[lookback.Silence]:
    """The silences that were not over at the end."""
    return {
        (alert.child, lookback.nth(result, alert.child, alert.opened_at))
        for alert in result.alerts
        if alert.closed_at is None
    }


def _told(result: Result, truth: Sequence[Gone]) -> Told:
    detections = reports.tell(result, truth)
    delays = sorted(detection.delay for detection in detections if detection.delay is not None)
    middle = len(detections) // 2
    return Told(
        absences=len(detections),
        told=len(delays),
        within={
            hours: sum(delay <= timedelta(hours=hours) for delay in delays) for hours in _HOURS
        },
        delay=delays[middle] if middle < len(delays) else None,
    )
