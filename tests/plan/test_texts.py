"""Every text of a project has one limit, wherever it is written."""

from __future__ import annotations

from uuid import uuid4

import pytest

from server.plan import shape
from tests.cast import Cast
from tests.plan.said import Phone
from tests.plan.test_paper import text_of

WORDS = "the uncle's house ع"
LONG = ("long" * 5_000)[: shape.LONGEST_TEXT]


def _takes(read: shape.Read, value: object) -> bool:
    try:
        return bool(read(value) == value)
    except (TypeError, ValueError):
        return False


TEXTS = [
    (entity, name)
    for entity, fields in shape.FIELDS.items()
    for name, read in fields.items()
    if _takes(read, WORDS) or _takes(read, [WORDS])
]


def test_the_texts_that_outsiders_rely_on_are_among_them() -> None:
    assert {("area", "name"), ("life_project", "countries"), ("agreement", "interpreter")} <= {
        *TEXTS
    }


@pytest.mark.parametrize(("entity", "name"), TEXTS)
def test_each_text_takes_at_most_twenty_thousand_letters(entity: str, name: str) -> None:
    read = shape.FIELDS[entity][name]
    assert len(LONG) == 20_000
    if _takes(read, [WORDS]) and not _takes(read, WORDS):
        assert _takes(read, [LONG])
        assert not _takes(read, [f"{LONG}x"])
        return
    assert _takes(read, LONG)
    # A choice holds the value of any other field, which is looked at as that field's.
    assert not _takes(read, f"{LONG}x") or (entity, name) == ("choice", "value")


async def test_long_names_go_in_and_stand_on_paper_to_their_end(cast: Cast) -> None:
    mia = Phone(cast, "mia")
    area, end = str(uuid4()), " the very end"
    long = LONG[: -len(end)] + end
    broken = ("a long name " * 2_000)[: 20_000 - len(end)] + end
    said = [
        mia.say("area", area, "*", {"kind": "own", "name": long}),
        mia.say("area", str(uuid4()), "*", {"kind": "own", "name": broken}),
        mia.say("life_project", str(mia.cast.mia.id), "countries", [long, "Italy"]),
        mia.say("life_project", str(mia.cast.mia.id), "summary", "Short"),
        mia.make(
            "agreement", revision=4, decision="agree", method="tap", language=long, interpreter=long
        ),
    ]
    assert await mia.sync(*said) == ["applied"] * len(said)
    project = await mia.project()
    assert {one["name"] for one in project["areas"]} == {long, broken}
    assert project["countries"] == [long, "Italy"]
    answer = await mia.client.get("/api/v1/project.pdf")
    assert answer.status_code == 200
    assert text_of(answer.content).count("the very end") >= 2
