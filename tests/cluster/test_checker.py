"""A checker that cannot fail proves nothing: each kind of breach, in a history made for it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cluster import figures
from tests.cluster.checker import Silence, Story, Terms, check
from tests.cluster.history import Event

TERMS = Terms(grace_s=10, told_within_s=60)
BEGIN = 1_800_000_000.0
MIA, WORKER = "mia", "tom@rig.example"


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def thanked(id_: str, at: float, due: float) -> list[Event]:
    """A check-in that was said, sent, thanked for and stored."""
    answer = {"id": id_, "received_at": iso(at), "next_due_at": iso(due), "standing": "well"}
    return [
        {"kind": "said", "at": at - 0.1, "child": MIA, "id": id_},
        {"kind": "sent", "at": at - 0.1, "child": MIA, "id": id_},
        {"kind": "answered", "at": at, "child": MIA, "id": id_, "status": 201, "answer": answer},
        {"kind": "row", "at": BEGIN, "table": "check_in", "id": id_, "child": MIA,
         "answer": dict(answer)},
    ]  # fmt: skip


def message(
    id_: str, subject: str, *, kind: str = "alert", result: str = "accepted"
) -> list[Event]:
    return [
        {"kind": "row", "at": BEGIN, "table": "message", "id": id_, "subject": subject,
         "kind_of": kind, "rung": 0, "turn": 0, "to": "tom", "channel": "email", "child": MIA,
         "state": "done"},
        {"kind": "row", "at": BEGIN, "table": "delivery", "id": f"d-{id_}", "message": id_,
         "attempt": 1, "result": result, "why": None},
    ]  # fmt: skip


def arrived(id_: str, at: float) -> Event:
    return {"kind": "arrived", "at": at, "message": id_, "to": WORKER, "subject": "x"}


def steady(begin: float, end: float, *, without: tuple[float, float] = (0, 0)) -> list[Event]:
    """Another child, thanked every two seconds, so that there is no outage; or one."""
    events: list[Event] = [
        {"kind": "child", "at": begin, "child": "lia", "worker": "uwe@rig.example", "due": end + 60}
    ]
    at = begin
    while at <= end:
        if not without[0] < at < without[1]:
            for event in thanked(f"lia-{at:.0f}", at, end + 60):
                events.append(event | ({"child": "lia"} if "child" in event else {}))
        at += 2
    return events


@pytest.fixture
def good() -> list[Event]:
    """Mia is asked each minute: she answers, falls silent from 110 on, is told of at 112 and comes
    back at 200; another child checks in all the time."""
    return [
        {"kind": "child", "at": BEGIN, "child": MIA, "worker": WORKER, "due": BEGIN + 40},
        *thanked("one", BEGIN + 35, BEGIN + 100),
        arrived("m1", BEGIN + 112),
        *message("m1", "alert1"),
        *thanked("two", BEGIN + 200, BEGIN + 260),
        {"kind": "row", "at": BEGIN, "table": "alert", "id": "alert1", "child": MIA,
         "state": "closed", "opened_at": iso(BEGIN + 110), "closed_at": iso(BEGIN + 200)},
        {"kind": "row", "at": BEGIN, "table": "round", "id": "r1", "child": MIA,
         "late_at": iso(BEGIN + 110), "state": "answered_late", "settled_by": "two"},
        *thanked("three", BEGIN + 255, BEGIN + 900),
        *steady(BEGIN, BEGIN + 400),
    ]  # fmt: skip


def what(events: list[Event], terms: Terms = TERMS) -> set[str]:
    return {violation.what for violation in check(Story(events, terms))}


def changed(events: list[Event], which: dict[str, Any], **to: Any) -> list[Event]:
    """The same history, in which every event that is like `which` is otherwise."""
    copied = copy.deepcopy(events)
    hit = [e for e in copied if which.items() <= e.items()]
    assert hit
    for event in hit:
        event.update(to)
    return copied


def without(events: list[Event], **which: Any) -> list[Event]:
    kept = [e for e in events if not which.items() <= e.items()]
    assert len(kept) < len(events)
    return kept


def test_a_good_history_has_no_breach(good: list[Event]) -> None:
    assert check(Story(good, TERMS)) == []


def test_the_silence_is_known_from_the_answers_alone(good: list[Event]) -> None:
    story = Story([event for event in good if event.get("table") != "alert"], TERMS)
    assert Silence(MIA, BEGIN + 110, BEGIN + 200) in story.silences


def test_a_check_in_that_was_thanked_for_and_is_gone_is_lost(good: list[Event]) -> None:
    assert "lost" in what(without(good, table="check_in", id="three"))


def test_a_check_in_that_the_phone_never_got_thanks_for_is_unconfirmed(good: list[Event]) -> None:
    assert what(without(good, kind="answered", id="three")) == {"unconfirmed"}


def test_two_answers_to_one_id(good: list[Event]) -> None:
    [first] = [e for e in good if e["kind"] == "answered" and e["id"] == "one"]
    again = first | {"at": BEGIN + 36, "status": 200}
    assert what([*good, again]) == set()
    otherwise = again | {"answer": first["answer"] | {"next_due_at": iso(BEGIN + 160)}}
    assert what([*good, otherwise]) == {"two answers"}


def test_an_answer_that_is_not_the_stored_one(good: list[Event]) -> None:
    [row] = [e for e in good if e.get("table") == "check_in" and e["id"] == "one"]
    answer = row["answer"] | {"standing": "late"}
    bad = changed(good, {"table": "check_in", "id": "one"}, answer=answer)
    assert what(bad) == {"two answers"}


@pytest.mark.parametrize(("status", "code"), [(422, "invalid"), (404, None), (409, "id_reused")])
def test_a_good_check_in_that_is_refused_for_good(
    good: list[Event], status: int, code: str | None
) -> None:
    refused = {"kind": "answered", "at": BEGIN + 30, "child": MIA, "id": "one", "status": status,
               "answer": {"code": code}}  # fmt: skip
    assert what([*good, refused]) == {"refused"}


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_a_server_that_is_busy_or_away_refuses_nothing(good: list[Event], status: int) -> None:
    busy = {"kind": "answered", "at": BEGIN + 30, "child": MIA, "id": "one", "status": status,
            "answer": "away"}  # fmt: skip
    assert what([*good, busy]) == set()


def test_a_silence_that_nobody_was_told_of(good: list[Event]) -> None:
    assert what(without(good, kind="arrived")) == {"untold"}


def test_a_silence_that_was_told_of_too_late(good: list[Event]) -> None:
    assert what(changed(good, {"kind": "arrived"}, at=BEGIN + 171)) == {"untold"}
    assert what(changed(good, {"kind": "arrived"}, at=BEGIN + 169)) == set()


def test_what_an_outage_meets_may_be_told_so_much_later() -> None:
    events = [
        {"kind": "child", "at": BEGIN, "child": MIA, "worker": WORKER, "due": BEGIN + 40},
        *thanked("one", BEGIN + 35, BEGIN + 100),
        *message("m1", "alert1"),
        *thanked("two", BEGIN + 300, BEGIN + 900),
        *steady(BEGIN, BEGIN + 400, without=(BEGIN + 120, BEGIN + 160)),
    ]
    late = BEGIN + 110
    assert what([*events, arrived("m1", late + 95)]) == set()
    assert what([*events, arrived("m1", late + 105)]) == {"untold"}


def test_a_silence_that_lasts_until_the_end_counts_too(good: list[Event]) -> None:
    ids = {"two", "three"}
    silent = [e for e in good if e.get("id") not in {*ids, "r1", "alert1"}]
    assert what(silent) == set()
    assert what(without(silent, kind="arrived")) == {"untold"}


def test_a_silence_that_was_told_of_twice(good: list[Event]) -> None:
    twice = [*good, *message("m2", "alert2"), arrived("m2", BEGIN + 130)]
    assert what(twice) == {"told twice"}


def test_a_call_about_a_child_who_had_answered(good: list[Event]) -> None:
    nothing = [*good, *message("m2", "alert2"), arrived("m2", BEGIN + 80)]
    assert what(nothing) == {"told for nothing"}
    in_the_air = [*good, arrived("m1", BEGIN + 203), *message("m1", "alert1", result="unknown")[1:]]
    assert what(in_the_air) == set()


def test_a_message_that_is_doubled_at_the_wire(good: list[Event]) -> None:
    doubled = [*good, arrived("m1", BEGIN + 115)]
    assert what(doubled) == {"doubled"}
    unknown = [*doubled, *message("m1", "alert1", result="unknown")[1:]]
    assert what(unknown) == set()
    assert what([*unknown, arrived("m1", BEGIN + 116)]) == {"doubled"}


def test_two_rows_for_one_call_and_two_open_alerts(good: list[Event]) -> None:
    assert what([*good, message("m3", "alert1")[0]]) == {"doubled"}
    row = {"kind": "row", "at": BEGIN, "table": "alert", "child": MIA, "state": "open",
           "opened_at": iso(BEGIN), "closed_at": None}  # fmt: skip
    assert what([*good, row | {"id": "a2"}, row | {"id": "a3"}]) == {"doubled"}


def test_a_message_that_no_row_knows(good: list[Event]) -> None:
    assert what([*good, arrived("m9", BEGIN + 112)]) == {"ghost"}


@pytest.mark.parametrize(
    "to",
    [{"state": "answered", "settled_by": "nobody"}, {"state": "open"}, {"state": "late"}],
)
def test_a_round_that_nothing_has_settled(good: list[Event], to: dict[str, str]) -> None:
    assert what(changed(good, {"table": "round"}, **to)) == {"round"}


def test_the_gap_of_a_fault_is_the_longest_time_without_thanks() -> None:
    events = [
        *steady(BEGIN, BEGIN + 100, without=(BEGIN + 31, BEGIN + 43)),
        {"kind": "fault", "at": BEGIN + 33, "what": "killed", "target": "db1"},
        {"kind": "fault", "at": BEGIN + 70, "what": "cut", "target": "db2"},
    ]
    [killed, cut] = figures.gaps(Story(events, TERMS))
    assert killed.seconds == pytest.approx(11)
    assert cut.seconds == pytest.approx(2)
    assert "killed" in figures.report(Story(events, TERMS))


def test_a_fault_from_which_nothing_comes_back_is_a_gap_until_the_end() -> None:
    events = [
        *steady(BEGIN, BEGIN + 100, without=(BEGIN + 31, BEGIN + 200)),
        {"kind": "fault", "at": BEGIN + 33, "what": "killed", "target": "db1"},
        {"kind": "said", "at": BEGIN + 90, "child": MIA, "id": "never"},
    ]
    [gap] = figures.gaps(Story(events, TERMS))
    assert gap.seconds == pytest.approx(57)
