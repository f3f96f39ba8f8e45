"""The grab pack by mail: a page under a passphrase that only the telephone carries."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
import typst
from pypdf import PdfReader

from server.audit.models import Entry
from server.missing.profile import actions
from server.missing.profile.mail import Mailing, close
from server.missing.profile.mail import send as send_mail
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.search.models import Episode, PaperSent, TimelineEntry
from server.missing.search.timeline import verify
from server.notify.models import Enclosure, Message
from server.people.rules import Role
from server.tasks.models import Task
from server.tasks.rules import Kind as Clock
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.missing.test_pack import put
from tests.missing.test_pages import say_missing
from tests.plan.pdfs import text_of
from tests.races import Between, no_fault, together
from tests.walks.stage import Stage

POLICE = "missing@police.example.org"
PARIS = ZoneInfo("Europe/Paris")


def said(**more: Any) -> dict[str, Any]:
    usual = {"to": "police", "address": POLICE, "copy": "police", "language": "fr"}
    return {"id": str(uuid4()), **usual, **more}


async def send(cast: Cast, episode: Episode, form: dict[str, Any], name: str = "tom") -> Any:
    async with at_desk(cast, name) as browser:
        return await browser.post(f"/desk/episodes/{episode.id}/mail", data=form)


async def page_of(cast: Cast, answer: Any, name: str = "tom") -> str:
    async with at_desk(cast, name) as browser:
        return (await browser.get(answer.headers["location"])).text


# Not the middle of an id that happens to have digits alone.
PASSPHRASE = re.compile(r"(?<![-\w])[0-9A-Z]{4}(-[0-9A-Z]{4}){3}(?![-\w])")


def passphrase_in(page: str) -> str:
    found = PASSPHRASE.search(page)
    assert found is not None
    return found[0]


async def test_the_page_goes_under_a_passphrase_that_is_in_no_mail(stage: Stage) -> None:
    cast = stage.cast
    await put(cast, "tom", 0, {"aliases": "Mimi"})
    episode = await say_missing(cast)
    answer = await send(cast, episode, said())
    assert answer.status_code == 303
    page = await page_of(cast, answer)
    assert "We are sending the email." in page
    await stage.beat()
    assert "has accepted the email" in await page_of(cast, answer)
    passphrase = passphrase_in(page)

    [mail] = stage.mails_to(POLICE)
    message = mail.message
    assert message["Subject"] == "Un document confidentiel pour vous"
    assert cast.agency.name in str(message["From"])
    [file] = list(message.iter_attachments())
    assert (file.get_filename(), file.get_content_type()) == ("paper.pdf", "application/pdf")
    made = file.get_content()
    words = message.get_body().get_content()
    for text in (words, str(message["Subject"]), str(message["From"])):
        assert not any(one in text for one in ("Mia", "Castellane", "http", passphrase))

    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(made)
    reader = PdfReader(BytesIO(made))
    assert reader.is_encrypted
    assert not reader.decrypt("")
    document = pypdfium2.PdfDocument(made, password=passphrase)
    assert [tuple(map(round, one.get_size())) for one in document] == [(595, 842)]
    opened = document[0].get_textpage().get_text_range()
    assert "Castellane" in opened
    assert "Mimi" in opened
    # So that whoever holds a copied file has a long way to go: AES-256, revision 6.
    assert b"/V 5" in made
    assert b"/R 6" in made


async def test_it_stands_in_the_timeline_and_ends_no_clock(stage: Stage) -> None:
    cast = stage.cast
    await put(cast, "tom", 0, {"aliases": "Mimi"})
    episode = await say_missing(cast)
    form = said()
    await send(cast, episode, form)
    line = await TimelineEntry.get(episode_id=episode.id, what="mailed")
    assert line.details == {"to": "police", "address": POLICE, "pack": "1"}
    assert line.about_id == UUID(form["id"])
    async with at_desk(cast, "tom") as browser:
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "Emailed the grab pack" in page
    assert POLICE in page
    running = await Task.filter(subject_id=episode.id, state="open").values_list("kind", flat=True)
    assert {Clock.REPORT, Clock.DECISION} & set(running)
    assert await verify() is None
    # The child can read that its pack was looked at.
    assert await Entry.exists(child_id=cast.mia.id, what="look:pack:open", who_id=cast.tom.id)


async def test_sent_twice_is_sent_once(stage: Stage) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    form = said()
    first, second = await send(cast, episode, form), await send(cast, episode, form)
    assert first.headers["location"] == second.headers["location"]
    await stage.beat()
    await stage.beat()
    assert len(stage.mails_to(POLICE)) == 1
    other = await send(cast, episode, {**form, "address": "other@example.org"})
    assert other.status_code == 409
    assert await TimelineEntry.filter(episode_id=episode.id, what="mailed").count() == 1


async def test_two_taps_at_once_are_one_mail(stage: Stage) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    form = said()
    done = await together(send(cast, episode, form), send(cast, episode, form))
    no_fault(done)
    assert {answer.status_code for answer in done} == {303}
    assert await PaperSent.all().count() == 1
    assert await Message.filter(kind="paper").count() == 1


async def test_the_version_that_is_named_is_the_one_on_the_page(stage: Stage) -> None:
    cast, versions = stage.cast, [0]

    async def somebody_changes_it() -> None:
        said = {"aliases": word(versions[-1] + 1)}
        child, tom = cast.children["mia"], cast.actor("tom")
        roles, base, now = {Role.CASEWORKER}, versions[-1], cast.clock()
        made = await actions.put(tom, child, roles, base=base, given=said, now=now)
        versions.append(made.number)

    await somebody_changes_it()
    episode = await say_missing(cast)
    mailing, reader = Mailing("police", POLICE, Copy.POLICE, "en"), Reader("en", PARIS)
    sends = send_mail(cast.actor("tom"), episode, uuid4(), mailing, reader, cast.clock())
    paper = await Between(sends, somebody_changes_it)
    assert len(versions) > 5
    message = await Message.get(subject_id=paper.id)
    made = (await Enclosure.get(message_id=message.id)).content
    page = pypdfium2.PdfDocument(made, password=paper.passphrase)[0].get_textpage()
    assert word(paper.pack_version) in page.get_text_range()
    assert f"Version {paper.pack_version}" in page.get_text_range()
    line = await TimelineEntry.get(episode_id=episode.id, about_id=paper.id)
    assert line.details["pack"] == str(paper.pack_version)


def word(version: int) -> str:
    return f"qx{version:04d}z"


async def test_a_mail_that_does_not_go_out_is_said(stage: Stage) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    answer = await send(cast, episode, said())
    stage.relay.answers["DATA"] = "554 5.7.1 not from you"
    await stage.beat()
    # Two late looks, not one for each call about the child in between.
    for _ in range(2):
        await stage.jump(stage.clock() + timedelta(hours=6.5))
        await stage.beat()
    page = await page_of(cast, answer)
    assert "was not sent" in page
    assert "Print the page" in page


WRONG = [
    ({"to": "nobody"}, "Choose an answer."),
    ({"to": ""}, "Choose an answer."),
    ({"copy": "all"}, "Choose an answer."),
    ({"language": "xx"}, "Choose an answer."),
    ({"address": "police"}, "Enter an email address"),
    ({"address": ""}, "Enter an email address"),
    ({"address": "a@b.example\r\nBcc: x@y.example"}, "Enter"),
]


async def test_what_cannot_be_sent_is_said_beside_it_and_nothing_typed_is_lost(
    stage: Stage,
) -> None:
    episode = await say_missing(stage.cast)
    for wrong, words in WRONG:
        answer = await send(stage.cast, episode, said(**wrong))
        assert answer.status_code == 422, wrong
        assert words in answer.text, wrong
        assert "address" in wrong or POLICE in answer.text, wrong
        assert not await PaperSent.exists(), wrong


async def test_the_page_after_the_mail_leads_to_an_entry_that_knows_its_recipient(
    stage: Stage,
) -> None:
    cast = stage.cast
    await put(cast, "tom", 0, {"aliases": "Mimi"})
    episode = await say_missing(cast)
    page = await page_of(cast, await send(cast, episode, said()))
    found = re.search(r'href="(/desk/episodes/[^"]+/enter/report[^"]*)"', page)
    assert found is not None
    async with at_desk(cast, "tom") as browser:
        entry = (await browser.get(unescape(found[1]))).text
    assert re.search(r'name="to" value="police"[^>]* checked', entry)
    assert re.search(r'name="pack" value="1"', entry)
    # How they were told is for whoever told them to say.
    assert not re.search(r'name="way" value="\w+"[^>]* checked', entry)


async def test_what_a_link_says_that_nobody_may_choose_is_not_chosen(stage: Stage) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    nonsense = "?to=nobody&who=%22%3E%3Cb%3E&words=x&id=1"
    async with at_desk(cast, "tom") as browser:
        entry = await browser.get(f"/desk/episodes/{episode.id}/enter/report{nonsense}")
    assert entry.status_code == 200
    assert entry.text.count("checked") == 1, "only that it was just now"
    assert "<b>" not in entry.text
    assert 'name="id" value="1"' not in entry.text


async def test_once_the_child_was_seen_nothing_is_sent_any_more(stage: Stage) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    async with at_desk(cast, "tom") as browser:
        seen = {"where": "At home", "by": "Tom", "words": "Tired, not hurt."}
        await browser.post(f"/desk/episodes/{episode.id}/found", data=seen)
        page = (await browser.get(f"/desk/episodes/{episode.id}")).text
    assert "Email it" not in page
    answer = await send(cast, episode, said())
    assert answer.status_code == 409
    assert "we send nothing more" in answer.text
    assert not await Message.filter(kind="paper").exists()


@pytest.mark.parametrize("name", ["sam", "uwe"])
async def test_a_person_who_may_not_read_the_pack_cannot_send_it(stage: Stage, name: str) -> None:
    cast = stage.cast
    episode = await say_missing(cast)
    answer = await send(cast, episode, said(), name)
    assert answer.status_code in (403, 404)
    form = said()
    sent = await send(cast, episode, form)
    async with at_desk(cast, name) as browser:
        shown = await browser.get(sent.headers["location"])
    assert shown.status_code in (403, 404)
    assert not PASSPHRASE.search(shown.text)


def test_a_page_reads_the_same_behind_its_passphrase() -> None:
    plain: bytes = typst.compile(b"A page.", format="pdf")
    closed = close(plain, "ABCD-EFGH-JKMN-PQRS")
    document = pypdfium2.PdfDocument(closed, password="ABCD-EFGH-JKMN-PQRS")
    assert document[0].get_textpage().get_text_range() == text_of(plain)
