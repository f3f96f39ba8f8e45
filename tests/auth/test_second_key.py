"""A second key: an app of codes, recovery codes, and what happens where it is lost or needed."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pyotp
import pytest

from server.audit.models import Entry
from server.auth import actions, commands, credentials
from server.auth.models import Guess, PendingSecondFactor, Recovery, Session, Totp
from server.auth.rules import CODE_BY_PERSON, CODE_BY_PERSON_A_DAY, HALFWAY_LASTS
from server.auth.second_factor import factors
from server.errors import Conflict, Refused, TooMany
from server.notify.models import Address, Message
from server.people.agencies.actions import set_second_key_from
from server.storage.db import fetch
from tests.alerts.test_cries import by_mail_and_sms
from tests.cast import Cast, password_of
from tests.races import no_fault, together

KEYS = "/desk/settings/second-key"
FROM_PAGE = {"sec-fetch-site": "same-origin", "accept": "text/html"}
CODE = re.compile(r'<li class="code">([^<]+)</li>')


async def with_app(cast: Cast, name: str) -> tuple[str, list[str]]:
    """Somebody sets up an app: its secret, and the recovery codes that come with it."""
    actor, person, now = cast.actor(name), cast.persons[name], cast.clock()
    secret = (await factors.begin_app(person.id, now)).secret
    codes = await factors.confirm_app(actor, person.id, code_of(cast, secret), now)
    # The code that confirmed it is used up.
    cast.clock.advance(seconds=30)
    return secret, codes


def code_of(cast: Cast, secret: str, *, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return pyotp.TOTP(secret).at(cast.clock() + timedelta(seconds=30 * steps))


def page_browser(cast: Cast) -> httpx2.AsyncClient:
    return cast.client(headers=FROM_PAGE)


async def password_first(
    cast: Cast, browser: httpx2.AsyncClient, name: str, next_: str = ""
) -> httpx2.Response:
    said = {"name": name, "password": password_of(name), "next": next_}
    return await browser.post("/sign-in", data=said)


async def sessions_of(person_id: UUID) -> int:
    return await Session.filter(person_id=person_id, ended_at__isnull=True).count()


async def need_keys(cast: Cast, **ago: float) -> None:
    """The agency needs everybody to have one, since so long."""
    at, actor = cast.clock() - timedelta(**ago), cast.actor("root")
    await set_second_key_from(actor, cast.agency.id, at, cast.clock())


async def test_tom_sets_up_an_app_and_signs_in_with_its_code(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        assert "Set up an app" in (await tom.get(KEYS)).text
        begun = await tom.post(f"{KEYS}/app/begin", data={"next": ""})
        assert begun.headers["location"] == f"{KEYS}/app"
        page = (await tom.get(f"{KEYS}/app")).text
        secret = (await Totp.get(person_id=cast.tom.id)).secret
        groups = " ".join(secret[n : n + 4] for n in range(0, 32, 4))
        assert groups in page
        assert 'class="qr"' in page
        wrong = await tom.post(f"{KEYS}/app", data={"code": "000000", "next": ""})
        assert wrong.status_code == 422
        assert "not the current code" in wrong.text
        # Until the first code nothing has changed.
        assert not await factors.has_second(cast.tom.id)
        typed = code_of(cast, secret)
        shown = await tom.post(f"{KEYS}/app", data={"code": f"{typed[:3]} {typed[3:]}"})
        assert shown.status_code == 201
        assert len(set(CODE.findall(shown.text))) == 10
        page = (await tom.get(KEYS)).text
        assert "10 recovery codes are left." in page
    cast.clock.advance(seconds=30)
    async with page_browser(cast) as browser:
        half = await password_first(cast, browser, "tom", "/desk/rounds")
        assert half.headers["location"] == "/sign-in/second?next=/desk/rounds"
        assert "s" not in browser.cookies
        assert (await browser.get("/desk/")).headers["location"] == "/?next=/desk/"
        assert "Your second key" in (await browser.get(half.headers["location"])).text
        said = {"code": code_of(cast, secret), "next": "/desk/rounds"}
        done = await browser.post("/sign-in/second", data=said)
        assert done.headers["location"] == "/desk/rounds"
        assert (await browser.get("/desk/rounds")).status_code == 200


async def test_a_code_counts_once_and_a_clock_may_be_one_step_off(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")
    cast.clock.advance(minutes=5)
    for steps, counts in ((-2, False), (2, False), (-1, True), (0, True), (0, False), (1, True)):
        code, counted = code_of(cast, secret, steps=steps), True
        try:
            async with factors.proved_by_code(cast.tom.id, code, cast.clock()):
                pass
        except Refused:
            counted = False
        assert counted is counts, steps


async def test_the_code_of_two_who_come_at_once_counts_for_one(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")

    async def come() -> None:
        async with factors.proved_by_code(cast.tom.id, code_of(cast, secret), cast.clock()):
            pass

    found = await together(*(come() for _ in range(4)))
    no_fault(found, Refused)
    assert sum(one is None for one in found) == 1


async def test_a_recovery_code_opens_once_and_its_person_is_told(cast: Cast) -> None:
    _, codes = await with_app(cast, "tom")
    before = await Message.filter(kind="doors", person_id=cast.tom.id).count()
    for place, status in (("first", 303), ("again", 422)):
        async with page_browser(cast) as browser:
            await password_first(cast, browser, "tom")
            said = {"code": codes[3].lower(), "next": ""}
            assert (await browser.post("/sign-in/second", data=said)).status_code == status, place
    assert await factors.remaining(cast.tom.id) == 9
    assert await Message.filter(kind="doors", person_id=cast.tom.id).count() == before + 1


async def test_new_recovery_codes_end_the_old_ones(cast: Cast) -> None:
    _, codes = await with_app(cast, "tom")
    async with cast.browser_as("tom") as tom:
        shown = await tom.post(f"{KEYS}/codes", data={})
        assert shown.status_code == 201
        fresh = [code.replace(" ", "") for code in CODE.findall(shown.text)]
    assert not set(codes) & set(fresh)
    with pytest.raises(Refused):
        async with factors.proved_by_code(cast.tom.id, codes[0], cast.clock()):
            pass
    async with factors.proved_by_code(cast.tom.id, fresh[0], cast.clock()):
        pass
    assert await factors.remaining(cast.tom.id) == 9


async def test_nothing_secret_lies_in_a_row(cast: Cast) -> None:
    secret, codes = await with_app(cast, "tom")
    stored = str(await fetch("SELECT * FROM totp")) + str(await fetch("SELECT * FROM recovery"))
    stored += str(await fetch("SELECT * FROM entry")) + str(await fetch("SELECT * FROM message"))
    assert secret not in stored
    assert not [code for code in codes if code in stored]


async def test_guesses_of_codes_are_throttled_and_the_first_half_alone_opens_nothing(
    cast: Cast,
) -> None:
    secret, _ = await with_app(cast, "tom")
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
        for _ in range(CODE_BY_PERSON.tries):
            wrong = await browser.post("/sign-in/second", data={"code": "000000"})
            assert wrong.status_code == 422
        refused = await browser.post("/sign-in/second", data={"code": code_of(cast, secret)})
        assert refused.status_code == 429
        assert "15 minutes" in refused.text
    cast.clock.advance(minutes=15)
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
        code = code_of(cast, secret)
        assert (await browser.post("/sign-in/second", data={"code": code})).status_code == 303


async def test_a_day_has_room_for_few_guesses(cast: Cast) -> None:
    await with_app(cast, "tom")
    heard = 0
    for _ in range(10):
        for _ in range(CODE_BY_PERSON.tries):
            try:
                async with factors.proved_by_code(cast.tom.id, "000000", cast.clock()):
                    raise AssertionError("nobody's code")
            except Refused:
                heard += 1
            except TooMany:
                break
        cast.clock.advance(minutes=16)
    assert heard == CODE_BY_PERSON_A_DAY.tries


async def test_the_first_half_ends_after_ten_minutes_and_with_a_new_password(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
        cast.clock.advance(seconds=HALFWAY_LASTS.total_seconds())
        late = await browser.post("/sign-in/second", data={"code": code_of(cast, secret)})
        assert late.status_code == 401
        assert "Sign in again" in late.text
        assert (await browser.get("/sign-in/second")).headers["location"] == "/"
        await password_first(cast, browser, "tom")
        passwords = cast.app.state.passwords
        new = "a password that is new to everybody"
        await credentials.set_password(
            cast.actor("root"), cast.tom, new, passwords, now=cast.clock()
        )
        over = await browser.post("/sign-in/second", data={"code": code_of(cast, secret)})
        assert over.status_code == 401
    assert await sessions_of(cast.tom.id) == 0


async def test_one_first_half_leads_in_once(cast: Cast) -> None:
    _, codes = await with_app(cast, "tom")
    attempt = actions.PasswordSignIn("tom", password_of("tom"), "192.0.2.1")
    half = await actions.sign_in(attempt, cast.app.state.passwords, cast.clock())
    assert isinstance(half, actions.HalfOpened)
    found = await together(
        *(actions.sign_in_by_code(half.token, code, cast.clock()) for code in codes[:3])
    )
    opened = [one for one in found if isinstance(one, actions.Opened)]
    assert len(opened) == 1
    # Whoever was too late has lost no recovery code by it.
    assert await factors.remaining(cast.tom.id) == 9


async def test_a_native_client_sends_the_code_with_the_password(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")
    said = {"name": "tom", "password": password_of("tom")}
    async with cast.client() as stranger:
        missing = await stranger.post("/api/v1/sessions", json=said)
        assert (missing.status_code, missing.json()["code"]) == (401, "code_needed")
        wrong = await stranger.post("/api/v1/sessions", json=said | {"code": "000000"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "code_wrong")
        right = {**said, "code": code_of(cast, secret)}
        assert (await stranger.post("/api/v1/sessions", json=right)).status_code == 201
        assert (await stranger.post("/api/v1/sessions", json=right)).status_code == 401
        unsure = {**said, "password": "wrong", "code": code_of(cast, secret, steps=1)}
        answer = await stranger.post("/api/v1/sessions", json=unsure)
        assert answer.json()["code"] == "unauthenticated"


async def test_confirming_twice_says_what_is_and_changes_nothing(cast: Cast) -> None:
    async with cast.browser_as("tom") as tom:
        await tom.post(f"{KEYS}/app/begin", data={"next": ""})
        said = {"code": code_of(cast, (await Totp.get(person_id=cast.tom.id)).secret)}
        assert (await tom.post(f"{KEYS}/app", data=said)).status_code == 201
        twice = await tom.post(f"{KEYS}/app", data=said)
        assert twice.status_code == 409
        assert "10 recovery codes are left." in twice.text
    assert await Totp.filter(person_id=cast.tom.id).count() == 1


async def test_another_phone_counts_from_its_first_code_and_the_old_one_until_then(
    cast: Cast,
) -> None:
    old, _ = await with_app(cast, "tom")
    new = (await factors.begin_app(cast.tom.id, cast.clock())).secret
    async with factors.proved_by_code(cast.tom.id, code_of(cast, old), cast.clock()):
        pass
    codes = await factors.confirm_app(
        cast.actor("tom"), cast.tom.id, code_of(cast, new), cast.clock()
    )
    assert codes == []  # Those that are there stay.
    cast.clock.advance(minutes=1)
    with pytest.raises(Refused):
        async with factors.proved_by_code(cast.tom.id, code_of(cast, old), cast.clock()):
            pass


async def test_two_windows_that_begin_and_confirm_at_once_leave_one_app(cast: Cast) -> None:
    tom, now = cast.tom.id, cast.clock()
    no_fault(await together(*(factors.begin_app(tom, now) for _ in range(3))), Conflict)
    secret = (await Totp.get(person_id=tom)).secret
    confirms = [
        factors.confirm_app(cast.actor("tom"), tom, code_of(cast, secret), now) for _ in range(3)
    ]
    found = await together(*confirms)
    no_fault(found, Conflict)
    assert sum(isinstance(one, list) for one in found) == 1
    assert await Totp.filter(person_id=tom, confirmed_at__isnull=False).count() == 1
    assert await factors.remaining(tom) == 10


async def test_taking_the_app_away_takes_the_recovery_codes_too(cast: Cast) -> None:
    await with_app(cast, "tom")
    async with cast.browser_as("tom") as tom:
        for _ in range(2):
            done = await tom.post(f"{KEYS}/app/remove", data={})
            assert done.status_code == 303
        assert "Removed." in (await tom.get(done.headers["location"])).text
    assert await Recovery.filter(person_id=cast.tom.id).count() == 0
    assert await Entry.filter(what="second_key:remove").count() == 1
    async with page_browser(cast) as browser:
        assert (await password_first(cast, browser, "tom")).headers["location"] == "/desk/"


async def test_a_person_who_has_been_signed_in_for_a_while_confirms_their_identity_again(
    cast: Cast,
) -> None:
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        asked = await tom.post(f"{KEYS}/app/begin", data={"next": "/desk/rounds"})
        assert asked.headers["location"] == f"/desk/again?next={KEYS}%3Fnext%3D/desk/rounds"
        assert not await Totp.exists(person_id=cast.tom.id)
        page = await tom.get(asked.headers["location"])
        assert "Your password" in page.text
        said: dict[str, Any] = {"next": KEYS, "password": "wrong"}
        wrong = await tom.post("/desk/again", data=said)
        assert wrong.status_code == 422
        assert "not your current password" in wrong.text
        right = await tom.post("/desk/again", data=said | {"password": password_of("tom")})
        assert right.headers["location"] == KEYS
        assert (await tom.post(f"{KEYS}/app/begin", data={"next": ""})).status_code == 303
        assert await Totp.exists(person_id=cast.tom.id)
        # It leads nowhere else.
        away = await tom.post(
            "/desk/again", data={"next": "//evil.example", "password": password_of("tom")}
        )
        assert away.headers["location"] == "/desk/settings"


async def test_with_a_second_key_the_password_alone_shows_too_little(cast: Cast) -> None:
    secret, _ = await with_app(cast, "tom")
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        cast.clock.advance(minutes=11)
        asked = await tom.post(f"{KEYS}/app/remove", data={})
        page = await tom.get(asked.headers["location"])
        assert "Your password" not in page.text
        by_password = await tom.post("/desk/again", data={"password": password_of("tom")})
        assert by_password.status_code == 422
        assert "Use your second key" in by_password.text
        assert (
            (await tom.post(f"{KEYS}/app/remove", data={}))
            .headers["location"]
            .startswith("/desk/again")
        )
        done = await tom.post("/desk/again", data={"code": code_of(cast, secret), "next": KEYS})
        assert done.headers["location"] == KEYS
        assert (await tom.post(f"{KEYS}/app/remove", data={})).headers["location"].startswith(KEYS)


async def test_an_administrator_takes_a_lost_key_away_and_its_person_is_told(cast: Cast) -> None:
    await with_app(cast, "tom")
    await Message.all().delete()
    before = await sessions_of(cast.tom.id)
    assert before
    async with cast.browser_as("root") as root:
        cast.clock.advance(minutes=11)
        path = f"/desk/people/{cast.tom.id}/second-key"
        asked = await root.post(path, data={"how": "called"})
        assert asked.headers["location"] == f"/desk/again?next={path}"
        assert await factors.has_second(cast.tom.id)
        await root.post("/desk/again", data={"password": password_of("root")})
        assert "Reset second key" in (await root.get("/desk/people/second-keys")).text
        for _ in range(2):
            assert (await root.post(path, data={"how": "called"})).status_code == 303
        own = await root.post(f"/desk/people/{cast.root.id}/second-key", data={})
        assert own.status_code == 422
        child = await root.post(f"/desk/people/{cast.mia.id}/second-key", data={})
        assert child.status_code == 404
    assert not await factors.has_second(cast.tom.id)
    assert await sessions_of(cast.tom.id) == 0
    entry = await Entry.filter(what="second_key:reset").order_by("id").first()
    assert entry is not None
    assert (entry.who_id, entry.about_id, entry.why) == (cast.root.id, cast.tom.id, "called")
    assert await Message.filter(kind="doors", person_id=cast.tom.id).exists()
    async with page_browser(cast) as browser:
        assert (await password_first(cast, browser, "tom")).headers["location"] == "/desk/"


@pytest.mark.parametrize("has_address", [True, False])
async def test_a_reset_says_that_its_person_is_told_only_where_an_address_is_known(
    cast: Cast, has_address: bool
) -> None:
    await with_app(cast, "tom")
    await Address.filter(person_id=cast.tom.id).delete()
    if has_address:
        await by_mail_and_sms(cast, "tom")
    path = f"/desk/people/{cast.tom.id}/second-key"
    async with cast.browser_as("root") as root:
        asked = (await root.get(path)).text
        done = await root.post(path, data={"how": "called"})
        then = (await root.get(done.headers["location"])).text
    for text in (asked, then):
        assert ("no address of theirs" in text) is not has_address
    assert ("We tell them by every address" in asked) is has_address


async def test_how_an_administrator_made_sure_is_asked_kept_and_read(cast: Cast) -> None:
    await with_app(cast, "tom")
    path = f"/desk/people/{cast.tom.id}/second-key"
    words = "Their twin sister works with us"
    async with cast.browser_as("root") as root:
        form_page = (await root.get(path)).text
        assert "How did you make sure" in form_page
        assert "I called them back on the number that we had" in form_page
        long = {"how": "other", "words": "x" * 201}
        for form in ({"how": ""}, {"how": "guessed"}, {"how": "other"}, long):
            refused = await root.post(path, data=form)
            assert refused.status_code == 422, form
            assert "aria-invalid" in refused.text or 'class="error"' in refused.text
        assert await factors.has_second(cast.tom.id)
        assert (await root.post(path, data={"how": "other", "words": words})).status_code == 303
        page = (await root.get("/desk/people/second-keys")).text
        assert words in page
        await root.post(path, data={"how": "seen", "words": "not kept"})
        page = (await root.get("/desk/people/second-keys")).text
        assert "I met them in person" in page
    entries = await Entry.filter(what="second_key:reset").order_by("id")
    assert [entry.why == "seen" for entry in entries] == [False, True]
    # In the record the words are sealed.
    assert "sister" not in str(entries[0].why)
    async with cast.browser_as("ines") as ines:
        assert (await ines.get(path)).status_code == 403


async def test_an_administrator_of_another_agency_reaches_nobody_here(cast: Cast) -> None:
    await with_app(cast, "tom")
    async with cast.browser_as("uwe") as uwe:
        answer = await uwe.post(f"/desk/people/{cast.tom.id}/second-key", data={})
        assert answer.status_code == 403
    assert await factors.has_second(cast.tom.id)


async def test_a_person_who_needs_a_key_is_led_to_it_and_an_alert_still_opens(
    cast: Cast,
) -> None:
    await need_keys(cast, minutes=1)
    alert = f"/desk/alerts/{cast.mia.id}"  # None that is there: what counts is that it is asked.
    async with page_browser(cast) as browser:
        opened = await password_first(cast, browser, "tom", alert)
        assert opened.headers["location"] == alert
        assert (await browser.get(alert)).status_code == 404
        board = await browser.get("/desk/")
        assert board.headers["location"] == f"{KEYS}?next=/desk/"
        page = await browser.get(board.headers["location"])
        assert "Your agency requires a second key from everyone." in page.text
        # A program of this session hears it as a problem; alerts stay open to it.
        refused = await browser.get("/api/v1/children", headers={"accept": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (403, "key_needed")
        assert (await browser.get("/api/v1/alerts")).status_code == 200
        begun = await browser.post(f"{KEYS}/app/begin", data={"next": "/desk/"})
        assert begun.headers["location"] == f"{KEYS}/app?next=/desk/"
        secret = (await Totp.get(person_id=cast.tom.id)).secret
        said = {"code": code_of(cast, secret), "next": "/desk/"}
        shown = await browser.post(f"{KEYS}/app", data=said)
        assert 'href="/desk/"' in shown.text
        assert (await browser.get("/desk/")).status_code == 200


async def test_before_the_day_nobody_is_led_anywhere(cast: Cast) -> None:
    await need_keys(cast, days=-3)
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
        assert (await browser.get("/desk/")).status_code == 200
    cast.clock.advance(days=3)
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
        assert (await browser.get("/desk/")).status_code == 303


async def test_the_last_key_stays_where_the_agency_needs_one(cast: Cast) -> None:
    await with_app(cast, "tom")
    await need_keys(cast)
    await cast.new_token("tom")
    async with cast.browser_as("tom") as tom:
        refused = await tom.post(f"{KEYS}/app/remove", data={})
        assert refused.status_code == 422
        assert "Set up another one first." in refused.text
    assert await factors.has_second(cast.tom.id)


async def test_an_administrator_sets_the_day_and_takes_it_back(cast: Cast) -> None:
    async with cast.browser_as("root") as root:
        page = "/desk/people/second-keys"
        assert "Not now." in (await root.get(page)).text
        wrong = await root.post(page, data={"from": "soon"})
        assert wrong.status_code == 422
        assert 'id="from-error"' in wrong.text
        assert (await root.post(page, data={"from": "2026-03-10"})).status_code == 303
        shown = (await root.get(page)).text
        assert 'value="2026-03-10"' in shown
        assert "No second key yet" in shown
        assert (await root.post(page, data={"from": ""})).status_code == 303
        assert "Not now." in (await root.get(page)).text
    assert await Entry.filter(what="agency:change", who_id=cast.root.id).count() == 2


async def test_the_only_administrator_gets_in_again_from_the_terminal(cast: Cast) -> None:
    await with_app(cast, "root")
    reset = {"who": "root", "second_key": True}
    said = await commands._reset(argparse.Namespace(**reset), cast.settings, cast.clock())
    password = said[0].rpartition(" ")[2]
    assert not await factors.has_second(cast.root.id)
    assert await Entry.filter(what="second_key:reset", who_role="system").exists()
    async with page_browser(cast) as browser:
        form = {"name": "root", "password": password, "next": ""}
        assert (await browser.post("/sign-in", data=form)).headers["location"] == "/desk/"


async def test_what_nobody_finished_is_thrown_away(cast: Cast) -> None:
    await with_app(cast, "tom")
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "tom")
    assert await PendingSecondFactor.all().count() == 1
    cast.clock.advance(days=2)
    await actions.tidy(cast.clock())
    assert await PendingSecondFactor.all().count() == 0
    assert await Guess.all().count() == 0


async def test_a_disabled_colleague_does_not_come_in_by_the_second_half(cast: Cast) -> None:
    secret, _ = await with_app(cast, "eve")
    async with page_browser(cast) as browser:
        await password_first(cast, browser, "eve")
        await actions.disable_person(cast.actor("root"), cast.agency.id, cast.eve.id, cast.clock())
        late = await browser.post("/sign-in/second", data={"code": code_of(cast, secret)})
        assert late.status_code == 401
    assert await sessions_of(cast.eve.id) == 0
