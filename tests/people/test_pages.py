"""The pages of people and doors: they render in every language, and forms say what is wrong."""

from __future__ import annotations

import re

import httpx2
import pytest

from server.auth.models import Credential
from server.notify.models import Address
from server.people.models import Person, Tie
from tests.cast import Cast, password_of


async def pages_of(cast: Cast) -> list[tuple[str, str]]:
    """Every page to read, with somebody who may read it."""
    child = f"/desk/children/{cast.mia.id}"
    return [
        ("root", "/desk/people"),
        ("root", "/desk/people/new"),
        ("root", f"{child}/ties"),
        ("ines", f"{child}/ties"),
        ("tom", f"{child}/ties"),
        ("tom", f"{child}/devices"),
        ("ines", f"{child}/devices"),
        ("tom", f"{child}/invite"),
        ("ada", "/desk/settings"),
        ("tom", "/desk/settings/password"),
    ]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_every_page_renders_in_every_language(cast: Cast, language: str) -> None:
    await Person.filter(agency_id=cast.agency.id).update(language=language)
    for name, path in await pages_of(cast):
        async with cast.browser_as(name) as browser:
            answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert f'lang="{language}"' in answer.text
        assert ('dir="rtl"' in answer.text) is (language == "ar")
        assert answer.text.count("<h1") == 1
        # The policy allows neither; a page that has one is broken in a browser.
        assert not re.search(r"<style|style=|<script(?! type=\"module\" src)|\son\w+=", answer.text)
        assert answer.headers["cache-control"] == "no-store"


async def test_the_front_door_shows_the_sign_in_in_the_browsers_language(cast: Cast) -> None:
    async with cast.client(headers={"accept": "text/html", "accept-language": "ar"}) as stranger:
        answer = await stranger.get("/")
        assert 'dir="rtl"' in answer.text
        answer = await stranger.get("/?language=fr")
        assert 'lang="fr"' in answer.text
        assert "aymark" not in answer.text


@pytest.mark.parametrize(("name", "home"), [("mia", "/app/"), ("tom", "/desk/"), ("sam", "/desk/")])
async def test_the_front_door_leads_home(cast: Cast, name: str, home: str) -> None:
    async with cast.browser_as(name) as browser:
        answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_a_reader_who_is_not_in_comes_back_to_the_page_after_signing_in(cast: Cast) -> None:
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    async with cast.client(headers=headers) as browser:
        sent = await browser.get("/desk/settings?x=1")
        assert sent.status_code == 303
        assert sent.headers["location"] == "/?next=/desk/settings%3Fx%3D1"
        form = await browser.get(sent.headers["location"])
        (next_,) = set(re.findall(r'name="next" value="([^"]*)"', form.text))
        done = await browser.post(
            "/sign-in", data={"name": "tom", "password": password_of("tom"), "next": next_}
        )
        assert (done.status_code, done.headers["location"]) == (303, "/desk/settings?x=1")
        (session,) = [one for one in done.headers.get_list("set-cookie") if one.startswith("s=")]
        assert "Max-Age" not in session
        assert (await browser.get("/desk/settings")).status_code == 200
        out = await browser.post("/sign-out")
        assert out.headers["location"] == "/"
        assert (await browser.get("/desk/settings")).status_code == 303


@pytest.mark.parametrize(
    "next_",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/x"],
)
async def test_no_other_site_is_where_one_lands(cast: Cast, next_: str) -> None:
    async with cast.client(headers={"accept": "text/html"}) as browser:
        done = await browser.post(
            "/sign-in", data={"name": "tom", "password": password_of("tom"), "next": next_}
        )
    assert done.headers["location"] == "/desk/"


async def test_a_wrong_password_keeps_the_name_and_says_so(cast: Cast) -> None:
    async with cast.client(headers={"accept": "text/html"}) as browser:
        answer = await browser.post("/sign-in", data={"name": "tom<b>", "password": "wrong one"})
    assert answer.status_code == 401
    assert "Name or password is wrong" in answer.text
    assert 'value="tom&lt;b&gt;"' in answer.text
    assert "wrong one" not in answer.text


async def test_an_invitation_shows_code_link_and_picture_once(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/invite"
    async with cast.browser_as("tom") as tom:
        answer = await tom.post(path, data={"replace": ""})
        assert answer.status_code == 201
        (link,) = re.findall(r'value="(http://localhost:8000/app/#pair=\w{8})"', answer.text)
        code = link[-8:]
        assert f"{code[:4]} {code[4:]}" in answer.text
        assert "<svg" in answer.text
        assert "data:" not in answer.text
        assert code not in (await tom.get(path)).text
    async with cast.client() as phone:
        body = {"code": code, "device": {"id": "00000000-0000-4000-8000-000000000001"}}
        assert (await phone.post("/api/v1/pair", json=body)).status_code == 201


async def test_an_administrator_adds_a_person_who_can_sign_in(cast: Cast) -> None:
    form = {
        "name": "Joy Adeyemi",
        "sign_in_name": "joy",
        "role": "carer",
        "language": "fr",
        "zone": "Europe/Paris",
        "deputy_id": str(cast.sam.id),
    }
    async with cast.browser_as("root") as root:
        answer = await root.post("/desk/people", data=form)
        assert answer.status_code == 201
        (password,) = re.findall(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){3}", answer.text)
    async with cast.client() as joy:
        said = {"name": "joy", "password": password}
        assert (await joy.post("/api/v1/sessions", json=said)).status_code == 201
    person = await Person.get(id=(await Credential.all().order_by("-id").first()).person_id)
    assert person.deputy_id == cast.sam.id


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "Enter a name"),
        ({"sign_in_name": ""}, "Enter a sign-in name"),
        ({"sign_in_name": "TOM "}, "This sign-in name is already taken"),
        ({"role": "child"}, "Choose a role for this person"),
        ({"zone": "Mars"}, "Choose a time zone"),
        ({"deputy_id": "x"}, "Choose a person"),
    ],
)
async def test_a_form_says_at_the_question_what_is_wrong(
    cast: Cast, wrong: dict[str, str], says: str
) -> None:
    form = {
        "name": "Joy Adeyemi",
        "sign_in_name": "joy",
        "role": "carer",
        "language": "fr",
        "zone": "Europe/Paris",
    }
    before = await Person.all().count()
    async with cast.browser_as("root") as root:
        answer = await root.post("/desk/people", data=form | wrong)
    assert answer.status_code == 422
    assert says in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert await Person.all().count() == before


