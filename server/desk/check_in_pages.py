"""The page of a child: how they are, what they said, what was agreed. And checking in for the
child."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.alerts.words import CAUSES
from server.checkin.actions import record
from server.checkin.models import CheckIn
from server.checkin.rules import LONGEST_NOTE, Answer, Want
from server.desk.board import MARK_WORDS, group_of, look_of, marks_one_by_one, strip
from server.errors import IdReused, Refused, WaymarkError
from server.i18n import N_, format_day, format_short_date, gettext, ngettext
from server.inbound import reading
from server.people.access import (
    BOARD_LOOK_EVERY,
    Roles,
    desk_child,
    looked,
    now_of,
    staff_of,
)
from server.people.desk_forms import back_to, done, strongest
from server.people.models import Child, Home, Person, Tie
from server.people.rules import Action, Role, may
from server.people.unsupervised import unsupervised
from server.people.words import ROLES, entered, form_fault
from server.placements.actions import why_left
from server.plan.offboarding import quarantine
from server.policy.levels import Way
from server.tasks.turns import lines
from server.watch import evidence
from server.watch.evidence_wording import reminders
from server.watch.models import Round, Sighting
from server.watch.rhythm import summary
from server.watch.rhythm.summary import left_in_words
from server.watch.signals import drift
from server.watch.signals.models import Observation
from server.watch.signals.observations import noticed
from server.watch.signals.warning_signs import SIGNS
from server.watch.signals.wording import sentence as signal_sentence
from server.watch.trusted.contacts import waiting
from server.watch.wording import way_in_words, when
from server.web.rendering import language_of, page, zone_of
from server.web.requests import form_body

# As many answers as a month of three a day has.
MOST = 90
MOST_NOTICED = 12
# An answer that arrives this long after it was said had waited on a phone without a network.
HAD_WAITED = timedelta(minutes=10)
MOODS = (N_("Awful"), N_("Bad"), N_("So-so"), N_("Good"), N_("Great"))


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the history: an answer or a sighting."""

    at: datetime
    icon: str
    word: str
    words: str | None
    tags: tuple[tuple[str, str], ...]  # (kind, text)
    by: str | None
    said_at: datetime | None  # If it arrived much later than the child said it.


# --- the page


async def show(request: Request) -> Response:
    """How a child is, at a glance, and everything that can be done about it."""
    child, roles = await desk_child(request, Action.HISTORY_SEE)
    visitor, now = await staff_of(request), now_of(request)
    look = f"look:{Action.HISTORY_SEE}"
    await looked(visitor, [child.id], look, now)
    context = {
        **await _standing(request, child),
        **await _terms(request, child),
        "history": await _history(request, child, now),
        "legend": [
            (strip(mark, language_of(request), alone=True), gettext(language_of(request), word))
            for mark, word in MARK_WORDS.items()
        ],
        "changed": await _changed(request, child, roles),
        "noticed": await _noticed(child, roles, language_of(request)),
        "people": await _people(child, now, language_of(request)),
        "left": await _left(request, child),
        "is_unsupervised": child.left_at is None and bool(await unsupervised([child.id], now)),
        **await _turns(request, child, roles),
        "kept_apart": await _kept_apart(request, child, roles),
        "trusted_waiting": await waiting(child.id),
        "birthday_words": _born(child, language_of(request), now),
        "placed_at": child.placed_at,
        "home": await Home.get_or_none(id=child.home_id) if child.home_id else None,
        "may": {action.name.lower(): may(roles, action) for action in Action},
        "done": done(request),
        "now": now,
    }
    return page(request, "desk/child.html", context)


def _born(child: Child, language: str, now: datetime) -> str:
    """The birthday and the age that it makes."""
    born = child.birthday
    if born is None:
        return ""
    today = now.date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    day = format_short_date(language, born)
    return ngettext(language, "{day}, {n} year old", "{day}, {n} years old", age, day=day)


async def turns(request: Request) -> Response:
    """Only whose turn it is: the child's page asks for this again when it changes."""
    child, roles = await desk_child(request, Action.HISTORY_SEE, at_most_every=BOARD_LOOK_EVERY)
    return page(request, "desk/turns.html", await _turns(request, child, roles))


async def _turns(request: Request, child: Child, roles: Roles) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    me = (await staff_of(request)).person_id
    turn_lines = await lines(child, me, roles, language, now) if child.left_at is None else []
    return {
        "turns": turn_lines,
        "path": f"/desk/children/{child.id}",
        "shown": lambda at: when(language, at, zone, now),
    }


async def _kept_apart(request: Request, child: Child, roles: Roles) -> int:
    """How many words from people whose tie is over wait for this reader's decision."""
    if not may(roles, Action.QUARANTINE_DECIDE):
        return 0
    return await quarantine.count(child.id, roles)


async def _left(request: Request, child: Child) -> str:
    """That the placement has ended, and why; empty while it has not."""
    if child.left_at is None:
        return ""
    why = await why_left(child)
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    return left_in_words(child.left_at, why, language, zone, now)


