"""What a child's lock screen shows: neutral sentences, of which the child chooses one."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import Refused
from server.i18n import LANGUAGES, gettext
from server.notify.channels.push import payload
from server.notify.child.lock_texts import NAME_ALONE, TEXTS
from server.notify.preferences import set_lock_text
from server.notify.rules import Kind
from server.notify.wording import Facts, neutral, word
from tests.notify.envelopes import envelope
from tests.notify.test_worker import phone_of, say, send
from tests.walks.stage import Stage

APP = Path(__file__).parents[2] / "pwa/src/screens/LockText.tsx"
# What would tell a person who reads over the child's shoulder what this app is for.
TELLING = (
    "waymark care check safe alert alarm help agency worker adult home child answer missing remind "
    "police soins foyer enfant aide sécurité alerte éducat adulte répon réponse rappel disparu "
    "رعاية طفل أمان مساعدة تنبيه إنذار بالغ مفقود أجب تذكير شرطة"
).split()
URL = "https://planner.example.org/app/"


def test_the_phone_offers_what_the_server_knows() -> None:
    listed = re.findall(r'\["(\w*)", \(\) => (?:t\("([^"]*)"\)|"")\]', APP.read_text())
    assert dict(listed) == dict(TEXTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_what_the_app_is_for_and_each_is_another_one(language: str) -> None:
    texts = [neutral(language, code) for code in TEXTS]
    assert len(set(texts)) == len(TEXTS)
    words = {word for text in texts for word in re.findall(r"\w+", text.lower())}
    assert not [(word, each) for word in words for each in TELLING if word.startswith(each)]
    assert all(len(text) <= 60 for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_choice_changes_the_length_on_the_wire(language: str) -> None:
    """With the button that puts a reminder off, or without."""
    made = [
        payload(
            envelope(
                language=language,
                url=URL,
                tag="x" * 32,
                receipt="r" * 120,
                shown=neutral(language, code),
                later=later,
                is_silent=is_silent,
            )
        )
        for code in TEXTS
        for later in (None, timedelta(minutes=10), timedelta(minutes=30))
        for is_silent in (False, True)
    ]
    assert {len(each) for each in made} == {1024}


async def test_the_childs_choice_is_on_their_lock_screen_for_every_kind(stage: Stage) -> None:
    phone, cast = await phone_of(stage, "mia"), stage.cast
    await set_lock_text(cast.actor("mia"), cast.mia.id, "break", stage.clock())
    for turn, kind in enumerate((Kind.REMIND_CHILD, Kind.NEWS_CHILD, Kind.DUE_CHILD)):
        await say(stage, "mia", kind=kind, turn=turn)
    await send(stage)
    shown = [received.json["notification"]["body"] for received in phone.received]
    assert shown == ["Time for a short break"] * 3
    await set_lock_text(cast.actor("mia"), cast.mia.id, NAME_ALONE, stage.clock())
    await say(stage, "mia", kind=Kind.REMIND_CHILD, turn=9)
    await send(stage)
    last = phone.received[-1].json["notification"]
    assert (last["title"], last["body"]) == ("Planner", "")


async def test_staff_read_what_they_read_before(stage: Stage) -> None:
    phone = await phone_of(stage, "tom")
    await say(stage)
    await send(stage)
    assert phone.received[0].json["notification"]["body"] == neutral("en")


def test_a_text_message_has_the_chosen_words_and_the_link() -> None:
    chosen = word(Kind.REMIND_CHILD, "en", Facts(display_name="Planner", url=URL, chosen="water"))
    assert chosen.body == f"Remember to drink some water\n\nOpen: {URL}"
    none = word(Kind.REMIND_CHILD, "en", Facts(display_name="Planner", url=URL, chosen=NAME_ALONE))
    assert (none.subject, none.body) == ("Planner", f"Open: {URL}")


async def test_the_phone_sets_it_and_a_stranger_to_the_list_is_refused(stage: Stage) -> None:
    me = await stage.call("mia", "PATCH", "/api/v1/me", {"lock_text": "tip"})
    assert me["lock_text"] == "tip"
    assert (await stage.call("mia", "GET", "/api/v1/me"))["lock_text"] == "tip"
    with pytest.raises(Refused):
        await set_lock_text(stage.cast.actor("mia"), stage.cast.mia.id, "call home", stage.clock())
    assert (await stage.send("tom", "PATCH", "/api/v1/me", {"lock_text": "tip"})).status_code == 422
    back = await stage.call("mia", "PATCH", "/api/v1/me", {"lock_text": ""})
    assert "lock_text" not in back


def test_the_text_that_ships_is_that_of_before() -> None:
    shown = json.loads(payload(envelope()))["notification"]["body"]
    assert shown == gettext("en", "You have 1 new item")
