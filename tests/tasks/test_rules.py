"""When a due speaks, to whom, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.rules import Role
from server.tasks.rules import (
    REPLY_WITHIN,
    Kind,
    Reach,
    State,
    TaskSlice,
    To,
    advance,
    end_of,
    is_told,
    may_see,
    next_at,
    whose_turn,
    within_reach,
)
from server.tasks.terms import terms_of

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TOM, INES, DEPUTY, MIA = (uuid4() for _ in range(4))
ALL: Reach = {
    To.OWNER: frozenset({TOM}),
    To.DEPUTY: frozenset({DEPUTY}),
    To.CASEWORKER: frozenset({TOM}),
    To.SUPERVISOR: frozenset({INES}),
    To.CHILD: frozenset({MIA}),
}


def told(task: TaskSlice, kind: Kind, role: str, reach: Reach, **how_far: float) -> list[set[UUID]]:
    _, calls = advance(task, terms_of(kind, role), reach, NOW + timedelta(**how_far))
    return [set(call.people) for call in calls]


def reply() -> TaskSlice:
    return TaskSlice(NOW + REPLY_WITHIN, NOW, "Europe/Paris")


def test_a_message_is_told_at_once_then_to_the_deputy_then_to_the_supervisor_then_daily() -> None:
    def now_told(**how_far: float) -> list[set[UUID]]:
        return told(reply(), Kind.REPLY, "caseworker", ALL, **how_far)

    assert now_told(hours=0) == [{TOM}]
    assert now_told(hours=23.9) == [{TOM}]
    assert now_told(hours=24) == [{TOM}, {TOM, DEPUTY}]
    assert now_told(hours=48) == [{TOM}, {TOM, DEPUTY}, {TOM, DEPUTY, INES}]
    assert len(now_told(days=40)) == 41
    assert now_told(days=40)[-1] == {TOM, DEPUTY, INES}


def test_where_nobody_is_next_the_one_after_them_is_told_at_once() -> None:
    alone = {**ALL, To.DEPUTY: frozenset[UUID]()}
    assert told(reply(), Kind.REPLY, "caseworker", alone, hours=24) == [{TOM}, {TOM, INES}]
    without_worker = {**alone, To.OWNER: frozenset[UUID]()}
    assert told(reply(), Kind.REPLY, "caseworker", without_worker, hours=0) == [{INES}]
    assert told(reply(), Kind.REPLY, "caseworker", {}, hours=0) == [set()]


STEP = TaskSlice(end_of(date(2026, 3, 3), PARIS), NOW, "Europe/Paris")


def moments(task: TaskSlice, role: str, how_many: int) -> list[datetime]:
    found = []
    terms = terms_of(Kind.STEP, role)
    for _ in range(how_many):
        at = next_at(task, terms)
        assert at is not None
        found.append(at)
        task, _ = advance(task, terms, ALL, at)
    return found


def test_a_promise_of_the_authority_is_over_at_the_end_of_its_day_and_told_in_the_morning() -> None:
    assert STEP.due_at == datetime(2026, 3, 3, 23, tzinfo=UTC)
    nine = [datetime(2026, 3, day, 8, tzinfo=UTC) for day in (4, 5, 6, 7, 8)]
    assert moments(STEP, "caseworker", 5) == nine
    assert not STEP.is_over(STEP.due_at - timedelta(seconds=1))
    assert STEP.is_over(STEP.due_at)


def test_its_supervisor_hears_of_it_two_days_later_and_of_a_carers_the_caseworker() -> None:
    assert told(STEP, Kind.STEP, "caseworker", ALL, days=6) == [{TOM}] * 2 + [{TOM, INES}] * 3
    sam = {**ALL, To.OWNER: frozenset({DEPUTY})}
    assert told(STEP, Kind.STEP, "carer", sam, days=4) == [{DEPUTY}] * 2 + [{DEPUTY, TOM}]


def test_a_childs_own_step_reminds_the_child_on_its_morning_then_weekly_and_nobody_else() -> None:
    own = {**ALL, To.OWNER: frozenset({MIA})}
    assert told(STEP, Kind.STEP, "child", own, days=365) == [{MIA}] * 53
    days = [at.astimezone(PARIS).date() for at in moments(STEP, "child", 3)]
    assert days == [date(2026, 3, 3), date(2026, 3, 10), date(2026, 3, 17)]


def test_what_was_over_when_it_was_set_gives_its_owner_the_same_time() -> None:
    old = TaskSlice(end_of(date(2020, 1, 1), PARIS), NOW, "Europe/Paris")
    assert told(old, Kind.STEP, "caseworker", ALL, hours=12) == []
    assert told(old, Kind.STEP, "caseworker", ALL, days=2) == [{TOM}, {TOM}]
    assert told(old, Kind.STEP, "caseworker", ALL, days=3) == [{TOM}, {TOM}, {TOM, INES}]


def test_of_a_review_the_child_hears_three_days_before_and_the_supervisor_when_it_is_over() -> None:
    task = TaskSlice(end_of(date(2026, 3, 20), PARIS), NOW, "Europe/Paris")
    assert next_at(task, terms_of(Kind.REVIEW, "caseworker")) == datetime(
        2026, 3, 17, 8, tzinfo=UTC
    )
    assert told(task, Kind.REVIEW, "caseworker", ALL, days=21) == [
        {TOM, MIA},
        {TOM},
        {TOM},
        {TOM, INES},
    ]


def test_whose_turn_it_is_grows_as_more_people_are_told() -> None:
    task, terms = reply(), terms_of(Kind.REPLY, "caseworker")
    assert whose_turn(task, terms, ALL) == {TOM}
    for hours, turn in ((0, {TOM}), (24, {TOM, DEPUTY}), (48, {TOM, DEPUTY, INES})):
        task, _ = advance(task, terms, ALL, NOW + timedelta(hours=hours))
        assert whose_turn(task, terms, ALL) == turn
    settled = TaskSlice(task.due_at, task.set_at, task.zone, task.told, State.DONE)
    assert whose_turn(settled, terms, ALL) == set()
    assert next_at(settled, terms) is None
    assert advance(settled, terms, ALL, NOW + 900 * DAY) == (settled, ())
    assert not settled.is_over(NOW + 900 * DAY)


def test_a_child_who_is_reminded_of_a_review_has_no_turn_by_that() -> None:
    task = TaskSlice(end_of(date(2026, 3, 3), PARIS), NOW, "Europe/Paris", told=0)
    assert whose_turn(task, terms_of(Kind.REVIEW, "caseworker"), ALL) == {TOM}


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_a_day_that_nobody_means_is_one_that_clocks_can_show(day: date, zone: str) -> None:
    at = end_of(day, ZoneInfo(zone))
    assert 1990 <= at.year <= 9000
    assert abs(within_reach(day).year - at.year) <= 1
    task = TaskSlice(at, NOW, zone)
    assert next_at(task, terms_of(Kind.STEP, "child")) is not None


ZONES = ["UTC", "Europe/Paris", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu"]
ROLES = ["child", "caseworker", "guardian", "agency"]
spans = st.timedeltas(timedelta(0), timedelta(days=60))


@st.composite
def dues(draw: st.DrawFn) -> tuple[TaskSlice, Kind, str]:
    set_at = NOW + draw(spans) * 6
    due_at = set_at + draw(st.timedeltas(timedelta(days=-90), timedelta(days=90)))
    task = TaskSlice(due_at, set_at, draw(st.sampled_from(ZONES)))
    return task, draw(st.sampled_from(list(Kind))), draw(st.sampled_from(ROLES))


@st.composite
def reaches(draw: st.DrawFn) -> Reach:
    return {to: people for to, people in ALL.items() if draw(st.booleans())}


@given(dues(), reaches(), st.lists(spans, max_size=6), spans)
def test_looking_often_comes_to_the_same_as_looking_once(
    made: tuple[TaskSlice, Kind, str], reach: Reach, looks: list[timedelta], span: timedelta
) -> None:
    task, kind, role = made
    terms, end = terms_of(kind, role), task.set_at + span
    once, at_once = advance(task, terms, reach, end)
    often, calls = task, []
    for now in sorted({end, *(task.set_at + look for look in looks if look <= span)}):
        often, more = advance(often, terms, reach, now)
        calls += more
    assert (often, tuple(calls)) == (once, at_once)
    after = next_at(once, terms)
    assert after is not None
    assert after > end, "nothing is left that should have been said"


@given(dues(), reaches(), spans)
def test_it_never_speaks_earlier_than_before_nor_before_it_was_set(
    made: tuple[TaskSlice, Kind, str], reach: Reach, span: timedelta
) -> None:
    task, kind, role = made
    terms = terms_of(kind, role)
    _, calls = advance(task, terms, reach, task.set_at + span)
    ats = [call.at for call in calls]
    assert ats == sorted(ats)
    assert all(at >= task.set_at for at in ats)
    assert [call.number for call in calls] == sorted({call.number for call in calls})
    if terms.daytime is not None:
        last = len(terms.speeches) - 1
        # A call says all that was due since the one before it: also what may be said at any hour.
        before = [task.told, *(call.number for call in calls)]
        waits = [
            call.at
            for call, told in zip(calls, before, strict=False)
            if not any(
                terms.speeches[min(number, last)].at_any_hour
                for number in range(told + 1, call.number + 1)
            )
        ]
        local = {at.astimezone(ZoneInfo(task.zone)).time() for at in waits}
        assert local <= {time(9)}


_STAFF = {"caseworker", "supervisor"}
_PLAN = {*_STAFF, "guardian", "child", "advocate"}
_SEARCH = {*_STAFF, "guardian"}
# Who sees a task of each kind that is not theirs, where it goes round nobody; and whether another
# agency is told of it.
SEEN: Mapping[Kind, tuple[set[str], bool]] = {
    Kind.STEP: (_PLAN, True),
    Kind.REPLY: ({*_STAFF, "child"}, True),
    Kind.END: ({*_PLAN, "carer"}, True),
    Kind.REVIEW: ({*_PLAN, "carer"}, True),
    Kind.ANSWER: (set(), False),
    Kind.RHYTHM: (_STAFF, True),
    Kind.ABSENCE: (_STAFF, True),
    Kind.QUESTION: (_STAFF, True),
    Kind.DECISION: (_SEARCH, True),
    Kind.REPORT: (_SEARCH, True),
    Kind.KEEP_TRYING: (_SEARCH, True),
    Kind.BRING_BACK: (_SEARCH, True),
    Kind.STRATEGY_24H: (_SEARCH, True),
    Kind.STRATEGY_72H: (_SEARCH, True),
    Kind.STRATEGY_7D: (_SEARCH, True),
    Kind.STRATEGY_14D: (_SEARCH, True),
    Kind.STRATEGY_28D: (_SEARCH, True),
    Kind.STRATEGY_3M: (_SEARCH, True),
    Kind.STRATEGY_3IN30: (_SEARCH, True),
    Kind.TELL_FOUND: (_SEARCH, True),
    Kind.SAFE_AND_WELL: (_SEARCH, True),
    Kind.MEDICAL: (_SEARCH, True),
    Kind.RETURN_INTERVIEW: (_SEARCH, True),
    Kind.RESCREEN: (_SEARCH, True),
    Kind.PHONE_CHECK: (_SEARCH, True),
    Kind.PACK_UPDATE: (_SEARCH, True),
    Kind.PLAN_REVIEW: (_SEARCH, True),
    Kind.HANDOVER: (_SEARCH, True),
    Kind.HANDOVER_READ: (_SEARCH, True),
    Kind.PACK: (_STAFF, True),
    Kind.ADVOCATE_WISH: (_STAFF, False),
    Kind.ADVOCATE_ENDS: (_STAFF, False),
    Kind.TRANSFER: (_STAFF, True),
    Kind.AWAY: (_STAFF, True),
    Kind.AWAY_REVIEW: (_STAFF, True),
    Kind.FLAG: (_STAFF, False),
    Kind.APPROVAL: (_STAFF, False),
}
# A kind that nobody has said anything of yet.
NEW = cast(Kind, "a_kind_of_tomorrow")


def _who_sees(kind: Kind, owner_role: str) -> set[str]:
    return {role.value for role in Role if may_see(kind, frozenset({role.value}), owner_role)}


def test_every_kind_says_who_sees_it_and_whether_another_agency_is_told() -> None:
    assert set(SEEN) == set(Kind)
    found = {kind: (_who_sees(kind, "caseworker"), is_told(kind, "caseworker")) for kind in Kind}
    assert found == SEEN


@pytest.mark.parametrize("kind", [*Kind, NEW])
def test_nobody_sees_a_task_without_a_role_for_the_child(kind: Kind) -> None:
    assert not may_see(kind, frozenset(), "caseworker")


@pytest.mark.parametrize("owner_role", ["caseworker", "supervisor", "child", "advocate"])
def test_a_kind_that_says_nothing_is_seen_by_nobody_and_told_to_no_other_agency(
    owner_role: str,
) -> None:
    assert _who_sees(NEW, owner_role) == set()
    assert not is_told(NEW, owner_role)


@pytest.mark.parametrize(
    ("kind", "owner_role"),
    [
        (Kind.ANSWER, "supervisor"),
        (Kind.REVIEW, "supervisor"),
        (Kind.QUESTION, "supervisor"),
        (Kind.REPLY, "advocate"),
    ],
)
def test_what_goes_round_is_seen_by_those_alone_to_whom_it_is_addressed(
    kind: Kind, owner_role: str
) -> None:
    assert _who_sees(kind, owner_role) == set()
    assert not is_told(kind, owner_role)
