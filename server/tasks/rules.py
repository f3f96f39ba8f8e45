"""Whose turn it is, and when a task speaks next. Pure.

  task = TaskSlice(due_at, set_at, zone)     told nobody yet
  task, calls = advance(task, terms, reach, now)

Nothing but the task and its terms decides when it speaks: first at the moments of its speeches,
then the last of them again and again without end, until it is done or dropped. So looking often and
looking once, late, lead to the same calls.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from server.clock import as_utc, known_zone


class State(StrEnum):
    """Open until it is done, or until nobody has to do it any more."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class Kind(StrEnum):
    """What must happen."""

    STEP = "step"  # A promise in a life project.
    REPLY = "reply"  # A child has written, and waits for an answer.
    END = "end"  # A life project ends: decide how it goes on.
    REVIEW = "review"  # A review meeting with a day.
    ANSWER = "answer"  # A person who complained is to get an answer.
    RHYTHM = "rhythm"  # A child proposes other check-in times.
    ABSENCE = "absence"  # A child asks to be away.
    QUESTION = "question"  # A child asks about an entry of what is recorded about them.
    # The clocks of a search (docs/reference/practice.md); the subject of each is the episode.
    DECISION = "decision"  # Whether the police are told: by a person, with reasons.
    REPORT = "report"  # The police, and those who must know.
    KEEP_TRYING = "keep_trying"  # To reach the child, again and again.
    BRING_BACK = "bring_back"  # We know where the child is, and they are not safe.
    STRATEGY_24H = "strategy_24h"
    STRATEGY_72H = "strategy_72h"
    STRATEGY_7D = "strategy_7d"
    STRATEGY_14D = "strategy_14d"
    STRATEGY_28D = "strategy_28d"
    STRATEGY_3M = "strategy_3m"  # And every three months from then on.
    STRATEGY_3IN30 = "strategy_3in30"  # Three times missing within thirty days.
    # The clocks of the return.
    TELL_FOUND = "tell_found"  # The police, and everyone told about the search.
    SAFE_AND_WELL = "safe_and_well"
    MEDICAL = "medical"
    RETURN_INTERVIEW = "return_interview"  # Offered by a person independent of the home.
    RESCREEN = "rescreen"  # Whether the child was, or is, trafficked.
    PHONE_CHECK = "phone_check"
    PACK_UPDATE = "pack_update"
    PLAN_REVIEW = "plan_review"  # Of the life project, together with the reasons.
    # During a search, at a change of shift; the subject is one person's part.
    HANDOVER = "handover"  # A note for the next person.
    HANDOVER_READ = "handover_read"  # The next person has read where the search is.
    PACK = "pack"  # Look through the grab pack with the child.
    ADVOCATE_WISH = "advocate_wish"  # The child asked for an advocate.
    ADVOCATE_ENDS = "advocate_ends"  # The advocate's time ends: ask the child how it goes on.
    TRANSFER = "transfer"  # Another agency was asked for a transfer, and has not answered.
    # An agreed absence that lasts; the subject is the child.
    AWAY = "away"  # Is it still so? The caseworker looks each week.
    AWAY_REVIEW = "away_review"  # The supervisor looks each fortnight.
    FLAG = "flag"  # What a member of staff asks of a colleague; the subject is the flag.
    APPROVAL = "approval"  # A second person is to say yes or no; the subject is the request.


# Turns that follow from the contents of a life project.
OF_A_PROJECT = frozenset({Kind.STEP, Kind.END, Kind.REVIEW, Kind.ANSWER})

# Looks at an absence that lasts.
OF_AN_ABSENCE = frozenset({Kind.AWAY, Kind.AWAY_REVIEW})

STRATEGY = (
    Kind.STRATEGY_24H,
    Kind.STRATEGY_72H,
    Kind.STRATEGY_7D,
    Kind.STRATEGY_14D,
    Kind.STRATEGY_28D,
    Kind.STRATEGY_3M,
    Kind.STRATEGY_3IN30,
)
OF_A_SEARCH = frozenset({Kind.DECISION, Kind.REPORT, Kind.KEEP_TRYING, Kind.BRING_BACK, *STRATEGY})
OF_A_RETURN = frozenset(
    {
        Kind.TELL_FOUND,
        Kind.SAFE_AND_WELL,
        Kind.MEDICAL,
        Kind.RETURN_INTERVIEW,
        Kind.RESCREEN,
        Kind.PHONE_CHECK,
        Kind.PACK_UPDATE,
        Kind.PLAN_REVIEW,
    }
)
# These never pause: neither by night, nor when a placement ends while the child is away.
OF_AN_EPISODE = OF_A_SEARCH | OF_A_RETURN
OF_AN_ADVOCATE = (Kind.ADVOCATE_WISH, Kind.ADVOCATE_ENDS)
# Their owner is on the rota, with a tie or without.
OF_A_SHIFT = frozenset({Kind.HANDOVER, Kind.HANDOVER_READ})
NEVER_RESTS = OF_AN_EPISODE | OF_A_SHIFT
# We wake people for these.
URGENT = frozenset({Kind.DECISION, Kind.REPORT, Kind.KEEP_TRYING, Kind.BRING_BACK, *OF_A_SHIFT})


