"""The line of time of one search: on a page, after its end, and on paper."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from server.i18n import N_, format_list, format_moment, format_time, gettext
from server.missing.search.pictures.time_line import WIDTH, Event, Mark, TimeLine, drawn
from server.missing.search.view import View
from server.missing.search.wording import title_of
from server.plan.paper.scripts import isolated
from server.tasks.turns import WORDS


def of(seen: View, language: str, now: datetime) -> TimeLine:
    """Last seen, what was done since, and what is due."""
    due = (
        Event(clock.due_at, gettext(language, WORDS[clock.what]), True, clock.is_over)
        for clock in seen.clocks
    )
    return drawn([*_done(seen, language), *due], now)


def after(seen: View, language: str) -> TimeLine:
    """The same once the child is back: minutes count near the moment when they were seen."""
    assert seen.episode.found_at is not None
    return drawn(_done(seen, language), seen.episode.found_at, gettext(language, N_("Found")))


def _done(seen: View, language: str) -> Iterator[Event]:
    last_seen = seen.episode.last_seen_at
    if last_seen is not None:
        yield Event(last_seen, gettext(language, N_("Last seen")))
    for line in seen.timeline:
        yield Event(line.at, title_of(line.what, language))


def on_paper(line: TimeLine, language: str, zone: ZoneInfo) -> dict[str, Any]:
    """The line as the papers draw it (time_line.typ), with what its letters mean below it."""
    return {
        "width": WIDTH,
        "middle": line.now_x if line.middle else None,
        "marks": [{"x": mark.x, "letter": mark.letter} for mark in line.marks],
        "key": list(_key(line.marks, language, zone)),
    }


def _key(marks: Sequence[Mark], language: str, zone: ZoneInfo) -> Iterator[dict[str, str]]:
    """What each letter means. The day is there where it is another than before."""
    day: date | None = None

    def shown(at: datetime) -> str:
        nonlocal day
        is_same, day = day == at.astimezone(zone).date(), at.astimezone(zone).date()
        return format_time(language, at, zone) if is_same else format_moment(language, at, zone)

    for mark in marks:
        time = shown(mark.events[0].at)
        if mark.events[-1].at - mark.events[0].at >= timedelta(minutes=1):
            last = shown(mark.events[-1].at)
            time = gettext(language, N_("{begin} to {end}"), begin=time, end=last)
        what = format_list(language, _titles(mark.events, language))
        yield {"letter": mark.letter, "text": f"{isolated(time, language)} {what}"}


def _titles(events: Sequence[Event], language: str) -> list[str]:
    """Each title once, with how often."""
    counted = Counter(event.title for event in events)
    times = N_("{what} ({n} times)")
    return [
        gettext(language, times, what=title, n=count) if count > 1 else title
        for title, count in counted.items()
    ]
