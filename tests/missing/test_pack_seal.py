"""The seal of the grab pack holds against a writer, and against a desk that was left open."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from server.audit.models import Entry
from tests.cast import Cast, password_of
from tests.missing.test_interview import put as put_interview
from tests.missing.test_interview import returned, said
from tests.missing.test_pack import LOOKS, OWN, alerted, path_of, prepared, put

WHY = {"x-waymark-reason": quote("Her sister rang")}
ALL = {**LOOKS, **OWN}
SECRET = "black, to the shoulder"


# --- a write opens nothing


async def test_a_conflict_holds_nothing_of_a_pack_that_is_sealed_to_its_sender(cast: Cast) -> None:
    version = await prepared(cast, ALL)
    for base in (99, 0, version - 1):
        answer = await put(cast, "ines", base, {"hair": "short"})
        assert (answer.status_code, answer.json()["code"]) == (409, "changed")
        assert answer.json()["version"] == version
        assert {"current", "yours"}.isdisjoint(answer.json())
        assert SECRET not in answer.text
    assert not await Entry.filter(what__startswith="look", who_id=cast.ines.id).exists()


async def test_a_write_is_answered_with_what_was_written_where_the_pack_is_sealed(
    cast: Cast,
) -> None:
    version = await prepared(cast, ALL)
    answer = await put(cast, "ines", version, {"eyes": "green"})
    assert answer.json()["fields"] == {"eyes": "green"}
    assert answer.json()["version"] == version + 1
    async with cast.client_as("ines") as ines:
        body = {"id": str(uuid4()), "version": version + 1}
        checked = await ines.post(path_of(cast, "/check"), json=body)
        assert (checked.status_code, checked.json()["fields"]) == (200, {})
        late = {"id": str(uuid4()), "version": version}
        assert "green" not in (await ines.post(path_of(cast, "/check"), json=late)).text
    assert not await Entry.filter(what__startswith="look", who_id=cast.ines.id).exists()


async def test_a_conflict_shows_both_versions_to_a_writer_who_opened_it_and_is_a_look(
    cast: Cast,
) -> None:
    version = await prepared(cast, ALL)
    answer = await put(cast, "ines", 99, {}, **WHY)
    assert answer.json()["current"] == {"version": version, "fields": ALL}
    assert await Entry.filter(what="look:glass:pack", who_id=cast.ines.id).count() == 1
    await alerted(cast)
    answer = await put(cast, "tom", 99, {})
    assert answer.json()["current"]["fields"] == ALL
    assert await Entry.filter(what="look:pack:open", who_id=cast.tom.id).count() == 1


async def test_a_child_in_a_conflict_gets_their_own_words_alone(cast: Cast) -> None:
    await prepared(cast, ALL)
    answer = await put(cast, "mia", 99, {"own_call_first": "Ada"})
    assert answer.status_code == 409
    assert answer.json()["current"]["fields"] == OWN
    assert SECRET not in answer.text


async def test_a_conflict_about_a_return_interview_is_a_look_at_it(cast: Cast) -> None:
    episode = await returned(cast)
    answers = said(cast)
    assert (await put_interview(cast, episode, 0, answers)).status_code == 200
    await Entry.filter(what__startswith="look").delete()
    async with cast.client_as("ines") as ines:
        path = f"/api/v1/children/{cast.mia.id}/episodes/{episode.id}/interview"
        refused = await ines.put(path, json={"base": 99, "answers": {}})
        looks = await Entry.filter(what="look:interview:see", who_id=cast.ines.id).count()
        shown = (await ines.get(path)).json()["answers"]
    assert (refused.status_code, refused.json()["answers"], looks) == (409, shown, 1)


# --- a desk that was left open


def ways_in(cast: Cast, version: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Every way to the pack by a reason."""
    why = {"id": str(uuid4()), "why": "Her sister rang"}
    return [
        ("GET", "", {"headers": WHY}),
        ("GET", ".pdf", {"headers": WHY}),
        ("GET", ".txt", {"headers": WHY}),
        ("GET", "/photos", {"headers": WHY}),
        ("GET", f"/photos/{uuid4()}", {"headers": WHY}),
        ("PUT", "", {"headers": WHY, "json": {"base": 99, "fields": {}}}),
        ("PUT", "", {"headers": WHY, "json": {"base": version, "fields": {"hair": "short"}}}),
        ("PUT", "/now", {"headers": WHY, "json": {"base": 0, "fields": {}}}),
        ("POST", "/open", {"json": why}),
        ("POST", "/checkouts", {"json": why}),
    ]


async def test_in_a_browser_a_reason_opens_the_pack_only_to_a_person_who_lately_showed_who_they_are(
    cast: Cast,
) -> None:
    version = await prepared(cast, ALL)
    async with cast.browser_as("tom") as tom:
        tom.headers["accept"] = "application/json"
        cast.clock.advance(minutes=11)
        for method, rest, how in ways_in(cast, version):
            answer = await tom.request(method, path_of(cast, rest), **how)
            told = (answer.status_code, answer.json()["code"])
            assert told == (403, "proof_needed"), (method, rest, answer.text)
            assert answer.json()["to"] == f"/desk/again?next=/desk/children/{cast.mia.id}/pack"
            assert answer.json()["detail"] == "Confirm that it is you, then try again."
        assert not await Entry.filter(what__startswith="look", who_id=cast.tom.id).exists()
        await tom.post("/desk/again", data={"password": password_of("tom")})
        opened = await tom.get(path_of(cast), headers=WHY)
        assert opened.json()["fields"] == ALL
    # A program that sends its token itself is on a person's own phone.
    async with cast.client_as("ines") as ines:
        assert (await ines.get(path_of(cast), headers=WHY)).json()["fields"] == ALL


async def test_in_an_alert_the_pack_asks_for_no_proof(cast: Cast) -> None:
    await prepared(cast, ALL)
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        await alerted(cast)
        assert (await tom.get(path_of(cast), headers=WHY)).json()["fields"] == ALL
        why = {"id": str(uuid4()), "why": "Her sister rang"}
        assert (await tom.post(path_of(cast, "/checkouts"), json=why)).status_code == 200
