"""What a worker looks at before they agree that a child is away: a person who has the phone could
ask in the child's place, to gain time. Reads rows, and writes none."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.alerts.words import title_of
from server.i18n import N_, gettext
from server.people.models import Child
from server.policy.model import FIRST_HOURS, Tier
from server.watch import evidence
from server.watch.evidence import Facts
from server.watch.signals import drift
from server.watch.signals.models import Observation
from server.watch.signals.rules import Code
from server.watch.signals.wording import sentence
from server.watch.wording import when

# The first points are about the child, the others about how we reach them.
_ABOUT_THE_CHILD = 3
# What has changed in the child's answers; promises that adults did not keep say nothing here.
_OF_THE_CHILD = frozenset(
    {
        Code.NEW_PHONE,
        Code.OTHER_LANGUAGE,
        Code.SHARED_QUESTION,
        Code.LATER_ANSWERS,
        Code.FEWER_ANSWERS,
        Code.REGULAR_ANSWERS,
        Code.LOWER_MOOD,
    }
)
# An alert or a warning sign from before that says little about today.
LATELY = timedelta(days=14)


class Warning(msgspec.Struct, frozen=True):
    """One reason to speak to the child first, and the page that says more."""

    text: str
    path: str | None = None


class Signs(msgspec.Struct, frozen=True):
    """Reasons to speak to the child first; and what is known about their answers."""

    warnings: list[Warning]
    points: list[evidence.Point]


class _Reader(msgspec.Struct, frozen=True):
    language: str
    zone: ZoneInfo
    now: datetime

    def say(self, msgid: str, at: datetime | None = None, **values: str) -> str:
        if at is not None:
            values["time"] = when(self.language, at, self.zone, self.now)
        return gettext(self.language, msgid, **values)


async def signs_of(
    child: Child, name: str, language: str, zone: ZoneInfo, now: datetime
) -> Signs | None:
    """The signs about one child, for a reader; None where nobody watches over them."""
    facts = (await evidence.of([child.id], now)).get(child.id)
    if facts is None:
        return None
    reader = _Reader(language, zone, now)
    changed = (await drift.of(child.agency_id, [child.id], now))[child.id]
    warnings = [
        *_of_alerts(facts, reader),
        *await _of_a_concern(child.id, reader),
        *_of_the_watch(facts, reader),
        *(
            Warning(sentence(each, name, language))
            for each in changed
            if each.code in _OF_THE_CHILD
        ),
        *await _of_adults(child.id, reader),
    ]
    return Signs(warnings, evidence.points(facts, language, zone, now)[:_ABOUT_THE_CHILD])


def _of_alerts(facts: Facts, reader: _Reader) -> Iterator[Warning]:
    for alert in facts.alerts:
        cause = gettext(reader.language, title_of(alert.cause, alert.reason))
        text = reader.say(
            N_("An alert is open since {time}: {cause}"), alert.opened_at, cause=cause
        )
        yield Warning(text, f"/desk/alerts/{alert.id}")


async def _of_a_concern(child_id: UUID, reader: _Reader) -> list[Warning]:
    """Why adults were called then is sealed here as elsewhere: the alert opens it."""
    closed = Alert.filter(child_id=child_id, cause=Cause.CONCERN, closed_at__gt=reader.now - LATELY)
    alert = await closed.order_by("-opened_at").first()
    if alert is None:
        return []
    text = reader.say(N_("Something needed checking {time}. Read why first."), alert.opened_at)
    return [Warning(text, f"/desk/alerts/{alert.id}")]


def _of_the_watch(facts: Facts, reader: _Reader) -> Iterator[Warning]:
    if facts.missed_due_at is not None:
        text = N_("The check-in due {time} is late. It stays late if you agree.")
        yield Warning(reader.say(text, facts.missed_due_at))
    if reader.now - facts.placed_at < FIRST_HOURS:
        yield Warning(reader.say(N_("These are the first 72 hours of the placement.")))
    elif facts.tier is Tier.HIGH:
        yield Warning(reader.say(N_("The watch level is high.")))


async def _of_adults(child_id: UUID, reader: _Reader) -> list[Warning]:
    noted = Observation.filter(child_id=child_id, taken_back_at__isnull=True)
    last = await noted.filter(at__gt=reader.now - LATELY).order_by("-at").first()
    if last is None:
        return []
    text = reader.say(N_("An adult noted a warning sign {time}."), last.at)
    return [Warning(text, f"/desk/children/{child_id}/safety")]
