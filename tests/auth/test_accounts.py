"""Coming in by a provider of sign-in (OpenID Connect): whose the account is, and what it opens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from server.audit.models import Entry
from server.auth.models import Identity, OidcFlow, Session, Welcome
from server.auth.oidc import account_linking, role_mapping
from server.auth.rules import FLOW_LASTS, WELCOME_LASTS, Ended
from server.auth.second_factor import factors
from server.errors import Refused
from server.notify.models import Message
from server.people.actions import disable_person
from server.people.agencies.actions import set_second_key_from
from server.people.models import Person, Tie
from server.people.roles import set_role
from server.people.rules import Role
from server.settings import Provider as Known
from tests.auth.test_second_key import code_of, with_app
from tests.cast import ORIGIN, Cast
from tests.doubles.oidc import CLIENT, SECRET, Account, Provider
from tests.races import together

WITH, PAGE = "/sign-in/with/house", "/desk/people/accounts"
FROM_PAGE = {"sec-fetch-site": "same-origin", "accept": "text/html"}
ROLES = {"caseworker": ["workers"], "supervisor": ["leads"], "administrator": ["admins"]}


@pytest.fixture
def house(clock: Any) -> Iterator[Provider]:
    """The provider, by the clock of the test."""
    with Provider(clock) as provider:
        yield provider


@pytest_asyncio.fixture
async def known(cast: Cast, house: Provider) -> AsyncIterator[Known]:
    """The provider as the settings of the agency have it, set up by Root."""
    one = Known(
        name="house",
        issuer=house.issuer,
        agency_id=cast.agency.id,
        client_id=CLIENT,
        secret=SECRET,
    )
    cast.app.state.settings = replace(cast.settings, oidc={"house": one})
    await say(cast, one)
    yield one


async def say(cast: Cast, known: Known, **more: Any) -> None:
    said: dict[str, Any] = {
        "label": "House of Tom",
        "claim": "groups",
        "roles": ROLES,
        "strong": ["mfa"],
        "adds_people": False,
        **more,
    }
    terms = role_mapping.Terms(**said)
    await role_mapping.change_terms(cast.actor("root"), known, terms, cast.clock())


def browser(cast: Cast) -> httpx2.AsyncClient:
    return cast.client(headers=FROM_PAGE)


async def there(one: httpx2.AsyncClient, path: str = WITH) -> str:
    """Follow our way there, and what the provider answers: the path back."""
    out = await one.get(path)
    assert out.status_code == 303, out.text
    async with httpx2.AsyncClient() as net:
        back = await net.get(out.headers["location"])
    assert back.status_code == 302, back.text
    location: str = back.headers["location"]
    assert location.startswith(f"{ORIGIN}{WITH}/back?")
    return location.removeprefix(ORIGIN)


async def come(one: httpx2.AsyncClient, path: str = WITH) -> httpx2.Response:
    return await one.get(await there(one, path))


async def give(cast: Cast, known: Known, name: str, subject: str = "tom-there") -> Identity:
    """The account is theirs."""
    person = cast.persons[name]
    return await account_linking.tie(cast.actor("root"), known, person, subject, cast.clock())


def sit(house: Provider, subject: str, *groups: str) -> None:
    """Somebody else sits at the provider now."""
    house.account = Account(subject, {"name": "Eve E", "groups": list(groups or ["workers"])})


async def session_of(person: Person) -> Session:
    return await Session.filter(person_id=person.id, provider="house").order_by("-made_at").get()


def is_in(answer: httpx2.Response) -> bool:
    return answer.status_code == 303 and "s" in answer.cookies


# --- in


async def test_tom_comes_in_by_his_account_and_where_he_was_going(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        assert "Sign in with House of Tom" in (await tom.get("/?next=/desk/rounds")).text
        done = await come(tom, f"{WITH}?next=/desk/rounds")
        assert done.headers["location"] == "/desk/rounds"
        assert (await tom.get("/desk/rounds")).status_code == 200
        assert "with your organisation" in (await tom.get("/desk/settings/sessions")).text
    entry = await Entry.filter(what="session:open").order_by("-id").first()
    assert entry is not None
    assert (entry.who_id, entry.names) == (cast.tom.id, ["provider"])


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(
    cast: Cast, known: Known, house: Provider
) -> None:
    house.is_basic = False
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        assert is_in(await come(tom))


async def test_a_newcomer_is_asked_once_for_the_code_of_an_administrator(
    cast: Cast, known: Known, house: Provider
) -> None:
    async with cast.browser_as("root") as root, browser(cast) as tom:
        shown = await root.post(f"{PAGE}/house/people/{cast.tom.id}/code")
        assert shown.status_code == 201
        code = shown.text.split('class="code" dir="ltr">')[1].split("<")[0]
        asked = await come(tom)
        assert asked.headers["location"] == f"{WITH}/code"
        assert "s" not in tom.cookies
        assert "Your first time here" in (await tom.get(f"{WITH}/code")).text
        wrong = await tom.post(f"{WITH}/code", data={"code": "0000 0000"})
        assert wrong.status_code == 422
        assert "This code does not work." in wrong.text
        assert is_in(await tom.post(f"{WITH}/code", data={"code": code.lower()}))
        assert (await Identity.get()).person_id == cast.tom.id
        # From now on the account is enough, and the code opens nothing.
        await tom.post("/sign-out")
        assert is_in(await come(tom))
    async with browser(cast) as eve:
        sit(house, "eve-there")
        await come(eve)
        again = await eve.post(f"{WITH}/code", data={"code": code})
        assert again.status_code == 422
    told = await Message.filter(kind="doors", person_id=cast.tom.id)
    assert len(told) == 1


async def test_a_code_ends_and_a_new_one_ends_the_one_before(cast: Cast, known: Known) -> None:
    root = cast.actor("root")
    first = await account_linking.welcome(root, known, cast.tom, cast.clock())
    second = await account_linking.welcome(root, known, cast.tom, cast.clock())
    async with browser(cast) as tom:
        await come(tom)
        assert (await tom.post(f"{WITH}/code", data={"code": first})).status_code == 422
    cast.clock.advance(seconds=WELCOME_LASTS.total_seconds())
    async with browser(cast) as tom:
        await come(tom)
        assert (await tom.post(f"{WITH}/code", data={"code": second})).status_code == 422
    assert not await Identity.exists()


async def test_guesses_at_the_code_are_counted_by_account(cast: Cast, known: Known) -> None:
    code = await account_linking.welcome(cast.actor("root"), known, cast.tom, cast.clock())
    async with browser(cast) as eve:
        await come(eve)
        for _ in range(10):
            assert (await eve.post(f"{WITH}/code", data={"code": "1"})).status_code == 422
        late = await eve.post(f"{WITH}/code", data={"code": code})
        assert late.status_code == 429
        assert "retry-after" in late.headers
    assert not await Identity.exists()


async def test_of_two_who_come_with_one_code_at_once_one_is_tied(
    cast: Cast, known: Known, house: Provider
) -> None:
    code = await account_linking.welcome(cast.actor("root"), known, cast.tom, cast.clock())
    async with browser(cast) as one, browser(cast) as other:
        await come(one)
        sit(house, "eve-there")
        await come(other)

        async def try_by(which: httpx2.AsyncClient) -> None:
            await which.post(f"{WITH}/code", data={"code": code})

        await together(try_by(one), try_by(other))
    assert await Identity.all().count() == 1
    assert await Welcome.filter(ended_at__isnull=True).count() == 0


async def test_an_account_without_a_role_and_an_account_of_a_person_who_left_read_the_same(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "eve")
    await disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
    async with browser(cast) as one:
        gone = await come(one)
        sit(house, "nobody", "gardeners")
        stranger = await come(one)
    assert gone.status_code == stranger.status_code == 422
    for page in (gone, stranger):
        assert "This account has no access here. Ask your administrator." in page.text
        assert "s" not in page.cookies


async def test_an_address_of_mail_ties_nobody(cast: Cast, known: Known, house: Provider) -> None:
    """A provider at which one may write one's own address gives nobody the account of another."""
    house.account = Account(
        "eve-there",
        {"groups": ["workers"], "email": "tom@example.org", "email_verified": True},
    )
    async with browser(cast) as eve:
        assert (await come(eve)).headers["location"] == f"{WITH}/code"
    assert not await Identity.exists()