async def _standing(request: Request, child: Child) -> dict[str, Any]:
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    facts = (await evidence.of([child.id], now)).get(child.id)
    context: dict[str, Any] = {
        "child": await Person.get(id=child.id),
        "path": f"/desk/children/{child.id}",
        "facts": facts,
        "shown": lambda at: when(language, at, zone, now),
        "sighting_id": uuid4(),
    }
    if facts is None:
        return context
    alert = facts.alerts[0] if facts.alerts else None
    group = group_of(facts, alert)
    icon, word = look_of(group, alert)
    return {
        **context,
        "group": group.value,
        "icon_name": icon,
        "word": gettext(language, word),
        "sentence": evidence.sentence(facts, language, zone, now),
        # In an alert the sentence says it already.
        "reminders": "" if facts.is_silent else reminders(facts, language, zone, now),
        "strip": strip(facts.marks, language),
        "marks": marks_one_by_one(facts.marks, language),
        "alerts": facts.alerts,
        "causes": {
            open_alert.id: gettext(language, CAUSES[open_alert.cause])
            for open_alert in facts.alerts
        },
    }


async def _terms(request: Request, child: Child) -> dict[str, Any]:
    now = now_of(request)
    case = await summary.case_of(child.id, now)
    if case is None:
        return {"agreed": None}
    return {"agreed": await summary.read(case, language_of(request), zone_of(request), now)}


async def _people(child: Child, now: datetime, language: str) -> list[tuple[str, str]]:
    held = await Tie.filter(Tie.standing_at(now), child_id=child.id).order_by("from_at", "id")
    names = {p.id: p.name for p in await Person.filter(id__in=[tie.person_id for tie in held])}
    return [(names[tie.person_id], gettext(language, ROLES[Role(tie.role)])) for tie in held]


async def _changed(request: Request, child: Child, roles: Roles) -> list[tuple[str, str]]:
    """What has changed, each in a sentence, and since when."""
    if child.left_at is not None or not may(roles, Action.OBSERVATION_SEE):
        return []
    name = (await Person.get(id=child.id)).name
    language, zone, now = language_of(request), zone_of(request), now_of(request)
    signals_by_child = await drift.of(child.agency_id, [child.id], now)
    return [
        (
            signal_sentence(signal, name, language),
            gettext(language, N_("since {day}"), day=format_day(language, signal.since, zone, now)),
        )
        for signal in signals_by_child[child.id]
    ]


async def _noticed(child: Child, roles: Roles, language: str) -> list[Moment]:
    """The warning signs that adults noted lately, for those who answer for the child."""
    if not may(roles, Action.OBSERVATION_SEE):
        return []
    observations = await noticed(child.id, MOST_NOTICED)
    people = await Person.filter(id__in=[observation.by_id for observation in observations])
    names = {person.id: person.name for person in people}
    return [
        _observed(observation, names.get(observation.by_id), language)
        for observation in observations
    ]


def _observed(observation: Observation, name: str | None, language: str) -> Moment:
    role = gettext(language, ROLES[Role(observation.by_role)])
    return Moment(
        at=observation.at,
        icon="eye",
        word=gettext(language, SIGNS[observation.sign])
        if observation.sign in SIGNS
        else observation.sign,
        words=observation.words,
        tags=(),
        by=gettext(language, N_("By {name}, {role}"), name=name or "", role=role),
        said_at=None,
    )


async def _history(request: Request, child: Child, now: datetime) -> list[Moment]:
    language, zone = language_of(request), zone_of(request)
    answers = await CheckIn.filter(child_id=child.id).order_by("-received_at").limit(MOST)
    seen = await Sighting.filter(child_id=child.id).order_by("-at").limit(MOST)
    forgot = Round.filter(child_id=child.id, forgot_at__isnull=False).order_by("-forgot_at")
    others = {answer.by_id for answer in answers} | {sighting.by_id for sighting in seen}
    names = {person.id: person.name for person in await Person.filter(id__in=list(others))}
    moments = [_answer(answer, names.get(answer.by_id), language) for answer in answers]
    moments += [_seen(sighting, names.get(sighting.by_id), language) for sighting in seen]
    moments += [_forgot(forgotten, language, zone, now) for forgotten in await forgot.limit(MOST)]
    moments += [_text(*text, language) for text in await reading.texts_of(child.id, MOST)]
    return sorted(moments, key=lambda moment: moment.at, reverse=True)[:MOST]


