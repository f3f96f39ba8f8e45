"""What was due of a child, and what counted as an answer: rounds, check-ins, sightings, questions.

Each query is bounded by the child and the time. What evidence did is worked out by the rules of the
level that was stored with the round, and by the policy in force then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from server.checkin.models import CheckIn
from server.checkin.reading import said_before
from server.checkin.rules import CALLS, Want
from server.notify.models import Snooze
from server.people.rules import Role
from server.policy import learned
from server.policy.adapting import AS_WRITTEN, Factors, from_data, with_factors
from server.policy.levels import BY_WAY, Does, Way
from server.policy.model import SHIPPED, Policy, Steps, Tier
from server.policy.models import BudgetWeek, WeekState
from server.policy.models import Policy as PolicyRow
from server.policy.parser import filled, read
from server.watch.carer.messages import LASTS
from server.watch.carer.models import Question
from server.watch.machine.rounds import round_moments
from server.watch.models import Round, Sighting, Watch
from server.watch.signals.models import Observation
from server.watch.spoken import EVIDENCE
from server.watch.trusted.models import TrustedAsk
from server.why.events import Event, Period, Value

# More of one kind than any night has.
MOST = 1_000
# A round that opened before the time may be late in it.
_BEFORE = timedelta(days=3)


class InForce(msgspec.Struct, frozen=True):
    """A version of the policy, from a moment on; or what the outcomes of a week have made of it:
    `week_ends_at`."""

    since: datetime
    version: int
    rules: Policy
    made_by: UUID | None
    factors: Factors = msgspec.field(default_factory=lambda: AS_WRITTEN)
    week_ends_at: datetime | None = None


async def policies_of(agency_id: UUID, period: Period) -> list[InForce]:
    """Each version in force in this time and what became of it week by week, the oldest first.
    Version 0 is the one that ships."""
    before = PolicyRow.filter(agency_id=agency_id, made_at__lte=period.begin)
    first = await before.order_by("-version").first()
    later = PolicyRow.filter(
        agency_id=agency_id, made_at__gt=period.begin, made_at__lt=period.end
    ).order_by("version")
    rows = [*([first] if first is not None else []), *await later.limit(MOST)]
    versions = []
    for row in rows:
        versions += await _in_force(row, read(filled(row.content)), period)
    if first is None:
        ships = InForce(datetime.min.replace(tzinfo=period.begin.tzinfo), 0, read(SHIPPED), None)
        versions.insert(0, ships)
    return versions


async def _in_force(row: PolicyRow, written: Policy, period: Period) -> list[InForce]:
    """A version, and each week that changed its numbers in this time, or last before it."""
    begins = from_data(row.factors)
    learns = written.budget.learns
    told = await _word_counts_before(row) if learns else {}
    rules = with_factors(learned.with_learned(written, told), begins)
    versions = [InForce(row.made_at, row.version, rules, row.made_by, begins)]
    if not (written.budget.adapts or learns):
        return versions
    weeks = BudgetWeek.filter(agency_id=row.agency_id, version=row.version)
    if not learns:
        weeks = weeks.filter(state=WeekState.ADAPTED.value)
    before = await weeks.filter(made_at__lte=period.begin).order_by("-ends_at").first()
    later = weeks.filter(made_at__gt=period.begin, made_at__lt=period.end).order_by("ends_at")
    for week in [*([before] if before is not None else []), *await later.limit(MOST)]:
        factors = from_data(week.after) if week.state == WeekState.ADAPTED else begins
        told = learned.from_data(week.told)
        rules = with_factors(learned.with_learned(written, told), factors)
        if rules != versions[-1].rules:
            versions.append(InForce(week.made_at, row.version, rules, None, factors, week.ends_at))
    return versions


async def _word_counts_before(row: PolicyRow) -> learned.WordCounts:
    """What was known when this version was adopted."""
    weeks = BudgetWeek.filter(agency_id=row.agency_id, made_at__lte=row.made_at)
    last = await weeks.order_by("-ends_at").first()
    return learned.from_data(last.told if last is not None else None)


def at_time(versions: Sequence[InForce], at: datetime) -> InForce:
    """The version in force at a moment."""
    return next((v for v in reversed(versions) if v.since <= at), versions[0])


async def rounds_of(child_id: UUID, period: Period) -> list[Round]:
    """The rounds that opened, were due, were late or were settled around this time."""
    near = Round.filter(
        child_id=child_id, due_at__gte=period.begin - _BEFORE, due_at__lt=period.end + _BEFORE
    )
    rows = await near.order_by("due_at").limit(MOST)
    return [row for row in rows if period.meets(row.opens_at, row.settled_at)]


def of_rounds(
    rounds: Sequence[Round], versions: Sequence[InForce], watch: Watch | None
) -> list[Event]:
    """When each opened, was due and was late, and why it was called off."""
    has_windows = watch is not None and "from" in watch.rhythm
    events = []
    for row in rounds:
        policy = at_time(versions, row.opens_at)
        events += _of_round(row, policy, has_windows=has_windows)
    return events


def _of_round(row: Round, policy: InForce, *, has_windows: bool) -> list[Event]:
    values: dict[str, Value] = {"due": row.due_at, "late": row.late_at, "policy": policy.version}
    level: tuple[str, ...] = ("tier_unknown",)
    plan: tuple[str, ...] = ("late_at",)
    if row.tier is not None:
        values["tier"], level = row.tier, ("tier",)
        steps = policy.rules.tiers[Tier(row.tier)].steps
        if steps.doubt is not None and (times := policy.factors[Tier(row.tier)]) != 1:
            values["page"] = f"{steps.doubt.page:.3g}"
            values["written"] = f"{steps.doubt.page / times:.3g}"
            level = ("tier", "page")
        if not has_windows and row.late_at - row.due_at == steps.grace:
            values |= planned(row, steps)
            plan = ("plan",)
    events = [Event(row.opens_at, "round.opened", values, plan)]
    over = row.settled_at
    if row.state in ("excused", "replaced", "ended") and over is not None:
        return [*events, Event(over, f"round.{row.state}", values)]
    if over is None or over > row.due_at:
        events.append(Event(row.due_at, "round.due", values, ("late_at", *level)))
    if row.state != "open" and (over is None or over >= row.late_at):
        events.append(_late(row, values))
    if row.forgot_at is not None:
        events.append(Event(row.forgot_at, "round.forgot", values))
    return events


def planned(row: Round, steps: Steps) -> dict[str, Value]:
    """When the child was to be reminded, by the rules of the level."""
    _, before, _, again, _ = round_moments(row.due_at, row.opens_at, steps)
    return {"before": before, "again": again}


def _late(row: Round, values: dict[str, Value]) -> Event:
    if row.call_at is None:
        return Event(row.late_at, "round.late", values)
    more: dict[str, Value] = {"call": row.call_at, "why": row.call_why or "grace_over"}
    return Event(row.late_at, "round.late", {**values, **more}, ("call",))


# --- what was said and seen


class Night(msgspec.Struct, frozen=True):
    """What the evidence of a night is held against."""

    rounds: Sequence[Round]
    versions: Sequence[InForce]

    def settled_by(self, id_: UUID) -> Round | None:
        """The last round that this settled."""
        return next((row for row in reversed(self.rounds) if row.settled_by == id_), None)

    def open_at(self, at: datetime) -> Round | None:
        """The round that waited for an answer at that moment."""
        waiting = (
            row
            for row in self.rounds
            if row.opens_at <= at and (row.settled_at is None or row.settled_at > at)
        )
        return next(waiting, None)

    def does(self, row: Round, evidence: Any, at: datetime) -> Does | None:
        """What the level of that round did with evidence; None where the level is not stored."""
        if row.tier is None:
            return None
        steps = at_time(self.versions, at).rules.tiers[Tier(row.tier)].steps
        return steps.levels.does(evidence)

    def effect(self, id_: UUID, evidence: Any, at: datetime) -> tuple[dict[str, Value], str]:
        """What evidence did, as values and a reason."""
        if (row := self.settled_by(id_)) is not None:
            return {"due": row.due_at}, "settled"
        waiting = self.open_at(at)
        if waiting is None:
            return {}, "none_open"
        does = self.does(waiting, evidence, at)
        if does is None or does is Does.SETTLES:
            return {}, "tier_unknown"
        return {"tier": waiting.tier or ""}, does.value


async def check_ins_of(child_id: UUID, period: Period) -> list[CheckIn]:
    """The answers that arrived in this time."""
    rows = CheckIn.filter(
        child_id=child_id, received_at__gte=period.begin, received_at__lt=period.end
    )
    return await rows.order_by("received_at").limit(MOST)


def of_check_in(row: CheckIn, night: Night, *, reads_words: bool) -> Event:
    """An answer, and what it did. The child's words stay out, but for those of a call where the
    reader may read them."""
    values, reason = night.effect(row.id, BY_WAY[Way(row.by_way)], row.received_at)
    if reason != "settled" and (row.is_old or row.is_early):
        values, reason = {}, "old" if row.is_old else "early"
    because: tuple[str, ...] = (reason,)
    if (said_at := said_before(row)) is not None:
        values["said"], because = said_at, (*because, "waited")
    if row.by_role != Role.CHILD:
        values["who"] = row.by_id
    values["way"] = row.by_way
    if reads_words and row.note and row.want in CALLS:
        values["words"], because = row.note, (*because, "words")
    return Event(row.received_at, _code(row), values, because)


def _code(row: CheckIn) -> str:
    if row.want in (Want.HELP, Want.TALK):
        return f"answer.{row.want}"
    if row.by_role != Role.CHILD:
        return "answer.for"
    return "answer.app" if row.by_way == Way.APP else "answer.way"


async def sightings_of(child_id: UUID, period: Period) -> list[Sighting]:
    """What adults noted in this time: that they saw the child, or could not find them."""
    rows = Sighting.filter(child_id=child_id, at__gte=period.begin, at__lt=period.end)
    return await rows.order_by("at").limit(MOST)


def of_sighting(row: Sighting, night: Night) -> Event:
    """A sighting, and what it did."""
    values: dict[str, Value] = {"who": row.by_id, "seen": row.seen_at}
    if row.answer != "seen":
        return Event(row.at, "seen.not_seen", values)
    more, reason = night.effect(row.id, EVIDENCE[Role(row.by_role)], row.at)
    return Event(row.at, "seen.seen", {**values, **more}, (reason,))


async def of_questions(child_id: UUID, period: Period) -> list[Event]:
    """The carer's question, and the trusted person's. What a carer answers is a sighting, too."""
    since = period.begin - _BEFORE
    rows = Question.filter(child_id=child_id, asked_at__gte=since, asked_at__lt=period.end)
    events = []
    for row in await rows.limit(MOST):
        values: dict[str, Value] = {"who": row.person_id, "due": row.about_due_at}
        events.append(Event(row.asked_at, "question.asked", values, ("about_late",)))
        # One that ended sooner is no longer asked: the placement ended.
        if row.answered_at is None and row.expires_at >= row.asked_at + LASTS:
            events.append(Event(row.expires_at, "question.silent", values))
    return events


async def of_snoozes(child_id: UUID, period: Period) -> list[Event]:
    """When the child put their reminder off. The check-in stayed due as it was."""
    rows = Snooze.filter(person_id=child_id, asked_at__gte=period.begin, asked_at__lt=period.end)
    return [
        Event(row.asked_at, "round.snoozed", {"until": row.until_at})
        for row in await rows.order_by("asked_at").limit(MOST)
    ]


async def of_trusted(alerts: Sequence[UUID]) -> list[Event]:
    """What a person the child trusts was asked about these alerts, and answered."""
    events = []
    for row in await TrustedAsk.filter(alert_id__in=list(alerts)).limit(MOST):
        events.append(Event(row.asked_at, "trusted.asked"))
        if row.answered_at is not None and row.answer in ("spoke", "not"):
            events.append(Event(row.answered_at, f"trusted.{row.answer}"))
    return events


async def of_signs(
    child_id: UUID, period: Period, watch: Watch | None, *, sees_signs: bool
) -> list[Event]:
    """Warning signs that adults noted, for a reader who may see them, and when the app was last
    opened."""
    events = []
    if sees_signs:
        rows = Observation.filter(child_id=child_id, at__gte=period.begin, at__lt=period.end)
        noted = await rows.filter(taken_back_at__isnull=True).limit(MOST)
        events = [Event(row.at, "sign.noted", {"who": row.by_id}) for row in noted]
    if watch is not None and watch.app_seen_at is not None:
        events.append(Event(watch.app_seen_at, "app.opened"))
    return events