async def test_people_are_added_only_where_the_agency_says_so(
    cast: Cast, known: Known, house: Provider
) -> None:
    before = await Person.all().count()
    house.account = Account("new-there", {"name": "Nia New", "groups": ["leads"]})
    await say(cast, known, adds_people=True)
    async with browser(cast) as nia:
        assert is_in(await come(nia))
        await nia.post("/sign-out")
        assert is_in(await come(nia))
        assert await Person.all().count() == before + 1
        # Who has no name there cannot be told apart here.
        house.account = Account("nameless", {"groups": ["leads"]})
        assert (await come(nia)).status_code == 422
        house.account = Account("both", {"name": "B", "groups": ["leads", "workers"]})
        assert "more than one role" in (await come(nia)).text
    added = await Person.get(id=(await Identity.get()).person_id)
    assert (added.name, added.role, added.agency_id) == (
        "Nia New",
        Role.SUPERVISOR,
        cast.agency.id,
    )


async def test_tom_who_is_in_says_which_account_is_his(
    cast: Cast, known: Known, house: Provider
) -> None:
    async with cast.browser_as("tom") as tom:
        assert "Not linked yet." in (await tom.get("/desk/settings/accounts")).text
        done = await come(tom, "/desk/settings/accounts/house")
        assert done.headers["location"] == "/desk/settings/accounts?saved=yes"
        assert (await Identity.get()).person_id == cast.tom.id
        done = await come(tom, "/desk/settings/accounts/house")
        assert await Identity.all().count() == 1
    async with cast.browser_as("eve") as eve:
        refused = await come(eve, "/desk/settings/accounts/house")
        assert refused.status_code == 422
        assert "belongs to another person here" in refused.text
    async with cast.browser_as("uwe") as uwe:
        assert (await uwe.get("/desk/settings/accounts/house")).status_code == 404
    cast.clock.advance(minutes=11)
    async with cast.browser_as("tom") as tom:
        first = await tom.get("/desk/settings/accounts/house")
        assert first.headers["location"].startswith("/desk/again")