def _answer(answer: CheckIn, name: str | None, language: str) -> Moment:
    tags = [
        (kind, gettext(language, word))
        for is_so, kind, word in (
            (answer.want == Want.HELP, "wants", N_("asked for help")),
            (answer.want == Want.TALK, "wants", N_("wants to talk")),
            (answer.want == Want.SAFE, "wants", N_("safe, not ready to come back yet")),
            (answer.is_late, "late", N_("late")),
            (answer.is_early, "early", N_("early")),
        )
        if is_so
    ]
    by = way_in_words(answer.by_way, language) or None
    if answer.by_role != Role.CHILD:
        role = gettext(language, ROLES[Role(answer.by_role)])
        by = gettext(
            language, N_("Answered for the child by {name}, {role}"), name=name or "", role=role
        )
    if answer.by_role != Role.CHILD and answer.by_way == Way.VOICE:
        told = N_("Said aloud by the child, passed on by {name}, {role}")
        by = gettext(language, told, name=name or "", role=role)
    waited = answer.received_at - answer.said_at > HAD_WAITED
    return Moment(
        at=answer.received_at,
        icon="check" if answer.mood is None else f"mood-{answer.mood}",
        word=gettext(language, N_("OK") if answer.mood is None else MOODS[answer.mood - 1]),
        words=answer.note,
        tags=tuple(tags),
        by=by,
        said_at=answer.said_at if waited else None,
    )


def _forgot(forgotten: Round, language: str, zone: ZoneInfo, now: datetime) -> Moment:
    assert forgotten.forgot_at is not None
    due = when(language, forgotten.due_at, zone, now)
    return Moment(
        at=forgotten.forgot_at,
        icon="words",
        word=gettext(language, N_("I forgot")),
        words=None,
        tags=(),
        by=gettext(language, N_("Check-in due: {due}"), due=due),
        said_at=None,
    )


def _text(at: datetime, words: str, is_shared: bool, language: str) -> Moment:
    """A text in other words than the agreed ones: it settles nothing, and is not lost."""
    told = N_("from a number that several children share")
    return Moment(
        at=at,
        icon="words",
        word=gettext(language, N_("Text message")),
        words=words,
        tags=(("early", gettext(language, told)),) if is_shared else (),
        by=None,
        said_at=None,
    )


def _seen(sighting: Sighting, name: str | None, language: str) -> Moment:
    word = N_("Seen") if sighting.answer == "seen" else N_("Could not find")
    role = gettext(language, ROLES[Role(sighting.by_role)])
    return Moment(
        at=sighting.at,
        icon="eye",
        word=gettext(language, word),
        words=sighting.words,
        tags=(),
        by=gettext(language, N_("By {name}, {role}"), name=name or "", role=role),
        said_at=sighting.seen_at if sighting.at - sighting.seen_at > HAD_WAITED else None,
    )


# --- checking in for a child


async def check_in(request: Request) -> Response:
    """The form for a child without a phone: an adult enters the child's answer, and it is marked
    so."""
    child, roles = await desk_child(request, Action.CHECK_IN_FOR)
    return await _check_in_page(request, child.id, roles)


async def record_for(request: Request) -> Response:
    """The answer of a child, given by an adult."""
    child, roles = await desk_child(request, Action.CHECK_IN_FOR)
    form, now = await form_body(request), now_of(request)
    try:
        answer = _answer_of(form, now)
        await record(await staff_of(request), strongest(roles), child.id, answer, now)
    except IdReused:
        pass  # The same form again: it was noted the first time.
    except WaymarkError as fault:
        return await _check_in_page(request, child.id, roles, form=form, fault=fault)
    return back_to(child.id, roles, "check-in")


def _answer_of(form: FormData, now: datetime) -> Answer:
    mood, want, note = entered(form, "mood"), entered(form, "want"), entered(form, "note")
    if mood and mood not in set("12345"):
        raise Refused(N_("Choose one of the five faces, or none."), field="mood")
    if want and want not in set(Want):
        raise Refused(N_("Choose what the child wants."), field="want")
    try:
        id_ = UUID(entered(form, "id"))
    except ValueError:
        id_ = uuid4()
    return Answer(
        id=id_,
        said_at=now,
        mood=int(mood) if mood else None,
        note=note or None,
        want=Want(want or Want.NOTHING),
        way=Way.VOICE if entered(form, "told") == Way.VOICE else Way.CARER,
    )


async def _check_in_page(
    request: Request,
    child_id: UUID,
    roles: Roles,
    *,
    form: FormData | None = None,
    fault: WaymarkError | None = None,
) -> Response:
    language = language_of(request)
    given = {"id": str(uuid4()), "mood": "", "note": "", "want": Want.NOTHING.value, "told": ""}
    if form is not None:
        given = {name: entered(form, name) for name in given}
    context = {
        "child": await Person.get(id=child_id),
        "path": f"/desk/children/{child_id}",
        "given": given,
        "moods": _moods(language),
        "is_carer": strongest(roles) is Role.CARER,
        "longest": LONGEST_NOTE,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/check_in.html", context, status=status)


def _moods(language: str) -> Sequence[tuple[str, str]]:
    return [(str(number), gettext(language, word)) for number, word in enumerate(MOODS, 1)]


_CHILD = "/desk/children/{child_id:uuid}"

routes = [
    Route(_CHILD, show, methods=["GET"]),
    Route(f"{_CHILD}/turns", turns, methods=["GET"]),
    Route(f"{_CHILD}/check-in", check_in, methods=["GET"]),
    Route(f"{_CHILD}/check-in", record_for, methods=["POST"]),
]