# Among staff: neither the child nor their carer or guardian sees them.
OF_STAFF = frozenset({Kind.FLAG, Kind.APPROVAL})
# As the owner's role: the people who are on the rota at the time.
ON_DUTY = "on_duty"


class To(StrEnum):
    """The people a speech is for."""

    OWNER = "owner"
    DEPUTY = "deputy"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    CHILD = "child"  # A kind reminder: this never makes it the child's turn.


class Speech(msgspec.Struct, frozen=True):
    """One time of speaking: so long after the task is due (before, where negative), to these.

    The last of `to` is the next person; where that is nobody, the speech after it comes at once.
    `at_any_hour`: at the moment itself, also where the terms have a daytime.
    """

    after: timedelta
    to: tuple[To, ...]
    at_any_hour: bool = False


class Terms(msgspec.Struct, frozen=True):
    """When a kind of task speaks to which people. `daytime`: not before that time of the wall
    clock, for what can wait until the morning; None: at the moment itself."""

    speeches: tuple[Speech, ...]
    again: timedelta
    daytime: time | None = None


_DAY = timedelta(days=1)
# How long a child waits for an answer until we ask another person.
REPLY_WITHIN = timedelta(hours=24)
# How long before its end we start to ask how a life project goes on.
END_BEFORE = timedelta(days=30)
# When an answer to a complaint is due that names no day of its own.
ANSWER_WITHIN = timedelta(days=7)
# When a question about the record is to be answered: at the end of the third day after it arrived.
QUESTION_WITHIN = timedelta(days=3)
# How long we say nothing about a child whose placement has ended; then we look again.
REST = _DAY
# Hours in which a child hears nothing of this, however late we are.
QUIET_FROM, QUIET_UNTIL = time(21), time(8)


def first_awake(at: datetime, zone: ZoneInfo) -> datetime:
    """The moment, or the morning after it where it falls into a child's quiet hours."""
    local = at.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    day = local.date() + timedelta(days=1 if local.time() >= QUIET_FROM else 0)
    return as_utc(day, QUIET_UNTIL, zone)


def goes_round(kind: Kind, owner_role: str) -> bool:
    """Whether this is about a complaint, a question that the child put to another person than their
    caseworker, or words for the child's advocate alone: only the people it is addressed to may
    hear of it."""
    if kind in (Kind.REVIEW, Kind.QUESTION):
        return owner_role != "caseworker"
    if kind is Kind.REPLY:
        return owner_role == "advocate"
    return kind is Kind.ANSWER


class TaskSlice(msgspec.Struct, frozen=True):
    """The slice of a row that time moves. `told` is the number of the last speech; -1: none."""

    due_at: datetime
    set_at: datetime
    zone: str
    told: int = -1
    state: State = State.OPEN

    def is_over(self, now: datetime) -> bool:
        """Whether it is open and should have happened."""
        return self.state is State.OPEN and self.due_at <= now


class Call(msgspec.Struct, frozen=True):
    """Speak to these people, now. `at` is when it became true."""

    number: int
    at: datetime
    people: frozenset[UUID]


Reach = Mapping[To, frozenset[UUID]]


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A task to be set. `owner_id` None: the people who are `owner_role` to the child by then;
    `since_id`: what settled the turn before this one; `but_id`: the one person who can neither own
    it nor be told of it; `is_known`: its owner knows, so the first speech is left out."""

    kind: Kind
    subject_id: UUID
    owner_id: UUID | None
    owner_role: str
    due_at: datetime
    zone: str
    since_id: UUID | None = None
    but_id: UUID | None = None
    is_known: bool = False


class Ending(msgspec.Struct, frozen=True):
    """How a task ends: done or dropped, why as a code, and what ended it."""

    state: State
    why: str
    by: UUID | None = None


# What another agency that may take the child over is told of; a kind that is not here stays here,
# as what concerns the staff or the advocate of this agency does.
_TOLD = OF_A_PROJECT | NEVER_RESTS | OF_AN_ABSENCE
_TOLD |= {Kind.REPLY, Kind.RHYTHM, Kind.ABSENCE, Kind.QUESTION, Kind.PACK, Kind.TRANSFER}


def is_told(kind: Kind, owner_role: str) -> bool:
    """Whether such an agency is told of such a task: never of what goes round the caseworker."""
    return kind in _TOLD and not goes_round(kind, owner_role)


def within_reach(day: date) -> date:
    """The day; one absurdly far off becomes one that every clock can show."""
    return min(max(day, _FIRST_DAY), _LAST_DAY)


_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(9000, 1, 1)


def months_later(day: date, months: int) -> date:
    """The same day so many months later; the 31st becomes the last day of a shorter month. Raises
    ValueError past the last possible year."""
    total = day.year * 12 + day.month - 1 + months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day is over on a wall clock."""
    return as_utc(within_reach(day) + _DAY, time(0), zone)