# --- the role that the provider says


async def test_another_role_at_the_provider_is_taken_at_the_next_sign_in(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "eve")
    house.account.claims["groups"] = ["leads"]
    async with browser(cast) as eve:
        assert is_in(await come(eve))
    assert (await Person.get(id=cast.eve.id)).role == Role.SUPERVISOR
    entry = await Entry.filter(what="person:change").order_by("-id").first()
    assert entry is not None
    assert entry.names == ["role", "supervisor"]


async def test_a_role_stays_while_a_child_would_lose_its_worker_and_administrators_hear_once(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    house.account.claims["groups"] = ["admins"]
    ties = await Tie.filter(person_id=cast.tom.id, until_at__isnull=True).count()
    async with browser(cast) as tom:
        assert is_in(await come(tom))
        assert is_in(await come(tom))
    assert (await Person.get(id=cast.tom.id)).role == Role.CASEWORKER
    assert await Tie.filter(person_id=cast.tom.id, until_at__isnull=True).count() == ties > 0
    assert await Message.filter(subject_kind="identity", person_id=cast.root.id).count() == 1
    async with cast.browser_as("root") as root:
        assert "The provider now says: administrator." in (await root.get(PAGE)).text
    # And again where it was put right in between.
    house.account.claims["groups"] = ["workers"]
    async with browser(cast) as tom:
        await come(tom)
    assert (await Identity.get()).unheeded is None


async def test_who_loses_every_role_is_out_and_the_children_stay_theirs_until_people_say(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom, browser(cast) as elsewhere:
        assert is_in(await come(tom))
        house.account.claims["groups"] = []
        assert (await come(elsewhere)).status_code == 422
        assert (await tom.get("/desk/")).headers["location"] == "/?next=/desk/"
    ended = await session_of(cast.tom)
    assert ended.ended_why == Ended.PROVIDER
    # His session by password is his own.
    assert await Session.filter(person_id=cast.tom.id, ended_at__isnull=True).exists()
    assert await Tie.filter(person_id=cast.tom.id, until_at__isnull=True).exists()
    assert await Message.filter(subject_kind="identity", person_id=cast.root.id).count() == 1
    async with cast.browser_as("root") as root:
        assert "no longer gives this account a role" in (await root.get(PAGE)).text


async def test_the_last_administrator_stays_one(cast: Cast, known: Known) -> None:
    await give(cast, known, "root")
    async with browser(cast) as root:
        assert is_in(await come(root))
    assert (await Person.get(id=cast.root.id)).role == Role.ADMINISTRATOR
    assert (await Identity.get()).unheeded == "caseworker"


async def test_of_two_last_administrators_who_change_at_once_one_stays(cast: Cast) -> None:
    actor, agency, refused = cast.actor("root"), cast.agency.id, list[str]()
    await set_role(actor, agency, cast.eve.id, Role.ADMINISTRATOR, cast.clock())

    async def leave(person: Person) -> None:
        try:
            await set_role(actor, agency, person.id, Role.CASEWORKER, cast.clock())
        except Refused as fault:
            refused.append(fault.code)

    await together(leave(cast.root), leave(cast.eve))
    assert refused == ["last_administrator"]
    left = Person.filter(agency_id=agency, role=Role.ADMINISTRATOR, disabled_at__isnull=True)
    assert await left.count() == 1


async def test_a_person_whose_account_has_several_roles_keeps_the_role_they_have(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "eve")
    house.account.claims["groups"] = ["leads", "workers"]
    async with browser(cast) as eve:
        assert is_in(await come(eve))
    assert (await Person.get(id=cast.eve.id)).role == Role.CASEWORKER
    await set_role(cast.actor("root"), cast.agency.id, cast.eve.id, Role.CARER, cast.clock())
    async with browser(cast) as eve:
        assert "more than one role" in (await come(eve)).text


# --- a second key, and once more


async def test_our_second_key_is_asked_where_the_provider_asked_for_none(
    cast: Cast, known: Known, house: Provider
) -> None:
    secret, _ = await with_app(cast, "tom")
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        half = await come(tom, f"{WITH}?next=/desk/rounds")
        assert half.headers["location"] == "/sign-in/second?next=/desk/rounds"
        assert "s" not in tom.cookies
        said = {"code": code_of(cast, secret), "next": "/desk/rounds"}
        done = await tom.post("/sign-in/second", data=said)
        assert done.headers["location"] == "/desk/rounds"
    house.account.claims["amr"] = ["pwd", "mfa"]
    async with browser(cast) as tom:
        assert is_in(await come(tom))


async def test_an_agency_that_needs_second_keys_takes_the_providers_where_it_said_so(
    cast: Cast, known: Known, house: Provider
) -> None:
    await set_second_key_from(cast.actor("root"), cast.agency.id, cast.clock(), cast.clock())
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        await come(tom)
        led = await tom.get("/desk/rounds")
        assert led.headers["location"].startswith("/desk/settings/second-key")
    house.account.claims["acr"] = "mfa"
    async with browser(cast) as tom:
        await come(tom)
        assert (await tom.get("/desk/rounds")).status_code == 200
    # What the agency did not name counts for nothing.
    await say(cast, known, strong=[])
    async with browser(cast) as tom:
        await come(tom)
        assert (await tom.get("/desk/rounds")).status_code == 303


async def test_a_sign_in_of_this_morning_at_the_provider_opens_nothing_sealed(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "root")
    house.account.claims["groups"] = ["admins"]
    house.signed_in_at = cast.clock()
    cast.clock.advance(hours=3)
    async with browser(cast) as root:
        await come(root)
        asked = await root.post(f"{PAGE}/house/people/{cast.tom.id}/code")
        assert asked.headers["location"] == f"/desk/again?next={PAGE}"
        again = await root.get(f"/desk/again?next={PAGE}")
        assert "/desk/again/with/house?next=/desk/people/accounts" in again.text
        done = await come(root, f"/desk/again/with/house?next={PAGE}")
        assert done.headers["location"] == PAGE
        assert (house.asked[-1]["prompt"], house.asked[-1]["max_age"]) == ("login", "0")
        made = await root.post(f"{PAGE}/house/people/{cast.tom.id}/code")
        assert made.status_code == 201


async def test_once_more_needs_to_be_asked_anew_and_by_the_same_account(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        house.fault.claims = {"auth_time": int(cast.clock().timestamp()) - 600}
        assert "did not check that it is you" in (await come(tom, "/desk/again/with/house")).text
        house.fault.claims = {"auth_time": None}
        assert "did not check that it is you" in (await come(tom, "/desk/again/with/house")).text
        house.reset()
        sit(house, "eve-there")
        assert "belongs to another person" in (await come(tom, "/desk/again/with/house")).text
        assert (await Session.filter(person_id=cast.tom.id).first()).proved_at is None


async def test_who_has_a_second_key_shows_that_once_more(
    cast: Cast, known: Known, house: Provider
) -> None:
    await with_app(cast, "tom")
    await give(cast, known, "tom")
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        assert "Use your second key" in (await come(tom, "/desk/again/with/house")).text
        house.account.claims["amr"] = ["mfa"]
        assert (await come(tom, "/desk/again/with/house")).status_code == 303


async def test_once_more_counts_for_the_session_that_asked(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with cast.browser_as("tom") as tom:
        back = await there(tom, "/desk/again/with/house")
        await cast.new_token("tom")
        tom.cookies.set("s", cast.tokens["tom"])
        assert (await tom.get(back)).status_code == 422


async def test_after_a_sign_out_the_provider_asks_anew(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        await come(tom)
        assert "prompt" not in house.asked[-1]
        await tom.post("/sign-out")
        await come(tom)
        assert house.asked[-1]["prompt"] == "login"


# --- the way there and back


async def test_what_came_back_counts_once(cast: Cast, known: Known) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        back = await there(tom)
        assert is_in(await tom.get(back))
        tom.cookies.delete("s")
        replayed = await tom.get(back)
        assert replayed.status_code == 422
        assert "Start again here." in replayed.text


async def test_what_came_back_counts_in_the_browser_that_set_out_alone(
    cast: Cast, known: Known
) -> None:
    """So nobody can lead somebody else into a session of their own."""
    await give(cast, known, "eve")
    async with browser(cast) as eve, browser(cast) as victim:
        back = await there(eve)
        assert (await victim.get(back)).status_code == 422
        await there(victim)
        assert (await victim.get(back)).status_code == 422
        assert "s" not in victim.cookies
        assert is_in(await eve.get(back))


async def test_two_windows_may_set_out_at_once(cast: Cast, known: Known) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        first, second = await there(tom), await there(tom)
        assert is_in(await tom.get(first))
        assert is_in(await tom.get(second))


async def test_who_comes_back_late_begins_anew(cast: Cast, known: Known) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom:
        back = await there(tom)
        cast.clock.advance(seconds=FLOW_LASTS.total_seconds())
        assert (await tom.get(back)).status_code == 422


async def test_no_other_site_is_led_to(cast: Cast, known: Known) -> None:
    await give(cast, known, "tom")
    for away in ("https://evil.example", "//evil.example", "/\\evil.example"):
        async with browser(cast) as tom:
            done = await come(tom, f"{WITH}?next={away}")
            assert done.headers["location"] == "/desk/"


async def test_the_answer_of_one_provider_is_not_taken_for_anothers(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    other = replace(known, name="other")
    cast.app.state.settings = replace(
        cast.app.state.settings, oidc={"house": known, "other": other}
    )
    async with browser(cast) as tom:
        back = await there(tom)
        wrong = await tom.get(back.replace("/house/", "/other/"))
        assert wrong.status_code == 422
        parts = parse_qs(urlsplit(back).query)
        query = f"state={parts['state'][0]}&code={parts['code'][0]}&iss=https://evil.example"
        assert "We could not trust" in (await tom.get(f"{WITH}/back?{query}")).text


async def test_an_unknown_provider_is_not_there_and_one_not_set_up_opens_nothing(
    cast: Cast, known: Known
) -> None:
    async with browser(cast) as one:
        assert (await one.get("/sign-in/with/nobody")).status_code == 404
        bare = replace(known, name="bare")
        cast.app.state.settings = replace(cast.app.state.settings, oidc={"bare": bare})
        said = await one.get("/sign-in/with/bare")
        assert said.status_code == 422
        assert "not set up yet" in said.text
        assert "Sign in with" not in (await one.get("/")).text.replace("Sign in with a passkey", "")


async def test_setting_out_without_end_is_slowed_down(cast: Cast, known: Known) -> None:
    async with browser(cast) as one:
        for _ in range(120):
            assert (await one.get(WITH)).status_code == 303
        assert (await one.get(WITH)).status_code == 429
    assert await OidcFlow.all().count() == 120


async def test_nothing_of_the_account_lies_open_in_the_rows(
    cast: Cast, known: Known, house: Provider
) -> None:
    from server.storage.db import fetch

    await give(cast, known, "tom")
    async with browser(cast) as tom:
        await come(tom)
    rows = str(await fetch('SELECT * FROM "identity"')) + str(
        await fetch('SELECT * FROM "oidc_flow"')
    )
    assert "tom-there" not in rows
    assert house.asked[0]["state"] not in rows
    assert house.asked[0]["nonce"] not in rows


# --- whose it is no longer


async def test_an_account_taken_away_shuts_what_it_opened(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    async with browser(cast) as tom, cast.browser_as("root") as root:
        await come(tom)
        gone = await root.post(f"{PAGE}/house/people/{cast.tom.id}/untie")
        assert gone.headers["location"] == f"{PAGE}?saved=untied-untold"
        said = (await root.get(gone.headers["location"])).text
        assert "no address of theirs" in said
        again = await root.post(f"{PAGE}/house/people/{cast.tom.id}/untie")
        assert again.status_code == 303
        assert (await tom.get("/desk/")).headers["location"] == "/?next=/desk/"
        assert (await come(tom)).headers["location"] == f"{WITH}/code"
    assert await Entry.filter(what="identity:untie").count() == 1


async def test_a_person_has_one_provider_account_and_an_account_belongs_to_one_person(
    cast: Cast, known: Known
) -> None:
    await give(cast, known, "tom", "first")
    await give(cast, known, "tom", "second")
    assert (await Identity.get()).subject == "second"
    with pytest.raises(Refused):
        await give(cast, known, "eve", "second")


async def test_only_an_administrator_of_the_agency_says_what_it_opens(
    cast: Cast, known: Known, house: Provider
) -> None:
    form = {"claim": "roles", "caseworker": "a\nb, c\na\n", "strong": "", "label": ""}
    async with cast.browser_as("root") as root:
        assert (await root.get(PAGE)).status_code == 200
        assert (await root.post(f"{PAGE}/house", data=form)).status_code == 303
        row = await role_mapping.terms_of(known)
        assert row is not None
        assert row.roles["caseworker"] == ["a", "b, c"]
        assert (row.label, row.claim, row.adds_people) == (None, "roles", False)
        twice = await root.post(f"{PAGE}/house", data={**form, "carer": "a"})
        assert twice.status_code == 422
        assert "This one is entered twice." in twice.text
        empty = await root.post(f"{PAGE}/house", data={**form, "caseworker": ""})
        assert empty.status_code == 422
        assert await Entry.filter(what="provider:change").count() == 2
        assert "no button" in (await root.get(PAGE)).text
        assert (await root.post(f"{PAGE}/house/people/{cast.mia.id}/code")).status_code == 404
        assert (await root.post(f"{PAGE}/house/people/{cast.uwe.id}/code")).status_code == 404
    async with cast.browser_as("tom") as tom:
        assert (await tom.post(f"{PAGE}/house", data=form)).status_code == 403
    other = replace(known, agency_id=cast.other_agency.id)
    cast.app.state.settings = replace(cast.app.state.settings, oidc={"house": other})
    async with cast.browser_as("root") as root:
        assert (await root.post(f"{PAGE}/house", data=form)).status_code == 404


async def test_the_password_still_opens_where_the_provider_is_away(
    cast: Cast, known: Known, house: Provider
) -> None:
    await give(cast, known, "tom")
    assert not await factors.has_second(cast.tom.id)
    house.fault.at, house.fault.status = "discovery", 503
    async with browser(cast) as tom:
        away = await tom.get(WITH)
        assert away.status_code == 503
        assert "is not answering" in away.text
        assert 'href="/"' in away.text
