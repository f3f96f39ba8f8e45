"""Places of the project in the address of the desk's page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pwa.test_merge import run_node

GOAL = "f787a240-80e7-5878-a89f-7332c35b965f"


def read(*fragments: str) -> list[Any]:
    answer: dict[str, list[Any]] = run_node(
        "address.mjs", {"places": [], "fragments": list(fragments)}
    )
    return answer["places"]


@pytest.mark.parametrize(
    ("place", "about", "fragment"),
    [
        ("project", {}, ""),
        ("children", {}, ""),
        ("goal", {"id": GOAL}, f"#goal={GOAL}"),
        ("step", {"id": GOAL}, f"#step={GOAL}"),
        ("review", {}, "#review"),
        ("talk", {"begin": "1"}, "#talk&begin=1"),
        (
            "edit",
            {"entity": "goal", "id": GOAL, "field": "why"},
            f"#edit={GOAL}&entity=goal&field=why",
        ),
        (
            "compare",
            {"from": "3", "at": "2026-03-10T20:45:00.000Z"},
            "#compare&from=3&at=2026-03-10T20%3A45%3A00.000Z",
        ),
    ],
)
def test_a_place_has_an_address_that_leads_back_to_it(
    place: str, about: dict[str, str], fragment: str
) -> None:
    answer = run_node("address.mjs", {"places": [[place, about]], "fragments": [fragment]})
    assert answer["fragments"] == [fragment]
    assert answer["places"] == [{"place": place, "about": about} if fragment else None]


def test_an_address_that_no_screen_of_ours_makes_leads_to_the_overview() -> None:
    nonsense = [
        "#",
        "#children",
        "#help",
        "#__proto__=x",
        "#goal=<b>bold</b>",
        "#edit=1&field=say%20something%20in%20words!",
        f"#goal={'9' * 90}",
        "#=&&==",
    ]
    assert read(*nonsense) == [None] * len(nonsense)
