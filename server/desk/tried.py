"""What was tried, from an alert and from its search, as one list. Reads rows, and writes none."""

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.tried import MOST, Told, tried_in_words
from server.i18n import gettext
from server.missing.search.entry_kinds import HOW, RESULT, Act
from server.missing.search.models import Episode, TimelineEntry
from server.people.models import Person


async def all_tried(alert: Alert, language: str) -> list[Told]:
    """Everything that was tried, each attempt once, the newest first."""
    logged = await tried_in_words(alert, language)
    if alert.cause != Cause.MISSING:
        return logged
    lines = await _of_search(alert, language)
    known_ids = {attempt.id for attempt in logged}
    both = [*logged, *(line for line in lines if line.id not in known_ids)]
    return sorted(both, key=lambda attempt: attempt.at, reverse=True)


async def _of_search(alert: Alert, language: str) -> list[Told]:
    episode = await Episode.get_or_none(alert_id=alert.id)
    if episode is None:
        return []
    rows = TimelineEntry.filter(episode_id=episode.id, what=Act.ATTEMPT.value)
    lines = await rows.order_by("-at").limit(MOST)
    people = await Person.filter(id__in=list({line.who_id for line in lines if line.who_id}))
    names = {person.id: person.name for person in people}
    return [
        _told(line, names.get(line.who_id, "") if line.who_id else "", language) for line in lines
    ]


def _told(line: TimelineEntry, who: str, language: str) -> Told:
    how, result = line.details.get("how", ""), line.details.get("result", "")
    parts = [gettext(language, HOW.get(how, how)), line.details.get("whom")]
    return Told(
        id=line.id,
        at=line.at,
        who=who,
        what=" · ".join(part for part in parts if part),
        result=gettext(language, RESULT.get(result, result)),
        is_reached=result == "reached",
        is_late=False,
        words=line.words,
    )