async def test_a_reset_shows_a_new_password_once(cast: Cast) -> None:
    async with cast.browser_as("root") as root, cast.client() as stranger:
        answer = await root.post(f"/desk/people/{cast.sam.id}/password")
        (password,) = re.findall(r">([0-9a-z]{4}(?:-[0-9a-z]{4}){3})<", answer.text)
        said = {"name": "sam", "password": password}
        assert (await stranger.post("/api/v1/sessions", json=said)).status_code == 201
        other = await root.post(f"/desk/people/{cast.uwe.id}/password")
        assert other.status_code == 404
        nobody = await root.post(f"/desk/people/{cast.mia.id}/password")
        assert nobody.status_code == 404


async def test_a_reset_asks_first_who_it_is_where_that_was_shown_long_ago(cast: Cast) -> None:
    async with cast.browser_as("root") as root, cast.client() as stranger:
        cast.clock.advance(minutes=11)
        answer = await root.post(f"/desk/people/{cast.sam.id}/password")
        assert answer.headers["location"] == f"/desk/again?next=/desk/people/{cast.sam.id}/password"
        said = {"name": "sam", "password": password_of("sam")}
        assert (await stranger.post("/api/v1/sessions", json=said)).status_code == 201


async def test_nobody_ends_their_own_access(cast: Cast) -> None:
    async with cast.browser_as("root") as root:
        assert (
            await root.post(f"/desk/people/{cast.root.id}/leaving", data={"everything": ""})
        ).status_code == 422


async def test_ties_are_added_and_ended_on_their_page(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/ties"
    async with cast.browser_as("ines") as ines:
        form = {"person_id": str(cast.ada.id), "role": "guardian", "until": "2026-03-31"}
        assert (await ines.post(path, data=form)).status_code == 303
        tie = await Tie.get(child_id=cast.mia.id, person_id=cast.ada.id)
        # The end of that day in Lisbon, where Ines reads.
        assert tie.until_at is not None
        assert tie.until_at.isoformat() == "2026-03-31T23:00:00+00:00"
        for wrong in ({"person_id": ""}, {"role": "child"}, {"until": "31.3."}):
            answer = await ines.post(path, data=form | wrong)
            assert answer.status_code == 422
        assert (await ines.post(f"{path}/{tie.id}/end")).status_code == 303
        refused = await ines.post(f"{path}/{cast.ties['mia', 'tom']}/end")
        assert refused.status_code == 422
        assert "without a caseworker" in refused.text


async def test_a_phone_is_shut_out_on_its_page(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}/devices"
    async with cast.browser_as("tom") as tom, cast.client_as("mia") as mia:
        done = await tom.post(f"{path}/{cast.devices['mia']}/shut-out")
        assert done.headers["location"] == path
        assert "No phone is paired now" in (await tom.get(path)).text
        assert (await mia.get("/api/v1/me")).status_code == 401


async def test_settings_keep_the_language_and_the_addresses(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        done = await tom.post("/desk/settings/language", data={"language": "fr"})
        assert done.status_code == 303
        assert 'lang="fr"' in (await tom.get("/desk/settings?saved=language")).text
        assert (
            await tom.post("/desk/settings/language", data={"language": "xx"})
        ).status_code == 422
        path = "/desk/settings/addresses"
        for address in ("", "nobody", "a@b", "a b@c.example", "mailto:a@b.example", "x" * 300):
            assert (await tom.post(path, data={"address": address})).status_code == 422, address
        form = {"channel": "sms", "address": "+33123456789"}
        assert (await tom.post(path, data=form)).status_code == 422
        assert (await tom.post(path, data={"address": "tom@example.org"})).status_code == 303
        kept = await Address.get(person_id=cast.tom.id, dropped_at__isnull=True)
        assert (kept.channel, kept.value) == ("email", "tom@example.org")
        assert "tom@example.org" in (await tom.get("/desk/settings")).text
        assert (await tom.post(f"{path}/{kept.id}/drop")).status_code == 303
    async with cast.browser_as("ines") as ines:
        assert (await ines.post(f"{path}/{kept.id}/drop")).status_code == 404


async def manifest(client: httpx2.AsyncClient) -> dict[str, object]:
    answer = await client.get("/app/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    found: dict[str, object] = answer.json()
    return found


async def test_the_name_under_the_icon_is_the_agencys_choice_and_neutral(cast: Cast) -> None:
    async with cast.client() as stranger, cast.browser_as("mia") as mia:
        assert (await manifest(stranger))["name"] == "Planner"
        assert (await manifest(mia))["short_name"] == "Planner"
    async with cast.browser_as("lia") as lia:
        found = await manifest(lia)
        assert found["name"] == "Diary"
        assert "aymark" not in str(found)
        me = (await lia.get("/api/v1/me", headers={"accept": "*/*"})).json()
    assert me["display_name"] == "Diary"