def speaks_at(task: TaskSlice, terms: Terms, number: int) -> datetime:
    """The moment of a speech, counted from 0; those past the last are its repeats.

    Nothing speaks before it was set. A due that was over already when it was set gives its owner
    the same time as any other before the next person hears of it. With a daytime the moment becomes
    the first such time of the clock in the task's zone that is not before it.
    """
    last = len(terms.speeches) - 1
    speech = terms.speeches[min(number, last)]
    after = speech.after + max(number - last, 0) * terms.again
    if after < timedelta(0):
        base = max(task.due_at + after, task.set_at)
    else:
        base = max(task.due_at, task.set_at) + after
    if terms.daytime is None or speech.at_any_hour:
        return base
    return _first(terms.daytime, base, known_zone(task.zone))


def _first(at: time, base: datetime, zone: ZoneInfo) -> datetime:
    day = base.astimezone(zone).date()
    moment = as_utc(day, at, zone)
    return moment if moment >= base else as_utc(day + _DAY, at, zone)


def next_at(task: TaskSlice, terms: Terms) -> datetime | None:
    """When it speaks next; None once it is settled."""
    return speaks_at(task, terms, task.told + 1) if task.state is State.OPEN else None


def advance(
    task: TaskSlice, terms: Terms, reach: Reach, now: datetime
) -> tuple[TaskSlice, tuple[Call, ...]]:
    """The task as it is by now, and who is called, the oldest first.

    A call without people means that there is nobody at all to tell.
    """
    calls: list[Call] = []
    while (at := next_at(task, terms)) is not None and at <= now:
        task = replace(task, told=task.told + 1)
        while _is_skipped(task.told, terms, reach):
            task = replace(task, told=task.told + 1)
        calls.append(Call(task.told, at, _people(task.told, terms, reach)))
    return task, tuple(calls)


def _is_skipped(number: int, terms: Terms, reach: Reach) -> bool:
    """Whether the next person of this speech is missing, and a later speech has another one."""
    if number >= len(terms.speeches) - 1:
        return False
    return not reach.get(terms.speeches[number].to[-1])


def _groups(number: int, terms: Terms) -> tuple[To, ...]:
    return terms.speeches[min(max(number, 0), len(terms.speeches) - 1)].to


def _people(number: int, terms: Terms, reach: Reach) -> frozenset[UUID]:
    groups = (reach.get(to, frozenset()) for to in _groups(number, terms))
    return frozenset[UUID]().union(*groups)


def whose_turn(task: TaskSlice, terms: Terms, reach: Reach) -> frozenset[UUID]:
    """Whose turn it is: the owner's, and everyone's who was told that it is over. Nobody's, once it
    is settled."""
    if task.state is not State.OPEN:
        return frozenset()
    told = {*_groups(task.told, terms), To.OWNER} - {To.CHILD}
    return frozenset[UUID]().union(*(reach.get(to, frozenset()) for to in told))


_STAFF = frozenset({"caseworker", "supervisor"})
_SEARCHING = _STAFF | {"guardian"}
_OF_A_PLAN = _SEARCHING | {"child", "advocate"}
# Who sees tasks of a kind that are not theirs. A kind that is not here is seen by nobody else.
# Dues of the thread are for those in it. A carer sees only the next dates of a plan. A phone never
# shows an episode's clocks: a stranger may be holding it.
_SEEN_BY: Mapping[Kind, frozenset[str]] = {
    Kind.STEP: _OF_A_PLAN,
    **dict.fromkeys((Kind.END, Kind.REVIEW), _OF_A_PLAN | {"carer"}),
    Kind.REPLY: _STAFF | {"child"},
    **dict.fromkeys(NEVER_RESTS, _SEARCHING),
    **dict.fromkeys((Kind.RHYTHM, Kind.ABSENCE, Kind.QUESTION, Kind.PACK, Kind.TRANSFER), _STAFF),
    **dict.fromkeys((*OF_AN_ABSENCE, *OF_STAFF, *OF_AN_ADVOCATE), _STAFF),
}


def may_see(kind: Kind, roles: frozenset[str], owner_role: str) -> bool:
    """Whether a person with these roles for a child sees tasks of this kind that are not theirs. A
    complaint, and what else goes round, is for the people it is addressed to."""
    return bool(roles & _SEEN_BY.get(kind, frozenset())) and not goes_round(kind, owner_role)
