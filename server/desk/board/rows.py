"""The rows of the board: what each says, from what is known about the child."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup
from msgspec.structs import replace

from server.alerts.ladder import Cause
from server.alerts.ladder import State as AlertState
from server.alerts.words import HOME_SAID
from server.desk.board.still_to_do import Link, owed_of, returns_of
from server.desk.board.view import Group
from server.desk.marks import strip
from server.flags.reading import counts_of
from server.i18n import N_, format_ago, gettext, ngettext
from server.people.access import is_only_called
from server.people.models import Person
from server.people.rules import Action, Role, may
from server.storage.turns import in_turns
from server.watch import evidence
from server.watch.carer.models import Question
from server.watch.evidence_wording import brief, quiet_phone, wish
from server.watch.facts import Called, Facts
from server.watch.machine.standing import State, Why
from server.watch.models import Beat, Watch
from server.watch.ticking import BLIND_AFTER, TICK
from server.watch.wording import span, when

Roles = frozenset[Role]
# What has changed about these children, in a few words.
Changes = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, str]]]


WORDS: Mapping[Group, str] = {
    Group.MISSING: N_("Missing"),
    Group.NOW: N_("Now"),
    Group.HELD: N_("In hand"),
    Group.BACK: N_("Returned"),
    Group.LATE: N_("Late"),
    Group.DUE: N_("Due"),
    Group.UNHEARD: N_("Not heard from yet"),
    Group.AWAY: N_("Away"),
    Group.WELL: N_("On time"),
}
# The groups in which a person waits for an adult.
CALLING = frozenset({Group.MISSING, Group.NOW, Group.HELD, Group.LATE})
_ANY_HOLDER = frozenset({Group.NOW, Group.HELD})
# From these a child who is back comes up, while tasks of the return are open.
QUIET = frozenset({Group.DUE, Group.UNHEARD, Group.AWAY, Group.WELL})
# No check-in is late, and nobody agreed to an absence.
_ON_TIME = frozenset({Group.DUE, Group.UNHEARD, Group.WELL})
BY_CAUSE: Mapping[Cause, tuple[str, str]] = {
    Cause.HELP: ("help", N_("Asked for help")),
    Cause.CONCERN: ("now", N_("Now")),
    Cause.TALK: ("talk", N_("Wants to talk")),
}


class Reader(msgspec.Struct, frozen=True):
    """The person who reads the board, and when. `called`: the open alerts to which they were
    called; if they have no other role for a child, they see only these alerts."""

    id: UUID
    language: str
    zone: ZoneInfo
    now: datetime
    called: Collection[UUID] = ()


class Row(msgspec.Struct, frozen=True):
    """One child on the board, ready to be shown."""

    id: UUID
    key: str
    path: str
    name: str
    group: str
    is_calm: bool
    icon: str
    word: str
    text: str
    # What is still to do after a return; and what is overdue and the reader's turn. Neither calls.
    to_do: Link | None
    owed: Link | None
    flags: str  # "2 flags"; empty without any.
    # What has changed about the child, or else that their phone shows nothing; this calls nobody.
    changed: str
    strip: Markup
    since: str | None
    since_iso: str | None
    exact: str | None
    has: str | None
    alert_id: UUID | None
    button: str | None  # take, close, open, look
    may_check_in: bool
    has_page: bool  # Whether the reader may go on from here to the child's own page.


class Asked(msgspec.Struct, frozen=True):
    """A child as the carer sees them: to answer for and about, and nothing more."""

    id: UUID
    name: str
    is_asked: bool  # A question waits for this carer.
    is_missing: bool = False


async def read(roles: Mapping[UUID, Roles], reader: Reader, *, changes: Changes) -> list[Row]:
    """The rows of these children."""
    facts = {
        child: _as_seen(child_facts, roles[child], reader.called)
        for child, child_facts in (await evidence.of(roles, reader.now)).items()
    }
    changed = await changes([id_ for id_ in roles if may(roles[id_], Action.OBSERVATION_SEE)])
    returns = await returns_of(roles, reader.language, reader.zone, now=reader.now)
    owed = await owed_of(roles, reader.id, reader.language, reader.zone, now=reader.now)
    flags = await counts_of([id_ for id_ in roles if may(roles[id_], Action.FLAG)])
    shown = [alert for child_facts in facts.values() for alert in child_facts.alerts]
    holders = {who for alert in shown for who in (alert.has, alert.contacted_by) if who}
    names = await names_of({*roles, *holders})
    return [
        replace(
            _row(child_facts, roles[child], names, reader, to_do=returns.get(child)),
            owed=owed.get(child),
            flags=flags_in_words(flags.get(child, 0), reader.language),
            changed=changed.get(child) or _quiet_phone(child_facts, roles[child], reader),
        )
        async for child, child_facts in in_turns(facts.items())
    ]


async def cared(me: UUID, roles: Mapping[UUID, Roles], now: datetime) -> list[Asked]:
    """The children among these who have the reader only as carer."""
    only = {child for child, held in roles.items() if is_only_cared(held)}
    return await _asked(only, await names_of(only), me, now)


def _quiet_phone(facts: Facts, held: Roles, reader: Reader) -> str:
    if is_only_called(held, Action.ALERT_SEE):
        return ""
    return quiet_phone(facts, reader.language, reader.zone, reader.now)


def _as_seen(facts: Facts, held: Roles, called: Collection[UUID]) -> Facts:
    """What is known; in an emergency alone, without earlier check-ins; for a reader who was only
    called, without other alerts."""
    if not is_only_called(held, Action.ALERT_SEE):
        return facts
    alerts = tuple(a for a in facts.alerts if a.id in called or Role.GLASS in held)
    return replace(facts, alerts=alerts, marks="")


def is_only_cared(held: Roles) -> bool:
    """Whether these roles ask a person about the child, and show nothing of alerts."""
    return may(held, Action.QUESTION_ANSWER) and is_only_called(held, Action.ALERT_SEE)


async def names_of(ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of these people."""
    if not ids:
        return {}
    rows = await Person.filter(id__in=list(ids)).values_list("id", "name")
    return {id_: name for id_, name in rows}


