"""A session that ends while a person writes costs them no word."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import pytest

from server.auth.rules import NIGHT_IDLE, STAFF_IDLE
from tests.cast import Cast

WORDS = "Seen at the harbour, <with> a friend & well."


def typed(page: str) -> dict[str, str]:
    """The fields that the page sends again."""
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in hidden}


async def refused(cast: Cast, path: str, fields: dict[str, str]) -> tuple[int, str]:
    """What Tom reads who was away from the form for too long."""
    async with cast.browser_as("tom") as browser:
        await browser.get("/desk/me")
        cast.clock.advance(seconds=STAFF_IDLE.total_seconds() + 1)
        answer = await browser.post(path, data=fields)
    return answer.status_code, answer.text


async def test_what_was_typed_is_on_the_page_that_says_the_session_has_ended(cast: Cast) -> None:
    path, fields = f"/desk/children/{cast.mia.id}/sighting", {"id": str(uuid4()), "words": WORDS}
    status, page = await refused(cast, path, fields)
    assert status == 401
    assert "You are signed out" in page
    assert "<with>" not in page
    assert typed(page) == fields
    assert f'action="{path}"' in page


async def test_after_signing_in_again_it_is_sent_from_there(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/sighting"
    fields = {"id": str(uuid4()), "answer": "seen", "ago": "now", "at": "", "words": WORDS}
    _, page = await refused(cast, path, fields)
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        answer = await browser.post(path, data=typed(page))
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/desk/settings/password", {"old": "an old one", "password": "a new one"}),
        ("/desk/again", {"password": "the only one"}),
    ],
)
async def test_no_secret_is_shown_again(cast: Cast, path: str, fields: dict[str, str]) -> None:
    _, page = await refused(cast, path, fields)
    assert not any(value in page for value in fields.values())


async def test_a_long_form_with_a_code_comes_back_without_the_code_alone(cast: Cast) -> None:
    path, code = f"/desk/children/{cast.mia.id}/transfer", "QXZ7 KWPV"
    fields = {"id": str(uuid4()), "code": code, "why": WORDS, "child_says": "Nearer to my aunt"}
    status, page = await refused(cast, path, fields)
    assert status == 401
    assert code not in page
    assert "We do not keep codes or passwords." in page
    del fields["code"]
    assert typed(page) == fields
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        form = await browser.get(path)
        again = await browser.post(path, data=typed(page))
    assert "data-keeps" in form.text
    assert again.status_code == 404, "no agency has this code"
    assert 'id="code-error"' in again.text
    assert "friend &amp; well." in again.text
    assert "Nearer to my aunt" in again.text


async def test_a_program_gets_the_problem_and_other_sites_get_nothing(cast: Cast) -> None:
    path, fields = f"/desk/children/{cast.mia.id}/sighting", {"words": WORDS}
    async with cast.client(headers={"sec-fetch-site": "same-origin"}) as program:
        answer = await program.post(path, data=fields)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    async with cast.client(headers={"accept": "text/html", "sec-fetch-site": "cross-site"}) as site:
        answer = await site.post(path, data=fields)
    assert answer.status_code == 403
    assert "harbour" not in answer.text


async def test_each_page_knows_after_how_long_its_session_ends(cast: Cast) -> None:
    async with cast.browser_as("tom") as browser:
        page = (await browser.get("/desk/me")).text
    assert f'data-after="{STAFF_IDLE.seconds}"' in page
    assert NIGHT_IDLE < STAFF_IDLE
