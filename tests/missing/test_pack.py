"""The grab pack over the wire: versions, the seal, and what the child can read of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from server.audit.actions import SYSTEM
from server.audit.models import Entry
from server.missing.profile.fields import CHILD_SAYS, FIELDS
from server.missing.profile.from_search import MOST, search_of
from server.missing.profile.models import GrabPack, PackCheck, PackOpening
from server.missing.returns.child_found import Found, record_found
from server.missing.search.actions import EntryRequest, enter
from server.missing.search.entry_kinds import Act
from server.missing.search.models import TimelineEntry
from server.missing.search.opening import Saying, open_episode
from server.people import actions as people
from server.people.models import Agency
from server.people.rules import Role
from server.people.ties import AddTie, add_tie
from server.tasks.models import Task
from server.tasks.rules import Kind, State
from server.watch.watch_alerts import open_missing
from tests.cast import Cast

WHY = {"x-waymark-reason": quote("Elle n'est pas à l'école, كلا")}
LOOKS = {"hair": "black, to the shoulder", "eyes": "brown", "own_script": "ሚያ"}
OWN = {"own_call_first": "Joy, +33 6 12 34 56 78", "own_do_not_call": "my uncle"}


def path_of(cast: Cast, rest: str = "") -> str:
    return f"/api/v1/children/{cast.mia.id}/pack{rest}"


async def put(
    cast: Cast, who: str, base: int | None, fields: dict[str, Any], **headers: str
) -> Any:
    async with cast.client_as(who) as client:
        body = {"base": base, "fields": fields}
        return await client.put(path_of(cast), json=body, headers=headers)


async def prepared(cast: Cast, fields: dict[str, Any]) -> int:
    """What Mia says, by Mia herself, and the rest by Tom; the number of the version."""
    own = {name: text for name, text in fields.items() if name in CHILD_SAYS}
    rest = {name: text for name, text in fields.items() if name not in CHILD_SAYS}
    assert (await put(cast, "mia", 0, own)).status_code == 200
    made = await put(cast, "tom", 1, rest)
    assert made.status_code == 200, made.text
    return int(made.json()["version"])


async def get(cast: Cast, who: str, rest: str = "", **headers: str) -> Any:
    async with cast.client_as(who) as client:
        return await client.get(path_of(cast, rest), headers=headers)


async def alerted(cast: Cast) -> None:
    await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())


# --- versions


async def test_a_pack_is_made_and_each_change_is_another_version(cast: Cast) -> None:
    first = (await put(cast, "tom", None, LOOKS, **WHY)).json()
    assert (first["version"], first["fields"]) == (1, LOOKS)
    assert first["verified_at"] is not None
    cast.clock.advance(days=3)
    await cast.new_token("tom")
    second = (await put(cast, "tom", 1, {**LOOKS, "hair": "short"}, **WHY)).json()
    assert (second["version"], second["fields"]["hair"]) == (2, "short")
    # A change is no look through the rest: nobody has looked through it since.
    assert second["verified_at"] == first["verified_at"]
    assert [one["changed"] for one in second["versions"]] == [
        ["hair"],
        ["own_script", "hair", "eyes"],
    ]
    assert second["versions"][0]["made_by"]["name"] == "Tom Verhoeven"


async def test_the_same_again_is_the_same_version(cast: Cast) -> None:
    for base in (0, 0, 1):
        assert (await put(cast, "tom", base, LOOKS)).json()["version"] == 1
    assert await GrabPack.filter(child_id=cast.mia.id).count() == 1


async def test_a_person_who_did_not_see_the_last_version_is_shown_both(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    await put(cast, "ines", 1, {**LOOKS, "hair": "red"})
    late = await put(cast, "tom", 1, {**LOOKS, "eyes": "green"}, **WHY)
    assert late.status_code == 409
    said = late.json()
    assert said["code"] == "changed"
    assert said["current"] == {"version": 2, "fields": {**LOOKS, "hair": "red"}}
    assert said["yours"] == {"base": 1, "fields": {**LOOKS, "eyes": "green"}}
    # What was shown was a look, and the child can read why.
    assert await Entry.filter(child_id=cast.mia.id, what="look:glass:pack").count() == 1
    assert (await put(cast, "tom", 2, {**LOOKS, "eyes": "green"})).json()["version"] == 3


async def test_of_two_at_once_one_is_the_next_version_and_none_is_lost(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    both = await asyncio.gather(
        put(cast, "tom", 1, {"hair": "red"}, **WHY),
        put(cast, "ines", 1, {"hair": "blue"}, **WHY),
    )
    assert sorted(one.status_code for one in both) == [200, 409]
    refused = next(one for one in both if one.status_code == 409).json()
    assert {refused["yours"]["fields"]["hair"], refused["current"]["fields"]["hair"]} == {
        "red",
        "blue",
    }
    rows = await GrabPack.filter(child_id=cast.mia.id).order_by("version")
    assert [row.version for row in rows] == [1, 2]
    assert rows[0].said == LOOKS


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"password": "1234"}, "fields.password"),
        ({"clothing": "asked at the time"}, "fields.clothing"),
        ({"hair": 7}, "fields.hair"),
        ({"hair": "x" * 501}, "fields.hair"),
        ({"own_for_guardian": "perhaps"}, "fields.own_for_guardian"),
        ({"handles": "mia_c, Password: 1234"}, "fields.handles"),
        ({"handles": "mia_c\nmot de passe = 1234"}, "fields.handles"),
        ({"email": "كلمة السر: 1234"}, "fields.email"),
    ],
)
async def test_what_does_not_fit_is_named(cast: Cast, fields: dict[str, Any], named: str) -> None:
    answer = await put(cast, "tom", 0, fields)
    assert (answer.status_code, answer.json()["field"]) == (422, named)
    assert not await GrabPack.filter(child_id=cast.mia.id).exists()


async def test_nothing_of_it_stands_readable_in_the_database(cast: Cast) -> None:
    await put(cast, "tom", 0, {"controllers": "Rashid of the car wash"})
    from server.storage.db import fetch

    rows = await fetch("SELECT said FROM grab_pack")
    assert "Rashid" not in str(rows)
    assert "Rashid" not in str(await fetch("SELECT names, why FROM entry"))


# --- the seal


async def test_the_pack_is_sealed_until_an_adult_says_why_and_the_child_can_read_the_reason(
    cast: Cast,
) -> None:
    await put(cast, "tom", 0, LOOKS)
    for who in ("tom", "ines"):
        sealed = await get(cast, who)
        assert (sealed.status_code, sealed.json()["code"]) == (403, "reason_needed")
        assert "black" not in sealed.text
    opened = await get(cast, "ines", **WHY)
    assert opened.json()["fields"] == LOOKS
    async with cast.client_as("mia") as phone:
        looks = (await phone.get("/api/v1/looks")).json()["looks"]
    assert looks[0]["why"] == "Elle n'est pas à l'école, كلا"
    assert looks[0]["who"]["name"] == "Ines Quintanar"
    entry = await Entry.get(what="look:glass:pack")
    assert "école" not in (entry.why or "")


@pytest.mark.parametrize("why", ["", "   ", "%20", "..", "%ff%fe", "a", "1 2 3"])
async def test_a_reason_that_says_nothing_opens_nothing(cast: Cast, why: str) -> None:
    await put(cast, "tom", 0, LOOKS)
    answer = await get(cast, "tom", **{"x-waymark-reason": why})
    assert answer.status_code in (403, 422)
    assert "black" not in answer.text


async def test_while_adults_are_alerted_those_who_may_read_it(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    await alerted(cast)
    assert (await get(cast, "tom")).json()["fields"] == LOOKS
    assert (await get(cast, "ines")).json()["fields"] == LOOKS
    await cast.on_duty("eve")
    assert (await get(cast, "eve")).json()["fields"] == LOOKS
    for who in ("root", "uwe", "lia"):
        assert (await get(cast, who)).status_code == 404
    # The carer reads what the home knows, and nothing else.
    assert (await get(cast, "sam")).json()["fields"] == {}
    async with cast.client_as("mia") as phone:
        told = await phone.get("/api/v1/looks")
    # Whoever holds the phone reads of looks at the page of the child, and of nothing else.
    assert {one["what"] for one in told.json()["looks"]} <= {"Your page", "Your check-ins"}
    assert await Entry.filter(child_id=cast.mia.id, what="look:pack:open").count() == 3
    assert await Entry.filter(child_id=cast.mia.id, what="look:pack:home").count() == 1


async def test_an_administrator_and_people_without_an_assignment_find_no_pack(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    for who in ("root", "eve", "uwe", "lia"):
        for rest in ("", ".pdf", f"/photos/{uuid4()}"):
            async with cast.client_as(who) as client:
                answer = await client.get(path_of(cast, rest), headers=WHY)
            assert answer.status_code == 404, (who, rest)
        assert (await put(cast, who, 1, {"hair": "x"})).status_code == 404
    assert (await put(cast, "sam", 1, {"hair": "x"})).status_code == 422


async def test_saying_why_opens_it_for_some_minutes_in_that_session_alone(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    said = {"id": str(uuid4()), "why": "Looking through it with Mia"}
    async with cast.client_as("tom") as tom:
        for _ in range(2):
            assert (await tom.post(path_of(cast, "/open"), json=said)).status_code == 200
        assert (await tom.get(path_of(cast))).json()["fields"] == LOOKS
        assert await PackOpening.all().count() == 1
        cast.clock.advance(minutes=16)
        assert (await tom.get(path_of(cast))).status_code == 403
    cast.clock.advance(minutes=-16)
    assert (await get(cast, "ines")).status_code == 403
    await cast.new_token("tom")
    assert (await get(cast, "tom")).status_code == 403


# --- the child, and its guardian


async def test_the_child_reads_its_own_words_and_nothing_else(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN, "controllers": "Rashid"})
    said = await get(cast, "mia")
    shown = said.json()
    assert shown["fields"] == OWN
    assert (shown["record"], shown["photos"], shown["now"]) == (None, [], None)
    changed = [one["changed"] for one in shown["versions"]]
    assert changed == [[], ["own_call_first", "own_do_not_call"]]
    assert "Rashid" not in said.text
    await alerted(cast)
    during = (await get(cast, "mia")).json()
    # Nothing on the phone tells that adults are alerted.
    assert during == shown


async def test_the_child_changes_its_own_words_whatever_others_wrote_meanwhile(
    cast: Cast,
) -> None:
    await prepared(cast, {**LOOKS, **OWN})
    await put(cast, "tom", 2, {**LOOKS, **OWN, "hair": "red"})
    said = await put(cast, "mia", 1, {"own_call_first": "Ada", "own_do_not_call": ""})
    assert (said.status_code, said.json()["fields"]) == (200, {"own_call_first": "Ada"})
    await alerted(cast)
    stands = (await get(cast, "tom")).json()
    assert stands["fields"] == {**LOOKS, "hair": "red", "own_call_first": "Ada"}
    assert stands["versions"][0]["made_by"]["role"] == "child"
    # The caseworker wrote on what it had not seen: both stand there.
    late = await put(cast, "tom", 3, {**LOOKS, **OWN, "hair": "grey"})
    assert late.status_code == 409
    assert late.json()["current"]["fields"]["own_call_first"] == "Ada"


async def test_a_child_with_two_phones_that_did_not_see_the_other_is_shown_both(
    cast: Cast,
) -> None:
    await put(cast, "mia", 0, {"own_calms": "music"})
    await put(cast, "tom", 1, {"controllers": "Rashid"})
    await put(cast, "mia", 2, {"own_calms": "quiet"})
    late = await put(cast, "mia", 1, {"own_calms": "my sister"})
    assert late.status_code == 409
    assert late.json()["current"] == {"version": 3, "fields": {"own_calms": "quiet"}}
    assert "Rashid" not in late.text
    assert (await put(cast, "mia", 3, {"own_calms": "my sister"})).status_code == 200


async def test_what_a_writer_leaves_out_stays(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN, "own_for_guardian": "yes"})
    stands = (await put(cast, "tom", 2, {"hair": "red"}, **WHY)).json()
    assert stands["fields"] == {**OWN, **LOOKS, "own_for_guardian": "yes", "hair": "red"}
    assert (await get(cast, "mia")).json()["fields"] == OWN
    # What is theirs to say they may take out.
    emptied = {"eyes": "", "own_script": "", "own_for_guardian": None}
    after = await put(cast, "tom", 3, emptied, **WHY)
    assert after.json()["fields"] == {**OWN, "hair": "red"}
    words = (await put(cast, "mia", 4, {"own_calms": "music"})).json()["fields"]
    assert words == {**OWN, "own_calms": "music"}


@pytest.mark.parametrize("name", CHILD_SAYS)
@pytest.mark.parametrize("who", ["tom", "ines"])
async def test_no_adult_changes_what_the_child_says_in_the_pack(
    cast: Cast, who: str, name: str
) -> None:
    await put(cast, "mia", 0, {"own_more": "I like trains", "own_calms": "music"})
    before = (await get(cast, "mia")).json()["fields"]
    for value in ("What an adult says", *(["", None] if before.get(name) else [])):
        # Whoever saw version 0 saw nothing there: an empty field is then no change of theirs.
        for base in (0, 1) if value else (1,):
            answer = await put(cast, who, base, {"hair": "red", name: value})
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), value
            assert answer.json()["field"] == f"fields.{name}"
    assert (await put(cast, who, 1, {"hair": "red", **before})).status_code == 200
    assert (await get(cast, "mia")).json()["fields"] == before


async def test_an_adult_begins_no_pack_with_words_of_the_childs(cast: Cast) -> None:
    answer = await put(cast, "tom", 0, {"hair": "red", "own_calms": "music"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert not await GrabPack.filter(child_id=cast.mia.id).exists()
    # Their own field is beside it.
    assert (await put(cast, "tom", 0, {"told_us": "Music calms them"})).status_code == 200


async def test_an_adult_and_the_child_at_once_lose_neither(cast: Cast) -> None:
    await prepared(cast, {**LOOKS, **OWN})
    both = await asyncio.gather(
        put(cast, "tom", 2, {"hair": "red"}), put(cast, "mia", 1, {"own_calms": "music"})
    )
    if both[0].status_code == 409:
        assert (await put(cast, "tom", 3, {"hair": "red"})).status_code == 200
    assert both[1].status_code == 200
    await alerted(cast)
    stands = (await get(cast, "tom")).json()["fields"]
    assert stands == {**OWN, **LOOKS, "own_calms": "music", "hair": "red"}


def test_every_field_named_own_is_the_childs_but_two_that_adults_answer() -> None:
    named = {name for name in FIELDS if name.startswith("own_")}
    assert named - set(CHILD_SAYS) == {"own_script", "own_for_guardian"}


async def test_the_child_writes_nothing_but_its_own_words(cast: Cast) -> None:
    for fields in ({"hair": "red"}, {"own_for_guardian": "yes"}):
        assert (await put(cast, "mia", 0, fields)).status_code == 422


async def test_the_guardian_reads_the_childs_words_where_the_caseworker_lets_them(
    cast: Cast,
) -> None:
    now = cast.clock()
    mia = cast.children["mia"]
    await add_tie(SYSTEM, mia, AddTie(person_id=cast.ada.id, role=Role.GUARDIAN), now)
    await prepared(cast, {**LOOKS, **OWN})
    assert (await get(cast, "ada", **WHY)).status_code == 403
    await put(cast, "tom", 2, {**LOOKS, **OWN, "own_for_guardian": "yes"})
    assert (await get(cast, "ada")).json()["fields"] == OWN
    assert await Entry.filter(child_id=mia.id, what="look:glass:own").count() == 1
    await alerted(cast)
    assert (await get(cast, "ada")).json()["fields"] == OWN
    async with cast.client_as("ada") as ada:
        assert (await ada.get(path_of(cast, ".pdf"))).status_code == 403
    assert (await put(cast, "ada", 3, OWN)).status_code == 403


# --- what is on record, and at the time


async def test_what_is_on_record_stands_beside_it_and_is_no_second_truth(cast: Cast) -> None:
    await Agency.filter(id=cast.agency.id).update(help_phone="+33 1 23 45 67 89")
    await put(cast, "tom", 0, LOOKS)
    shown = (await get(cast, "tom", **WHY)).json()["record"]
    assert (shown["name"], shown["help_phone"]) == ("Mia Castellane", "+33 1 23 45 67 89")
    assert [(one["name"], one["role"]) for one in shown["people"]] == [
        ("Tom Verhoeven", "caseworker"),
        ("Ines Quintanar", "supervisor"),
        ("Sam Oyelaran", "carer"),
    ]
    # Nobody has said when she was born.
    assert (shown["born_on"], shown["age"]) == (None, None)
    born = (cast.clock() - timedelta(days=14 * 366)).date()
    await people.set_birthday(cast.actor("tom"), cast.mia.id, born, cast.clock())
    shown = (await get(cast, "tom", **WHY)).json()["record"]
    assert (shown["born_on"], shown["age"]) == (born.isoformat(), 14)


async def test_the_questions_at_the_time_are_asked_at_the_time(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    said = {"base": 0, "fields": {"clothing": "red coat", "told": "her guardian"}}
    async with cast.client_as("tom") as tom:
        early = await tom.put(path_of(cast, "/now"), json=said, headers=WHY)
        assert (early.status_code, early.json()["code"]) == (409, "not_open")
        await alerted(cast)
        for _ in range(2):
            taken = (await tom.put(path_of(cast, "/now"), json=said)).json()
        assert (taken["version"], taken["fields"]) == (1, said["fields"])
        late = await tom.put(path_of(cast, "/now"), json={"base": 0, "fields": {"bag": "none"}})
        assert (late.status_code, late.json()["current"]["version"]) == (409, 1)
        shown = (await tom.get(path_of(cast))).json()["now"]
    assert shown["says"]
    assert "clothing" not in shown["unknown"]
    assert {"last_seen", "phone_state"} <= {*shown["unknown"]}
    assert {one["label"] for one in shown["points"]} >= {"Last answer", "Usually"}


async def test_an_open_episode_tells_what_it_knows(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    said = Saying(cast.clock(), "not back", {"where": "Gare de Lyon", "by": "Joy"}, ())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, cast.clock())
    for act, details in (
        (Act.ATTEMPT, {"how": "call", "whom": "Joy", "result": "no_answer"}),
        (Act.REPORT, {"to": "police", "way": "phone", "who": "Sergeant Petit"}),
    ):
        await enter(
            cast.actor("tom"), episode.id, EntryRequest(uuid4(), act, details=details), cast.clock()
        )
    shown = (await get(cast, "ines")).json()["now"]
    assert shown["last_seen"] == "Gare de Lyon, Joy"
    tried = [one["text"] for one in shown["tried"]]
    assert "Phone call" in tried[0]
    assert "No answer" in tried[0]
    assert "Sergeant Petit" in tried[1]
    # What is answered there is no longer unknown.
    assert not {"last_seen", "told", "report"} & {*shown["unknown"]}
    assert (await get(cast, "ines", "?for=partner")).json()["now"]["tried"] == []


async def test_a_look_into_the_room_says_what_is_gone_and_answers_the_questions_about_it(
    cast: Cast,
) -> None:
    await put(cast, "tom", 0, LOOKS)
    said = Saying(cast.clock(), None, None, ())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, cast.clock())

    async def looked(**details: str) -> Any:
        tom, now = cast.actor("tom"), cast.clock()
        await enter(tom, episode.id, EntryRequest(uuid4(), Act.ROOM, details=details), now)
        return (await get(cast, "ines")).json()["now"]

    shown = await looked(phone="gone", documents="here", bag="unknown", clothes="grey hoodie")
    [told] = [one["text"] for one in shown["tried"]]
    assert "Phone and charger: gone; Papers: still here; Bag: not known" in told
    assert "What the child wears: grey hoodie" in told
    # The medicine is not known, and the bag neither.
    assert {"bag", "taken"} <= {*shown["unknown"]}
    assert "clothing" not in shown["unknown"]
    shown = await looked(phone="gone", documents="here", bag="gone", medicine="gone")
    assert not {"bag", "taken", "clothing"} & {*shown["unknown"]}


async def test_what_the_room_and_a_report_told_holds_however_much_was_tried_since(
    cast: Cast,
) -> None:
    await put(cast, "tom", 0, LOOKS)
    tom, said = cast.actor("tom"), Saying(cast.clock(), None, None, ())
    episode, _ = await open_episode(tom, cast.mia.id, uuid4(), said, cast.clock())
    room = {"phone": "gone", "documents": "here", "bag": "gone", "medicine": "gone"}
    place = {"where": "Station", "known": "likely"}
    for act, details in (
        (Act.ROOM, {**room, "clothes": "grey hoodie"}),
        (Act.REPORT, {"to": "police", "way": "phone", "who": "Sergeant Petit"}),
        *[(Act.PLACE, place)] * MOST,
    ):
        cast.clock.advance(minutes=1)
        await enter(tom, episode.id, EntryRequest(uuid4(), act, details=details), cast.clock())
    search = await search_of(cast.mia.id, "en", UTC)
    assert search is not None
    assert len(search.tried) == MOST
    assert search.clothes == "grey hoodie"
    assert search.answers == {"clothing", "bag", "taken", "told", "report"}


async def test_after_a_return_a_look_through_is_what_its_clock_waits_for(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    now, said = cast.clock(), Saying(cast.clock(), None, None, ())
    episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, now)
    seen = Found(now, "at school", "Joy", "well")
    await record_found(cast.actor("tom"), episode.id, uuid4(), seen, now)
    assert await Task.filter(kind=Kind.PACK_UPDATE, state=State.OPEN).exists()
    check = {"id": str(uuid4()), "version": 1}
    async with cast.client_as("tom") as tom:
        for _ in range(2):
            assert (await tom.post(path_of(cast, "/check"), json=check)).status_code == 200
    assert not await Task.filter(kind=Kind.PACK_UPDATE, state=State.OPEN).exists()
    assert await TimelineEntry.filter(episode_id=episode.id, what="pack_update").count() == 1


async def test_a_look_through_that_was_cut_off_ends_its_clock_when_it_comes_again(
    cast: Cast,
) -> None:
    await put(cast, "tom", 0, LOOKS)
    early, cut = ({"id": str(uuid4()), "version": 1} for _ in range(2))
    async with cast.client_as("tom") as tom:
        await tom.post(path_of(cast, "/check"), json=early)
        now = cast.clock.advance(minutes=1)
        said = Saying(now, None, None, ())
        episode, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), said, now)
        seen = Found(now, "at school", "Joy", "well")
        await record_found(cast.actor("tom"), episode.id, uuid4(), seen, now)
        # One of before the return says nothing about the time after it.
        await tom.post(path_of(cast, "/check"), json=early)
        waits = Task.filter(kind=Kind.PACK_UPDATE, state=State.OPEN)
        assert await waits.exists()
        # Stored, and killed before the clock heard of it.
        await PackCheck.create(
            id=UUID(cut["id"]),
            agency_id=cast.agency.id,
            child_id=cast.mia.id,
            version=1,
            by_id=cast.tom.id,
            by_role="caseworker",
            at=now,
        )
        assert (await tom.post(path_of(cast, "/check"), json=cut)).status_code == 200
    assert not await waits.exists()


async def test_a_copy_for_partners_is_as_small_as_it_can_be(cast: Cast) -> None:
    await prepared(
        cast,
        {
            **OWN,
            "legal_status": "asylum seeker",
            "exploitation": "begging",
            "address": "12 rue des Lilas",
            "mental_health": "nightmares",
            "without_medication": "Insulin: harm after 12 hours",
            "first_language": "Tigrinya",
            "frightens": "uniforms",
        },
    )
    shown = (await get(cast, "tom", "?for=partner", **WHY)).json()
    assert {*shown["fields"]} == {
        *OWN,
        "without_medication",
        "first_language",
        "frightens",
    }
    record = shown["record"]
    assert (record["born_on"], record["home"], record["trusted"]) == (None, None, [])
    assert {one["role"] for one in record["people"]} == {"caseworker", "supervisor"}
    assert shown["versions"] == []


# --- looking through it


async def test_it_is_looked_through_every_30_days_and_never_quietly(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    due = await Task.get(kind=Kind.PACK, state=State.OPEN)
    assert timedelta(days=30) <= due.due_at - cast.clock() <= timedelta(days=31)
    cast.clock.advance(days=20)
    await cast.new_token("tom")
    await put(cast, "tom", 1, {**LOOKS, "hair": "red"})
    assert (await Task.get(kind=Kind.PACK, state=State.OPEN)).id == due.id
    check = {"id": str(uuid4()), "version": 2}
    async with cast.client_as("tom") as tom:
        for _ in range(2):
            shown = (await tom.post(path_of(cast, "/check"), json=check, headers=WHY)).json()
        stale = await tom.post(path_of(cast, "/check"), json={"id": str(uuid4()), "version": 1})
        assert stale.status_code == 409
    assert shown["verified_at"] == cast.clock().isoformat().replace("+00:00", "Z")
    assert shown["verified_by"]["name"] == "Tom Verhoeven"
    after = await Task.get(kind=Kind.PACK, state=State.OPEN)
    assert after.due_at - cast.clock() >= timedelta(days=30)
    assert (await Task.get(id=due.id)).state == State.DONE
    assert await PackCheck.all().count() == 2


async def test_a_move_and_a_new_phone_make_it_due_today(cast: Cast) -> None:
    await put(cast, "tom", 0, LOOKS)
    cast.clock.advance(days=2)
    await cast.new_token("tom")
    await people.move(cast.actor("ines"), cast.mia.id, None, cast.clock())
    due = await Task.get(kind=Kind.PACK, state=State.OPEN)
    assert due.due_at - cast.clock() <= timedelta(days=1)
    async with cast.client_as("tom") as tom:
        check = {"id": str(uuid4()), "version": 1}
        await tom.post(path_of(cast, "/check"), json=check)
    assert (await Task.get(kind=Kind.PACK, state=State.OPEN)).due_at > due.due_at
    code = (await cast.client_as("mia").post("/api/v1/me/codes")).json()["code"]
    async with cast.client() as phone:
        paired = await phone.post(
            "/api/v1/pair", json={"code": code, "device": {"id": str(uuid4())}}
        )
    assert paired.status_code == 201
    due = await Task.get(kind=Kind.PACK, state=State.OPEN)
    assert due.due_at - cast.clock() <= timedelta(days=1)


async def test_a_child_that_writes_first_is_no_look_through_and_calls_for_one(cast: Cast) -> None:
    shown = (await put(cast, "mia", 0, OWN)).json()
    assert (shown["version"], shown["verified_at"]) == (1, None)
    due = await Task.get(kind=Kind.PACK, state=State.OPEN)
    assert due.due_at - cast.clock() <= timedelta(days=1)
    # It is the caseworker's: the child's phone hears nothing of it.
    async with cast.client_as("mia") as phone:
        assert (await phone.get("/api/v1/dues")).json()["dues"] == []


async def test_a_child_without_a_pack_owes_nobody_a_look_through(cast: Cast) -> None:
    await people.move(cast.actor("ines"), cast.mia.id, None, cast.clock())
    assert not await Task.filter(kind=Kind.PACK).exists()