async def _asked(
    cared: Collection[UUID], names: Mapping[UUID, str], me: UUID, now: datetime
) -> list[Asked]:
    if not cared:
        return []
    waiting = Question.filter(
        person_id=me, child_id__in=list(cared), answered_at__isnull=True, expires_at__gt=now
    )
    # A late answer ends the miss, and with it the question: it would say that no check-in has come.
    watches = Watch.filter(child_id__in=list(cared)).values_list(
        "child_id", "missed_due_at", "is_missing"
    )
    held = list(await watches)
    missed = {child: due for child, due, _ in held}
    gone = {child for child, _, is_missing in held if is_missing}
    asked = {
        question.child_id
        for question in await waiting
        if question.still_waits(missed.get(question.child_id))
    }
    children = [
        Asked(child, names.get(child, ""), child in asked, child in gone) for child in cared
    ]
    return sorted(children, key=lambda child: (not child.is_asked, child.name.casefold()))


async def last_look(now: datetime) -> tuple[datetime | None, bool]:
    """When the ticker looked last, and whether that is too long ago to trust the board."""
    beat = await Beat.filter(name=TICK).first()
    if beat is None:
        return None, True
    return beat.at, now - beat.at > BLIND_AFTER


# --- one row


def _row(
    facts: Facts, held: Roles, names: Mapping[UUID, str], reader: Reader, *, to_do: Link | None
) -> Row:
    """The row but for what is overdue, and what has changed."""
    alert = facts.alerts[0] if facts.alerts else None
    group = group_of(facts, alert, is_back=to_do is not None)
    icon, word = shown_as(facts, group, alert)
    since = _since(facts, alert, group)
    language, zone, now = reader.language, reader.zone, reader.now
    has_page = may(held, Action.CHILD_SEE)
    return Row(
        id=facts.child_id,
        key=facts.child_id.hex,
        path=f"/desk/children/{facts.child_id}"
        if alert is None or has_page
        else f"/desk/alerts/{alert.id}",
        name=names.get(facts.child_id, ""),
        group=group.value,
        is_calm=group in QUIET,
        icon=icon,
        word=gettext(language, word),
        text=_text(facts, alert, names, reader),
        to_do=to_do,
        owed=None,
        flags="",
        changed="",
        strip=strip(facts.marks, language),
        since=None if since is None else _how_long(since, group, language, now),
        since_iso=None if since is None else f"{since:%Y-%m-%dT%H:%MZ}",
        # Of those who are on time, the sentence beside it says the time.
        exact=when(language, since, zone, now) if since and group in CALLING else None,
        has=names.get(alert.has) if alert is not None and alert.has is not None else None,
        alert_id=alert.id if alert is not None else None,
        button=_button(group, alert, held, reader.id),
        may_check_in=may(held, Action.CHECK_IN_FOR),
        has_page=has_page,
    )


