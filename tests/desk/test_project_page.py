"""The frame of the life project at the desk; what is inside is the phone's, and tested there."""

from __future__ import annotations

import pytest

from server.audit.models import Entry
from tests.cast import Cast
from tests.desk.walking import at_desk


def path(cast: Cast, child: str = "mia") -> str:
    return f"/desk/children/{cast.persons[child].id}/project"


@pytest.mark.parametrize(
    ("who", "child", "role"),
    [
        ("tom", "mia", "caseworker"),
        ("ines", "mia", "supervisor"),
        ("ada", "noor", "guardian"),
        ("sam", "mia", "carer"),
    ],
)
async def test_the_frame_says_whose_project_it_is_and_as_what_one_reads_it(
    cast: Cast, who: str, child: str, role: str
) -> None:
    async with at_desk(cast, who) as browser:
        page = (await browser.get(path(cast, child))).text
    assert f'data-child="{cast.persons[child].id}"' in page
    assert f'data-role="{role}"' in page
    assert f'data-person="{cast.persons[who].id}"' in page
    # A carer has no page about the child: the way back is the board.
    above = "/desk/" if role == "carer" else f"/desk/children/{cast.persons[child].id}"
    assert f'<p class="back"><a href="{above}">' in page


@pytest.mark.parametrize("who", ["eve", "root"])
async def test_to_a_stranger_there_is_no_project(cast: Cast, who: str) -> None:
    async with at_desk(cast, who) as browser:
        answer = await browser.get(path(cast))
    assert answer.status_code == 404
    assert "Mia" not in answer.text


async def test_the_frame_holds_nothing_but_the_name_and_is_no_look(cast: Cast) -> None:
    async with at_desk(cast, "tom") as browser:
        await browser.get(path(cast))
    assert not await Entry.filter(child_id=cast.mia.id, what__startswith="look").exists()


async def test_the_childs_page_leads_there_and_no_other_page_carries_its_script(
    cast: Cast,
) -> None:
    async with at_desk(cast, "tom") as browser:
        child = (await browser.get(f"/desk/children/{cast.mia.id}/plan")).text
        board = (await browser.get("/desk/")).text
    assert path(cast) in child
    assert "/app/#with=" + str(cast.mia.id) not in child
    assert "/assets/app-" not in child + board
