"""When a witness is asked, what a register says, and what a word weighs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Refused
from server.policy import parser as policies
from server.policy.model import SHIPPED, Tier
from server.policy.roll_call import Word
from server.policy.witness import Witness
from server.watch.machine import rounds, witnesses
from server.watch.machine.advancing import advance
from server.watch.machine.alarms import call_at
from server.watch.machine.habit import Knowledge, Look
from server.watch.machine.standing import Standing, Terms, What
from server.watch.rhythm import rules as rhythms
from server.witnesses import register, rules
from tests.copies import replace

PARIS = ZoneInfo("Europe/Paris")
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_lists_are_due_on_their_days_by_the_clock_on_the_wall() -> None:
    thursday = rules.next_due([3], time(18), PARIS, BEGIN)
    assert thursday == datetime(2026, 3, 5, 17, tzinfo=UTC)
    assert rules.next_due([3], time(18), PARIS, thursday) == thursday + timedelta(days=7)
    skipped = rules.next_due([6], time(2, 30), PARIS, datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert skipped == datetime(2026, 3, 29, 1, tzinfo=UTC), "the clocks skip that time"
    assert rules.ends_at(skipped, PARIS) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert rules.next_due([], time(18), PARIS, BEGIN) is None
    assert rules.due_on([3], time(18), PARIS, date(2026, 3, 4)) is None


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.integers(0, 365 * 24 * 60),
)
def test_a_list_is_due_within_a_week_and_ends_on_its_day(
    days: set[int], at: time, minutes: int
) -> None:
    after = BEGIN + minutes * MINUTE
    due = rules.next_due(days, at.replace(tzinfo=None), PARIS, after)
    assert due is not None
    assert after < due <= after + timedelta(days=8)
    assert due.astimezone(PARIS).weekday() in days
    assert due < rules.ends_at(due, PARIS) <= due + timedelta(hours=26)


@pytest.mark.parametrize("days", [[], ["7"], ["x"], ["1", "-1"]])
def test_days_that_are_none_are_refused(days: list[str]) -> None:
    with pytest.raises(Refused):
        rules.read_days(days)


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_it_is_read_or_refused(data: bytes) -> None:
    with suppress(Refused):
        register.read_file(data, BEGIN.date())


def test_names_of_a_register_are_compared_as_people_read_them() -> None:
    seats = {UUID(int=1): "Élodie B.", UUID(int=2): "نور"}
    head = "\ufeffdate;Name;WORD\r\n"
    body = "2026-03-02;  e\u0301lodie  b. ;Présente\r\n;نور;غائب\r\n;X;a\r\n"
    lines = register.read_file((head + body).encode(), date(2026, 3, 2))
    matched = register.match(lines, seats)
    assert matched.words == {UUID(int=1): Word.HERE, UUID(int=2): Word.NOT_HERE}
    assert matched.unknown == ("X",)


def test_what_the_words_weigh_is_read_and_checked() -> None:
    own = policies.read({**SHIPPED, "witness": {"at": ["08:45"], "here": 0.4}}).witness
    assert (own.at, own.words[Word.HERE], own.words[Word.NOT_HERE]) == ((time(8, 45),), 0.4, 4)
    assert policies.read(SHIPPED).witness == Witness()
    for wrong in ({"here": 0}, {"unknown": 2}, {"at": "08:45"}, {"holds_for": "soon"}):
        with pytest.raises(Refused):
            policies.read({**SHIPPED, "witness": wrong})


def called_at(terms: Terms, words: dict[datetime, Word], until: datetime) -> datetime:
    """When adults are called about a silence since `BEGIN`, with these words heard on the way."""
    policy = policies.read(SHIPPED)
    standing: Standing = rounds.begin(terms, BEGIN)
    for at, word in sorted(words.items()):
        standing, changes = advance(standing, terms, at)
        for change in changes:
            if change.what is What.ALERT:
                return change.at
        heard = witnesses.look(word, policy.witness, terms, at, calls=False)
        if heard is not None:
            looks = (*terms.knowledge.looks, heard)
            terms = _knowing(terms, looks)
            standing = witnesses.heed(standing, terms, heard, at)
    standing, changes = advance(standing, terms, until)
    return next((c.at for c in changes if c.what is What.ALERT), call_at(standing, terms))


def _knowing(terms: Terms, looks: tuple[Look, ...]) -> Terms:
    return replace(terms, knowledge=replace(terms.knowledge, looks=looks))


@given(
    st.sampled_from([Tier.HIGH, Tier.MID, Tier.LOW]),
    st.booleans(),
    st.dictionaries(st.integers(1, 4000), st.sampled_from(list(Word)), max_size=5),
)
def test_another_witness_never_makes_a_call_later_by_more_than_the_hold(
    tier: Tier, has_carer: bool, said: dict[int, Word]
) -> None:
    policy = policies.read(SHIPPED)
    terms = Terms(
        tier=tier,
        steps=policy.tiers[tier].steps,
        rhythm=rhythms.read({"at": ["09:00", "18:00"]}),
        zone=PARIS,
        pauses=(),
        has_carer=has_carer,
        knowledge=Knowledge(),
    )
    until = BEGIN + timedelta(days=14)
    words = {BEGIN + minutes * MINUTE: word for minutes, word in said.items()}
    without, heard = called_at(terms, {}, until), called_at(terms, words, until)
    last = max((at for at, word in words.items() if word is Word.HERE), default=without)
    assert heard <= max(without, last + policy.witness.holds_for)
    assert heard <= without + policy.witness.holds_for
    if Word.HERE not in words.values():
        assert heard <= without
