"""Late tasks in a few words: none is called what it is not."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from server.tasks.late_words import in_short
from server.tasks.rules import OF_A_SEARCH, Kind


@given(st.lists(st.sampled_from(Kind), max_size=12))
def test_each_late_task_is_counted_once(kinds: list[Kind]) -> None:
    said = in_short(kinds, "en")
    numbers = [int(part.split()[0]) for part in said.split(", ")] if said else []
    assert sum(numbers) == len(kinds)
    assert numbers == [] or min(numbers) > 0


def test_only_meetings_are_called_meetings() -> None:
    meetings = {kind for kind in Kind if "meeting" in in_short([kind], "en")}
    assert meetings == {Kind.REVIEW, Kind.PLAN_REVIEW} | {
        Kind.STRATEGY_72H,
        Kind.STRATEGY_7D,
        Kind.STRATEGY_14D,
        Kind.STRATEGY_28D,
        Kind.STRATEGY_3IN30,
    }


def test_every_sort_of_task_has_its_sentence() -> None:
    sentences = Counter(in_short([kind], "en") for kind in Kind)
    for kind, says in (
        (Kind.PACK, "1 grab pack is not checked yet"),
        (Kind.ADVOCATE_WISH, "1 question about the advocate waits"),
        (Kind.TRANSFER, "1 transfer has no answer yet"),
        (Kind.END, "1 life project needs a decision"),
        (Kind.HANDOVER_READ, "1 search handover is late"),
        (Kind.MEDICAL, "1 step after the return is late"),
    ):
        assert in_short([kind], "en") == says
    assert len(sentences) == 13
    assert in_short([Kind.STEP, Kind.STEP, Kind.REPLY], "en") == (
        "2 promises are late, 1 answer is late"
    )
    assert {in_short([kind], "en") for kind in OF_A_SEARCH} == {
        "1 step of the search is late",
        "1 meeting is late",
    }