def _text(facts: Facts, alert: Called | None, names: Mapping[UUID, str], reader: Reader) -> str:
    contacted, when_ = contacted_in_words(alert, names, reader), (reader.zone, reader.now)
    if not contacted:
        return brief(facts, reader.language, *when_)
    return " ".join(filter(None, [contacted, wish(facts, reader.language, *when_)]))


def group_of(facts: Facts, alert: Called | None, *, is_back: bool = False) -> Group:
    """The group of a child on the board. A missing child stays on top, even once an adult has the
    alert. `is_back`: seen after a search, with tasks of the return."""
    group = _by_watch(facts, alert)
    return Group.BACK if is_back and group in QUIET else group


def _by_watch(facts: Facts, alert: Called | None) -> Group:
    if alert is None:
        group = Group.LATE if facts.standing is State.ALERTED else Group(facts.standing.value)
        if group is Group.WELL and facts.last_heard_at is None:
            group = Group.UNHEARD
        # No check-in is late, and yet nobody knows where the child is.
        is_away = facts.not_here_at is not None and group in _ON_TIME
        return Group.LATE if is_away else group
    if alert.cause is Cause.MISSING or facts.standing is State.MISSING:
        return Group.MISSING
    return Group.NOW if alert.has is None else Group.HELD


def shown_as(facts: Facts, group: Group, alert: Called | None) -> tuple[str, str]:
    """The drawing and the word of a child: also where no check-in is late, and the home said "not
    here"."""
    if facts.not_here_at is not None and group is Group.LATE and not facts.is_silent:
        return "warn", HOME_SAID
    return look_of(group, alert)


def look_of(group: Group, alert: Called | None) -> tuple[str, str]:
    """The drawing and the word of a row."""
    if alert is not None and alert.state is AlertState.CONTACTED and group in _ANY_HOLDER:
        return "phone", N_("Contacted")
    if alert is not None and group is Group.NOW:
        if alert.state is AlertState.ANSWERED:
            return "confirm", N_("Confirm")
        if alert.cause in BY_CAUSE:
            return BY_CAUSE[alert.cause]
        if alert.reason == Why.NOT_HERE:
            return group.value, HOME_SAID
    return group.value, WORDS[group]


def contacted_in_words(alert: Called | None, names: Mapping[UUID, str], reader: Reader) -> str:
    """ "Contacted, not yet seen, 21:12 by Tom"; empty where nobody has reached the child."""
    if alert is None or alert.state is not AlertState.CONTACTED or alert.contacted_at is None:
        return ""
    return gettext(
        reader.language,
        N_("Contacted, not yet seen, {time} by {name}."),
        time=when(reader.language, alert.contacted_at, reader.zone, reader.now),
        name=names.get(alert.contacted_by, "") if alert.contacted_by else "",
    )


def flags_in_words(many: int, language: str) -> str:
    """ "2 flags"; empty without any."""
    return ngettext(language, "{n} flag", "{n} flags", many) if many else ""


def _since(facts: Facts, alert: Called | None, group: Group) -> datetime | None:
    if alert is not None:
        is_silence = alert.cause is Cause.SILENCE and alert.state is not AlertState.ANSWERED
        silent = facts.missed_due_at if is_silence else alert.answered_at
        return silent or alert.opened_at
    if group is Group.LATE:
        return facts.missed_due_at or facts.not_here_at
    if group is Group.DUE:
        return facts.due_at
    if group is Group.AWAY:
        return facts.away_until
    # What counts after a return is until when its next task is due.
    return None if group is Group.BACK else facts.answered_at


def _how_long(since: datetime, group: Group, language: str, now: datetime) -> str:
    """For how long, of those who wait: "2 hrs 10 mins"; else how long ago: "20 hours ago"."""
    minutes = timedelta(minutes=(now - since) // timedelta(minutes=1))
    if group in CALLING:
        return span(language, minutes)
    return _ago(language, minutes)


_ago = lru_cache(maxsize=4096)(format_ago)


def _button(group: Group, alert: Called | None, roles: Roles, me: UUID) -> str | None:
    if alert is None:
        return "look" if group is Group.LATE else None
    if not may(roles, Action.ALERT_ACKNOWLEDGE):
        return "open"
    if alert.has is None:
        return "take"
    return "close" if alert.has == me else "open"
