"""Telephone numbers as tired people type and paste them, from the form to the link that calls."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from server.alerts.models import Alert
from server.inbound.models import Texting
from server.missing.profile.actions import put
from server.people.models import Agency, Home, Person
from server.people.rules import Role
from tests.cast import Cast
from tests.desk.walking import at, at_desk, run_until

# As a list of contacts gives it: with marks that turn the line, and narrow spaces.
PASTED = "\u202a+33\u202f6\xa000\u202f00\u202f00\u202f02\u202c"
KEPT = "+33 6 00 00 00 02"
NO_NUMBERS = ("her brother has it", "1-----", "+", "12", "06 12 34 56 78 (mother)", "1" * 16)


async def forms(cast: Cast) -> list[tuple[str, str, dict[str, str], str]]:
    """Who types it, the form, what else is in it, and the name of the field."""
    home = await Home.get(id=cast.children["mia"].home_id)
    agency = {"name": "Harbour", "display_name": "Diary", "language": "en", "zone": home.zone}
    words = {"ok": "green tree", "help": "red house", "channel": "sms"}
    both = {"channels": {"sms": "json://x"}, "inbound": {"sms": ("a key",)}}
    cast.app.state.settings = replace(cast.app.state.settings, **both)
    return [
        ("sam", "/desk/settings/phone", {}, "phone"),
        ("root", f"/desk/people/homes/{home.id}", {"name": home.name, "zone": home.zone}, "phone"),
        ("root", "/desk/people/agency", agency, "help_phone"),
        ("tom", f"/desk/children/{cast.mia.id}/without-app/words", words, "number"),
        ("ines", "/desk/settings/addresses", {"channel": "sms"}, "address"),
    ]


async def test_a_number_that_was_pasted_is_taken_by_every_form(cast: Cast) -> None:
    for name, path, form, field in await forms(cast):
        async with at_desk(cast, name) as browser:
            answer = await browser.post(path, data={**form, field: PASTED})
        assert answer.status_code == 303, (path, answer.text)
    assert (await Person.get(id=cast.sam.id)).phone == KEPT
    assert (await Home.get(id=cast.children["mia"].home_id)).phone == KEPT
    assert (await Agency.get(id=cast.agency.id)).help_phone == KEPT
    assert (await Texting.get(child_id=cast.mia.id)).number == "+33600000002"


async def test_what_is_no_number_comes_back_with_its_words(cast: Cast) -> None:
    for name, path, form, field in await forms(cast):
        for text in NO_NUMBERS:
            async with at_desk(cast, name) as browser:
                answer = await browser.post(path, data={**form, field: text})
            assert answer.status_code == 422, (path, text)
            assert f'value="{text}"' in answer.text, (path, text)
            assert 'role="alert"' in answer.text, (path, text)


async def test_a_number_for_texts_is_the_one_that_texts_come_from(cast: Cast) -> None:
    """ "(0)" is dialled only inside the country: with it, no text of the child is ever theirs."""
    path = f"/desk/children/{cast.mia.id}/without-app/words"
    form = {"ok": "green tree", "help": "red house", "channel": "sms"}
    await forms(cast)
    async with at_desk(cast, "tom") as browser:
        await browser.post(path, data={**form, "number": "+33 (0)6 00 00 00 02"})
    assert (await Texting.get(child_id=cast.mia.id)).number == "+33600000002"


@pytest.mark.parametrize(
    ("written", "links", "words"),
    [
        (PASTED, ["tel:+33600000002"], None),
        ("06 12 34 56 78 / 07 11 22 33 44", ["tel:0612345678", "tel:0711223344"], "whole"),
        ("mother, after 8: 06 12 34 56 78", ["tel:0612345678"], "whole"),
        ("her brother has it", [], "whole"),
    ],
)
async def test_every_number_in_the_grab_pack_calls_and_its_words_stay(
    cast: Cast, written: str, links: list[str], words: str | None
) -> None:
    tom, mia = cast.actor("tom"), cast.children["mia"]
    given = {"phone_number": written}
    await put(tom, mia, [Role.CASEWORKER], base=0, given=given, now=cast.clock())
    await run_until(cast, at(19, 50))
    alert = await Alert.get(child_id=cast.mia.id, closed_at__isnull=True)
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/alerts/{alert.id}/numbers")).text
    assert [link for link in links if f'href="{link}"' in page] == links
    assert page.count("tel:") == len(links)
    assert (f"<bdi>{written}</bdi>" in page) is (words is not None)


async def test_the_link_without_the_app_calls_a_number_that_is_written_for_home(cast: Cast) -> None:
    await Agency.filter(id=cast.agency.id).update(help_phone="+33 (0)1 99 00 12 34")
    path = f"/desk/children/{cast.mia.id}/without-app"
    async with at_desk(cast, "tom") as browser:
        made = await browser.post(f"{path}/links", data={"days": "7"})
        shown = (await browser.get(made.headers["location"])).text
    link = re.search(r"/c/([\w.-]+)", shown)[1]  # type: ignore[index]
    async with cast.client() as stranger:
        page = (await stranger.get(f"/c/{link}")).text
    assert 'href="tel:+33199001234"' in page
