"""Replay: the rules of production over recorded events, with nobody's clock and no database."""

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.__main__ import main
from server.errors import Refused
from server.policy import parser as policies
from server.policy.model import EACH_MISS, SHIPPED, Policy, QuietHours, Tier
from server.simulation import lookback
from server.simulation.commands import read_policy
from server.simulation.events import events_of
from server.simulation.kinds import Event
from server.simulation.outcomes import Result
from server.simulation.replay import replay
from tests.copies import replace
from tests.simulation.plain_replay import Plain

many = settings(max_examples=int(os.environ.get("WAYMARK_TEST_EXAMPLES", "40")), deadline=None)
AT_EACH_MISS = policies.read(EACH_MISS)
HABITUAL = policies.read(SHIPPED)
START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

Said = tuple[str, str, dict[str, Any]]


def placed(tier: str = "mid", **more: Any) -> dict[str, Any]:
    return {"zone": "UTC", "tier": tier, "rhythm": {"at": ["18:00"]}, "carer": True} | more


def file_of(said: Sequence[Said], child: str = "mia") -> io.StringIO:
    """EVENTS.csv of one child: (day and time in June 2026, kind, detail)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["child", "at", "kind", "detail"])
    for at, kind, detail in said:
        writer.writerow([child, f"2026-06-{at}:00Z", kind, json.dumps(detail)])
    text.seek(0)
    return text


def run(*said: Said, until: str | None = None, policy: Policy = AT_EACH_MISS) -> Result:
    end = datetime.fromisoformat(f"2026-06-{until}:00Z") if until else None
    return replay(events_of(file_of(said)), policy, end)


def told(result: Result, *, but: str = "nudge_child") -> list[str]:
    return [
        f"{row.at:%d %H:%M} {row.level} {row.rung}".rstrip()
        for row in result.rows
        if row.level != but
    ]


# --- what is told, and when


def test_times_by_a_rule_and_so_many_misses_are_read_and_said() -> None:
    fortnightly = "DTSTART:20260602\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
    rhythm = {"at": ["12:00", "18:00"], "rrule": {"12:00": fortnightly}}
    policy = policies.read(policies.merged({"low": {"after_misses": 3}}))
    result = run(
        ("01T06:00", "placed", placed("low", rhythm=rhythm, carer=False)),
        ("01T17:30", "check_in", {}),
        until="04T00:00",
        policy=policy,
    )
    # Noon and evening of the second, and the evening of the third; without the number nobody yet.
    called = [row for row in result.rows if row.level == "page_worker"]
    assert [f"{row.at:%d %H:%M}" for row in called] == ["03 20:00"]
    assert called[0].reason.startswith("Missed 3 check-ins in a row since yesterday 12:00, last")
    assert [row.at.day for row in result.rows if "12:00" in row.reason[:40]][:2] == [2, 2]


def test_a_silence_under_the_shipped_policy() -> None:
    result = run(("01T06:00", "placed", placed()), until="02T08:00")
    assert told(result, but="") == [
        "01 17:00 nudge_child",
        "01 18:00 nudge_child",
        "01 18:30 nudge_child",
        "01 19:00 ask_carer",
        "01 19:45 page_worker 0",
        "01 20:15 escalate 1",
        "01 20:45 escalate 2",
        "01 21:15 escalate 3",
        "01 21:45 escalate 4",
        "01 23:45 suggest_report 2",
    ]


@pytest.mark.parametrize(
    ("tier", "paged", "report"),
    [
        ("high", "01 18:45", "01 19:45 suggest_report 3"),
        ("mid", "01 19:45", "01 23:45 suggest_report 2"),
        ("low", "01 23:00", "02 23:00 suggest_report 3"),
    ],
)
def test_each_tier_has_its_own_times(tier: str, paged: str, report: str) -> None:
    rows = told(run(("01T06:00", "placed", placed(tier)), until="03T00:00"))
    assert f"{paged} page_worker 0" in rows
    assert report in rows


def test_an_answer_in_time_says_nothing_to_anybody() -> None:
    result = run(("01T06:00", "placed", placed()), ("01T16:30", "check_in", {}), until="02T15:00")
    assert result.rows == []


def test_an_answer_too_early_settles_nothing() -> None:
    result = run(("01T06:00", "placed", placed()), ("01T15:59", "check_in", {}), until="01T20:00")
    assert "01 19:45 page_worker 0" in told(result)


def test_at_one_instant_events_come_before_the_tick() -> None:
    for at, after in (("18:00", []), ("19:00", []), ("19:45", ["01 19:00 ask_carer"])):
        result = run(
            ("01T06:00", "placed", placed()), (f"01T{at}", "check_in", {}), until="02T10:00"
        )
        assert told(result) == after
        assert not any(
            row.at.hour == int(at[:2]) and row.at.minute == 0 for row in result.rows[2:3]
        )


def test_an_answer_closes_and_the_next_silence_is_a_new_one() -> None:
    result = run(("01T06:00", "placed", placed()), ("01T20:00", "check_in", {}), until="02T20:00")
    assert told(result) == [
        "01 19:00 ask_carer",
        "01 19:45 page_worker 0",
        "02 19:00 ask_carer",
        "02 19:45 page_worker 0",
    ]
    assert [alert.closed_at is not None for alert in result.alerts] == [True, False]


def eager() -> Policy:
    """The habit, calling adults from lower odds on."""
    mid = HABITUAL.tiers[Tier.MID]
    assert mid.steps.doubt is not None
    steps = replace(mid.steps, doubt=replace(mid.steps.doubt, page=0.03))
    return replace(HABITUAL, tiers={**HABITUAL.tiers, Tier.MID: replace(mid, steps=steps)})


def test_under_the_habit_the_sentence_says_what_is_usual_and_how_often_one_asked() -> None:
    twice = placed(rhythm={"at": ["09:00", "18:00"]})
    days = [(f"{d:02}T{at}", "check_in", {}) for d in range(1, 13) for at in ("08:55", "17:50")]
    days.remove(("10T17:50", "check_in", {}))
    result = run(("01T06:00", "placed", twice), *days, until="15T00:00", policy=eager())
    paged = [row for row in result.rows if row.level == "page_worker"]
    assert len(paged) == 1
    assert "usually answers 9 of 10 on time" in paged[0].reason
    assert re.search("carer asked [2-9] times, last", paged[0].reason)
    assert (
        datetime(2026, 6, 13, 12, tzinfo=UTC) < paged[0].at < datetime(2026, 6, 14, 6, tzinfo=UTC)
    )


def test_under_the_habit_who_answers_half_the_time_is_alerted_at_the_ceiling() -> None:
    days = [(f"{day:02}T17:50", "check_in", {}) for day in range(1, 24, 2)]
    result = run(("01T06:00", "placed", placed("low")), *days, until="28T00:00", policy=HABITUAL)
    paged = [row.at for row in result.rows if row.level == "page_worker"]
    assert paged == [datetime(2026, 6, 26, 17, 50, tzinfo=UTC)]


def test_further_misses_join_the_open_alert() -> None:
    rows = told(run(("01T06:00", "placed", placed()), until="05T00:00"))
    assert len([row for row in rows if "page_worker" in row]) == 1
    assert len([row for row in rows if "escalate" in row]) == 4


def test_a_child_without_a_carer_is_paged_when_late() -> None:
    rows = told(run(("01T06:00", "placed", placed(carer=False)), until="01T19:00"))
    assert rows == ["01 19:00 page_worker 0"]


# --- the carer


def asked(until: str, answer: str, after_s: float) -> dict[str, Any]:
    return {"until": f"2026-06-{until}:00Z", "by": "carer", "answer": answer, "after_s": after_s}


def test_not_seen_calls_adults_at_once() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T06:00", "if_asked", asked("02T00:00", "not_seen", 600)),
        until="01T19:30",
    )
    assert told(result) == ["01 19:00 ask_carer", "01 19:10 page_worker 0"]


def test_seen_settles_in_the_middle_tier_and_holds_in_the_high_one() -> None:
    said = ("01T06:00", "if_asked", asked("01T20:00", "seen", 300))
    assert told(run(("01T06:00", "placed", placed()), said, until="02T10:00")) == [
        "01 19:00 ask_carer"
    ]
    assert told(run(("01T06:00", "placed", placed("high")), said, until="02T01:00")) == [
        "01 18:30 ask_carer",
        "02 00:35 ask_carer",
        "02 00:50 page_worker 0",
    ]


@pytest.mark.parametrize(
    ("at", "until", "covers"),
    [
        ("01T19:00", "01T19:00", True),
        ("01T18:59", "01T18:59", False),
        ("01T06:00", "01T19:00", True),
        ("01T19:01", "01T20:00", False),
    ],
)
def test_an_answer_arrives_only_where_it_covers_the_question(
    at: str, until: str, covers: bool
) -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        (at, "if_asked", asked(until, "not_seen", 0)),
        until="01T19:30",
    )
    assert ("01 19:00 page_worker 0" in told(result)) == covers


def test_of_several_answers_that_cover_the_one_that_began_last_arrives() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T06:00", "if_asked", asked("03T00:00", "not_seen", 60)),
        ("01T12:00", "if_asked", asked("01T20:00", "seen", 60)),
        until="01T23:00",
    )
    assert told(result) == ["01 19:00 ask_carer"]


def test_an_answer_that_nobody_asks_for_never_arrives() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T06:00", "if_asked", asked("03T00:00", "not_seen", 60)),
        ("01T18:00", "check_in", {}),
        until="02T10:00",
    )
    assert told(result) == []


def test_a_link_used_after_a_day_no_longer_works() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T06:00", "if_asked", asked("03T00:00", "seen", 86_400)),
        until="03T00:00",
    )
    assert [alert.closed_at for alert in result.alerts] == [None]


# --- sightings, tiers, pauses, the end


@pytest.mark.parametrize(
    ("by", "tier", "settles"),
    [
        ("professional", "high", True),
        ("carer", "high", False),
        ("school", "high", False),
        ("carer", "mid", True),
        ("school", "low", True),
    ],
)
def test_who_settles_which_tier(by: str, tier: str, settles: bool) -> None:
    result = run(
        ("01T06:00", "placed", placed(tier)),
        ("01T17:50", "sighting", {"by": by}),
        until="02T10:00",
    )
    assert (result.alerts == []) == settles


def test_a_sighting_closes_an_open_alert_where_it_settles() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T20:00", "sighting", {"by": "school"}),
        until="01T23:00",
    )
    assert told(result) == ["01 19:00 ask_carer", "01 19:45 page_worker 0"]


def test_a_raised_tier_comes_sooner_and_a_lowered_one_not_later_for_what_is_under_way() -> None:
    raised = run(
        ("01T06:00", "placed", placed("low")),
        ("01T20:10", "tier", {"tier": "high"}),
        until="01T23:59",
    )
    assert told(raised)[:2] == ["01 20:00 ask_carer", "01 20:15 page_worker 0"]
    lowered = run(
        ("01T06:00", "placed", placed("mid")),
        ("01T19:10", "tier", {"tier": "low"}),
        until="01T23:59",
    )
    assert told(lowered)[:2] == ["01 19:00 ask_carer", "01 19:45 page_worker 0"]


def test_an_alert_that_opens_while_the_tier_changes_climbs_by_the_new_tier() -> None:
    result = run(
        ("01T06:00", "placed", placed(carer=False)),
        ("01T19:00", "tier", {"tier": "high"}),
        until="01T19:20",
    )
    assert told(result) == ["01 19:00 page_worker 0", "01 19:15 escalate 1"]


def test_an_agreed_absence_is_no_silence() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T10:00", "pause", {"until": "2026-06-03T10:00:00Z"}),
        until="03T16:00",
    )
    assert result.rows == []
    assert (
        run(
            ("01T06:00", "placed", placed()),
            ("01T10:00", "pause", {"until": "2026-06-03T10:00:00Z"}),
            until="03T20:00",
        ).alerts
        != []
    )


def test_after_the_end_nobody_is_told_and_a_new_placement_begins_anew() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T20:00", "ended", {}),
        ("03T06:00", "check_in", {"want": "help"}),
        ("04T06:00", "placed", placed("high")),
        ("04T23:00", "app_seen", {}),
    )
    assert told(result) == [
        "01 19:00 ask_carer",
        "01 19:45 page_worker 0",
        "04 18:30 ask_carer",
        "04 18:45 page_worker 0",
        "04 19:00 escalate 1",
        "04 19:15 escalate 2",
        "04 19:30 escalate 3",
        "04 19:45 suggest_report 3",
        "04 19:45 escalate 4",
    ]
    assert [watched.end is not None for watched in result.watched] == [True, False]


def test_a_second_placement_begins_anew() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T20:00", "placed", placed("high", rhythm={"at": ["09:00"]})),
        until="02T09:30",
    )
    assert told(result)[-1] == "02 09:30 ask_carer"
    assert result.alerts[0].closed_at is not None


def test_what_happens_after_the_end_of_the_time_is_read_and_not_replayed() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T18:30", "check_in", {}),
        ("09T06:00", "placed", placed("high")),
        until="01T18:10",
    )
    assert len(result.watched) == 1
    assert result.answers == {"mia": []}


def test_what_may_be_asked_can_be_said_before_the_placement() -> None:
    result = run(
        ("01T05:00", "if_asked", asked("03T00:00", "not_seen", 60)),
        ("01T06:00", "placed", placed()),
        until="01T19:01",
    )
    assert told(result) == ["01 19:00 ask_carer", "01 19:01 page_worker 0"]


def test_a_placement_anew_does_not_open_our_eyes() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T17:30", "blind", {"until": "2026-06-01T22:00:00Z"}),
        ("01T17:40", "placed", placed("high")),
        until="01T22:00",
    )
    assert {f"{row.at:%H:%M}" for row in result.rows} == {"17:00", "22:00"}


def test_an_answer_of_the_carer_waits_until_we_see_again() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T06:00", "if_asked", asked("03T00:00", "not_seen", 600)),
        ("01T19:05", "blind", {"until": "2026-06-01T19:30:00Z"}),
        until="01T19:40",
    )
    assert told(result) == ["01 19:00 ask_carer", "01 19:30 page_worker 0"]


# --- wishes


def test_help_calls_adults_at_once_by_the_intervals_of_the_high_tier() -> None:
    result = run(
        ("01T06:00", "placed", placed("low")),
        ("01T17:00", "check_in", {"want": "help"}),
        until="01T23:59",
    )
    assert told(result) == [
        "01 17:00 page_worker 0",
        "01 17:15 escalate 1",
        "01 17:30 escalate 2",
        "01 17:45 escalate 3",
        "01 18:00 suggest_report 3",
    ]


def test_a_duress_answer_looks_settled_and_calls_adults_at_once() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T17:30", "check_in", {"duress": True}),
        until="01T17:40",
    )
    assert told(result) == ["01 17:30 page_worker 0"]
    assert "not safe" in result.rows[-1].reason


def test_a_wish_to_talk_has_four_hours_of_daytime() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T18:00", "check_in", {"want": "talk"}),
        until="02T15:00",
    )
    assert told(result) == [
        "01 18:00 page_worker 0",
        "02 10:00 escalate 1",
        "02 14:00 escalate 2",
    ]


def test_a_further_call_for_help_reaches_the_next_rung_and_an_answer_without_it_closes() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T17:00", "check_in", {"want": "help"}),
        ("01T17:05", "check_in", {"want": "help"}),
        ("01T17:10", "check_in", {"want": "nothing"}),
        ("01T17:20", "check_in", {"want": "help"}),
        until="01T17:20",
    )
    assert told(result) == [
        "01 17:00 page_worker 0",
        "01 17:05 escalate 1",
        "01 17:20 page_worker 0",
    ]


# --- quiet hours, blindness


def test_reminders_are_withheld_at_night_and_alarms_are_not() -> None:
    result = run(("01T06:00", "placed", placed(rhythm={"at": ["22:15"]})), until="02T05:00")
    assert told(result, but="")[:3] == [
        "01 21:15 nudge_child",
        "01 23:15 ask_carer",
        "02 00:00 page_worker 0",
    ]


def test_a_reminder_that_quiet_hours_put_off_is_counted_if_it_still_comes() -> None:
    at_night = placed("low", rhythm={"at": ["22:15"]}, carer=False)
    answered = ("02T05:00", "check_in", {})
    quiet = AT_EACH_MISS.quiet
    for said, until, policy, counted in (
        # One comes at the end of the hours, however many waited.
        ([], "02T08:00", AT_EACH_MISS, (2, 1)),
        ([], "02T06:59", AT_EACH_MISS, (1, 0)),
        ([answered], "02T08:00", AT_EACH_MISS, (1, 0)),
        ([("02T05:00", "ended", {})], "02T08:00", AT_EACH_MISS, (1, 0)),
        # Other hours, and the supervisor reads what would change.
        ([], "02T08:00", replace(AT_EACH_MISS, quiet=replace(quiet, from_=time(23, 30))), (3, 0)),
    ):
        did = lookback.did(run(("01T06:00", "placed", at_night), *said, until=until, policy=policy))
        assert (did.reminders, did.waited) == counted, (said, until)


@given(st.lists(st.integers(0, 3 * 24 * 60), max_size=12), st.integers(0, 23), st.integers(0, 23))
def test_whatever_the_quiet_hours_they_move_reminders_and_no_alert(
    minutes: list[int], begin: int, end: int
) -> None:
    said: list[Said] = [("01T06:00", "placed", placed())]
    for at in sorted({START + 6 * HOUR + minute * MINUTE for minute in minutes}):
        said.append((f"{at:%dT%H:%M}", "check_in", {}))
    never = replace(AT_EACH_MISS, quiet=QuietHours(time(0), time(0)))
    hours = replace(AT_EACH_MISS, quiet=QuietHours(time(begin), time(end)))
    plain, held = (run(*said, until="06T00:00", policy=policy) for policy in (never, hours))
    assert lookback.told_of(plain) == lookback.told_of(held)
    before, after = lookback.did(plain), lookback.did(held)
    assert before.waited == 0
    assert after.waited <= len(held.waits) <= before.reminders
    assert after.reminders <= before.reminders


def test_quiet_hours_go_by_the_clock_of_the_child() -> None:
    result = run(
        ("01T06:00", "placed", placed(zone="Asia/Kathmandu", rhythm={"at": ["21:45"]})),
        until="01T16:45",
    )
    assert told(result, but="") == ["01 15:00 nudge_child", "01 16:00 nudge_child"]


def test_while_we_are_blind_nothing_is_said_and_afterwards_everything_at_once() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T16:00", "blind", {"until": "2026-06-01T21:00:00Z"}),
        until="01T22:00",
    )
    assert told(result, but="") == [
        "01 21:00 ask_carer",
        "01 21:00 page_worker 0",
        "01 21:00 nudge_child",
        "01 21:30 escalate 1",
        "01 22:00 escalate 2",
    ]
    assert "our server was down 16:00–21:00" in result.rows[1].reason


def test_what_is_said_while_we_are_blind_arrives_before_we_look() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T16:00", "blind", {"until": "2026-06-01T21:00:00Z"}),
        ("01T17:00", "check_in", {}),
        until="01T22:00",
    )
    assert result.rows == []
    assert result.answers["mia"] == [datetime(2026, 6, 1, 21, tzinfo=UTC)]


def test_a_rung_that_passes_while_we_are_blind_is_called_at_the_end() -> None:
    result = run(
        ("01T06:00", "placed", placed()),
        ("01T19:50", "blind", {"until": "2026-06-01T20:50:00Z"}),
        until="01T21:15",
    )
    assert told(result) == [
        "01 19:00 ask_carer",
        "01 19:45 page_worker 0",
        "01 20:50 escalate 1",
        "01 20:50 escalate 2",
        "01 21:15 escalate 3",
    ]


def test_a_blind_interval_without_a_child_is_everybodys() -> None:
    rows = [
        "child,at,kind,detail",
        *(f'{c},2026-06-01T06:00:00Z,placed,"{quoted(placed())}"' for c in ("ada", "mia")),
        ',2026-06-01T19:30:00Z,blind,"{""until"":""2026-06-01T20:00:00Z""}"',
        f'noor,2026-06-01T19:40:00Z,placed,"{quoted(placed(rhythm={"at": ["19:45"]}))}"',
        "mia,2026-06-01T19:45:00Z,check_in,{}",
    ]
    end = START + 20 * HOUR
    result = replay(events_of(io.StringIO("\n".join(rows))), AT_EACH_MISS, end)
    assert [(r.child, r.level) for r in result.rows if r.at == end] == [
        ("ada", "page_worker"),
        ("noor", "nudge_child"),
    ]


def quoted(detail: dict[str, Any]) -> str:
    return json.dumps(detail).replace('"', '""')


# --- against a second replay that looks every minute

kinds = st.sampled_from(["check_in", "check_in", "sighting", "tier", "pause", "if_asked", "blind"])
details = st.fixed_dictionaries(
    {
        "want": st.sampled_from(["nothing", "nothing", "talk", "help"]),
        "by": st.sampled_from(["professional", "carer", "school"]),
        "tier": st.sampled_from(["high", "mid", "low"]),
        "answer": st.sampled_from(["seen", "not_seen"]),
        "minutes": st.integers(1, 1500),
        "after": st.integers(0, 1600),
    }
)


@st.composite
def lives(draw: st.DrawFn) -> list[Said]:
    at = START + 6 * HOUR
    rhythm = draw(st.sampled_from([["18:00"], ["07:30", "19:00"], ["08:00", "08:30", "21:30"]]))
    carer, tier = draw(st.booleans()), draw(st.sampled_from(["high", "mid", "low"]))
    zone = draw(st.sampled_from(["UTC", "Europe/Paris", "Asia/Kathmandu"]))
    said: list[Said] = [
        (stamp(at), "placed", placed(tier, rhythm={"at": rhythm}, carer=carer, zone=zone))
    ]
    for kind, detail, gap in draw(
        st.lists(st.tuples(kinds, details, st.integers(0, 700)), max_size=14)
    ):
        at += gap * MINUTE
        until = f"2026-06-{stamp(at + detail['minutes'] * MINUTE)}:00Z"
        by = "carer" if kind == "if_asked" else detail["by"]
        said.append(
            (
                stamp(at),
                kind,
                {**detail, "by": by, "until": until, "after_s": detail["after"] * 60},
            )
        )
    if draw(st.booleans()):
        said.append((stamp(at + HOUR), "ended", {}))
    return said


def stamp(at: datetime) -> str:
    return f"{at:%dT%H:%M}"


@many
@given(lives())
def test_it_says_what_a_replay_that_looks_every_minute_says(said: list[Said]) -> None:
    events = list(events_of(file_of(said)))
    until = events[-1].at + 30 * HOUR
    plain = Plain(AT_EACH_MISS, "mia").run(events, until)
    shown = [
        (row.at, row.child, row.level, row.rung) for row in replay(events, AT_EACH_MISS, until).rows
    ]
    assert sorted(shown) == sorted(plain)


@many
@given(st.lists(lives(), min_size=2, max_size=4), st.integers(0, 3))
def test_children_do_not_touch_each_other(many_said: list[list[Said]], alone: int) -> None:
    files = {f"c{n}": list(events_of(file_of(said, f"c{n}"))) for n, said in enumerate(many_said)}
    together = sorted((event for events in files.values() for event in events), key=by_time)
    until = together[-1].at + HOUR
    one = f"c{alone % len(files)}"
    rows = [row for row in replay(together, AT_EACH_MISS, until).rows if row.child == one]
    assert rows == replay(files[one], AT_EACH_MISS, until).rows


def by_time(event: Event) -> datetime:
    return event.at


# --- the file


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("mia,2026-06-01T06:00:00Z,nap,{}", "kind"),
        ("mia,yesterday,check_in,{}", "at"),
        ("mia,2026-06-01T06:00:00,check_in,{}", "at"),
        ("mia,2026-06-01T06:00:00+02:00,check_in,{}", "at"),
        ("mia,2026-02-30T06:00:00Z,check_in,{}", "at"),
        ("mia,9999-12-31T06:00:00Z,check_in,{}", "at"),
        ("mia,2026-05-31T06:00:00Z,check_in,{}", "earlier"),
        ("mia,2026-06-01T06:00:00Z,check_in,", "detail"),
        ("mia,2026-06-01T06:00:00Z,check_in,[]", "detail"),
        ("mia,2026-06-01T06:00:00Z,check_in,{", "detail"),
        ('mia,2026-06-01T06:00:00Z,check_in,"{""want"":""pizza""}"', "want"),
        ('mia,2026-06-01T06:00:00Z,check_in,"{""mood"":6}"', "mood"),
        ('mia,2026-06-01T06:00:00Z,check_in,"{""mood"":""3""}"', "mood"),
        ('mia,2026-06-01T06:00:00Z,check_in,"{""duress"":1}"', "duress"),
        ("mia,2026-06-01T06:00:00Z,sighting,{}", "by"),
        ('mia,2026-06-01T06:00:00Z,sighting,"{""by"":""child""}"', "by"),
        ('mia,2026-06-01T06:00:00Z,tier,"{""tier"":""top""}"', "tier"),
        ("mia,2026-06-01T06:00:00Z,observation,{}", "sign"),
        ('mia,2026-06-01T06:00:00Z,milestone,"{""what"":""birthday""}"', "what"),
        ('mia,2026-06-01T06:00:00Z,pause,"{""until"":""2026-06-01T06:00:00Z""}"', "until"),
        ('mia,2026-06-01T06:00:00Z,blind,"{""until"":""soon""}"', "until"),
        (",2026-06-01T06:00:00Z,check_in,{}", "child"),
        ("mia,2026-06-01T06:00:00Z,check_in", "fields"),
        ("mia,2026-06-01T06:00:00Z,check_in,{},{}", "fields"),
        ('mia,2026-06-01T06:00:00Z,check_in,"{', "CSV"),
    ],
)
def test_a_bad_row_stops_it_and_its_line_is_named(row: str, fault: str) -> None:
    text = f"child,at,kind,detail\nmia,2026-06-01T06:00:00Z,app_seen,{{}}\n{row}\n"
    with pytest.raises(Refused) as refused:
        list(events_of(io.StringIO(text)))
    assert "Line 3" in refused.value.detail
    assert fault in refused.value.detail


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"tier": "extreme"}, "tier"),
        ({"rhythm": {"at": ["18:00"], "each": 2}}, "rhythm.each"),
        ({"rhythm": {"at": ["25:00"]}}, "rhythm.at"),
        ({"rhythm": {"at": ["18:00"], "rrule": "FREQ=HOURLY"}}, "rhythm.rrule"),
        ({"rhythm": {"at": ["18:00"], "rrule": {"18:00": "FREQ=DAILY;COUNT=1"}}}, "rhythm.rrule"),
        ({"rhythm": ["18:00"]}, "rhythm"),
        ({"carer": "yes"}, "carer"),
        ({"carer": None}, "carer"),
        ({"phone": 7}, "phone"),
    ],
)
def test_a_placement_that_is_wrong_stops_it(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(Refused) as refused:
        run(("01T06:00", "placed", placed(**change)))
    assert refused.value.detail.startswith("Line 2")
    assert fault in refused.value.detail


@pytest.mark.parametrize(
    ("detail", "fault"),
    [
        ({"until": "2026-05-01T00:00:00Z"}, "until"),
        ({"by": "nobody"}, "by"),
        ({"by": "school"}, "answer"),
        ({"answer": "perhaps"}, "answer"),
        ({"after_s": -1}, "after_s"),
        ({"after_s": "soon"}, "after_s"),
    ],
)
def test_an_answer_that_is_wrong_stops_it(detail: dict[str, Any], fault: str) -> None:
    with pytest.raises(Refused) as refused:
        run(("01T06:00", "if_asked", asked("02T00:00", "seen", 60) | detail))
    assert fault in refused.value.detail


def test_other_keys_empty_lines_and_a_byte_order_mark_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(
        b"\xef\xbb\xbfchild,at,kind,detail\r\n\r\n"
        b'mia,2026-06-01T06:00:00.250Z,check_in,"{""weather"":""rain"",""want"":null}"\r\n'
    )
    assert main(["replay", str(path), "--alerts", str(tmp_path / "alerts.csv")]) == 0
    assert (tmp_path / "alerts.csv").read_bytes() == b"child,at,level,rung,reason\n"


def test_what_is_not_utf_8_stops_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(b"child,at,kind,detail\nmi\xff,2026-06-01T06:00:00Z,check_in,{}\n")
    assert main(["replay", str(path), "--alerts", str(tmp_path / "alerts.csv")]) == 1
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "child,at,kind\n", "at,child,kind,detail\n"])
def test_another_header_stops_it(text: str) -> None:
    with pytest.raises(Refused) as refused:
        list(events_of(io.StringIO(text)))
    assert "Line 1" in refused.value.detail


def test_a_pause_beyond_which_nothing_is_due_names_its_line() -> None:
    with pytest.raises(Refused) as refused:
        run(
            ("01T06:00", "placed", placed()),
            ("01T07:00", "pause", {"until": "2029-06-01T00:00:00Z"}),
        )
    assert refused.value.detail.startswith("Line 3: ")


# --- the command


def test_the_command_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text(
        file_of(
            [
                ("01T06:00", "placed", placed()),
                ("01T20:00", "check_in", {"mood": 2}),
                ("02T12:00", "observation", {"sign": "packed_bag"}),
                ("02T13:00", "milestone", {"what": "refusal"}),
                ("02T14:00", "prompt_failed", {}),
            ]
        ).getvalue()
    )
    written = []
    for name in ("one.csv", "two.csv"):
        path = tmp_path / name
        words = ["replay", str(events), "--alerts", str(path), "--until", "2026-06-02T19:45:00Z"]
        words += ["--policy", "policies/each-miss.toml"]
        assert main(words) == 0
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert b"\r" not in written[0]
    rows = list(csv.DictReader(io.StringIO(written[0].decode())))
    assert rows[0] == {
        "child": "mia",
        "at": "2026-06-01T17:00:00Z",
        "level": "nudge_child",
        "rung": "",
        "reason": "Your check-in is due 18:00.",
    }
    assert rows[-1]["at"] == "2026-06-02T19:45:00Z"
    assert rows[-1]["level"] == "page_worker"
    assert rows[-1]["reason"] == (
        "No answer since 18:00, last answer yesterday 20:00; reminder did not arrive,"
        " carer asked 19:00, no answer yet, our server was not down."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.csv", "one.csv", "two.csv"]


def test_a_policy_file_says_only_what_differs(tmp_path: Path) -> None:
    events, policy, alerts = (tmp_path / name for name in ("e.csv", "p.toml", "a.csv"))
    events.write_text(file_of([("01T06:00", "placed", placed())]).getvalue())
    plain = 'habit = "never"\nlast_call = "never"\n'
    policy.write_text(f'[mid]\ngrace = "30m"\ncarer_window = "10m"\n{plain}')
    words = ["replay", str(events), "--policy", str(policy), "--alerts", str(alerts)]
    assert main([*words, "--until", "2026-06-01T18:40:00Z"]) == 0
    assert "mia,2026-06-01T18:40:00Z,page_worker,0," in alerts.read_text()


def test_a_policy_file_that_changes_one_number_keeps_the_rest_of_what_ships(
    tmp_path: Path,
) -> None:
    events, policy = tmp_path / "e.csv", tmp_path / "p.toml"
    events.write_text(file_of([("01T06:00", "placed", placed())]).getvalue())
    policy.write_text("[together]\nchildren = 4\n")
    words = ["replay", str(events), "--until", "2026-06-04T18:00:00Z", "--alerts"]
    as_shipped, by_file = tmp_path / "shipped.csv", tmp_path / "file.csv"
    assert main([*words, str(as_shipped)]) == 0
    assert main([*words, str(by_file), "--policy", str(policy)]) == 0
    assert by_file.read_bytes() == as_shipped.read_bytes()
    assert b"page_worker" in as_shipped.read_bytes()


def test_a_policy_file_changes_one_number_of_a_habit(tmp_path: Path) -> None:
    policy = tmp_path / "p.toml"
    policy.write_text("[mid.habit]\nask = 0.01\n")
    steps = HABITUAL.tiers[Tier.MID].steps
    assert steps.doubt is not None
    changed = replace(steps, doubt=replace(steps.doubt, ask=0.01))
    expected = {**HABITUAL.tiers, Tier.MID: replace(HABITUAL.tiers[Tier.MID], steps=changed)}
    assert read_policy(policy) == replace(HABITUAL, tiers=expected)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[mid]\ngrace = "soon"\n', "mid.grace"),
        ('[mid]\npatience = "1h"\n', "mid.patience"),
        ("mid = 3\n", "mid"),
        ("[weekend]\n", "weekend"),
        ("[mid\n", "TOML"),
    ],
)
def test_a_bad_policy_is_one_clear_line(
    text: str, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, policy, alerts = (tmp_path / name for name in ("e.csv", "p.toml", "a.csv"))
    events.write_text(file_of([("01T06:00", "placed", placed())]).getvalue())
    policy.write_text(text)
    assert main(["replay", str(events), "--policy", str(policy), "--alerts", str(alerts)]) == 1
    said = capsys.readouterr().err
    assert fault in said
    assert said.count("\n") == 1
    assert not alerts.exists()


def test_bad_events_leave_no_file_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events, alerts = tmp_path / "e.csv", tmp_path / "a.csv"
    events.write_text("child,at,kind,detail\nmia,now,check_in,{}\n")
    assert main(["replay", str(events), "--alerts", str(alerts)]) == 1
    assert capsys.readouterr().err.startswith("Line 2: ")
    assert main(["replay", str(tmp_path / "none.csv"), "--alerts", str(alerts)]) == 1
    assert "none.csv" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["e.csv"]


def test_alerts_may_go_to_the_terminal(tmp_path: Path) -> None:
    events = tmp_path / "e.csv"
    events.write_text(file_of([("01T06:00", "placed", placed())]).getvalue())
    assert main(["replay", str(events), "--alerts", "/dev/null"]) == 0
    assert Path("/dev/null").exists()
