"""What a gateway signed is heard by an adult, whatever is in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

import msgspec
import pytest

from server.alerts.models import Alert
from server.audit.actions import Actor
from server.audit.models import Entry
from server.checkin.models import CheckIn
from server.inbound import agreements
from server.inbound.models import Inbound
from server.notify.actions import set_last_resorts
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.people.models import Agency, Child, Person, Tie
from server.watch.models import Watch
from tests.cast import Cast
from tests.inbound.conftest import NUMBER, post, signed, text
from tests.inbound.test_links import a_link, phone
from tests.inbound.test_texts import agreed

FORM = "application/x-www-form-urlencoded"
LIST = "/desk/texts"


async def hand_in(cast: Cast, body: bytes, kind: str = "application/json") -> None:
    answer = await post(cast, body, {**signed(cast, body), "content-type": kind})
    assert (answer.status_code, answer.json()) == (200, {"heard": True}), answer.text


async def told(cast: Cast, kind: Kind = Kind.TALK) -> list[Message]:
    return await Message.filter(kind=kind).order_by("queued_at", "id")


async def page(cast: Cast, name: str, path: str = LIST) -> str:
    await cast.new_token(name)
    async with cast.browser_as(name) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("words", ["bleu\x00", "vite\x00 bleu", "bleu \ud83d", "\ufffd bleu wm1.x"])
async def test_the_word_for_help_is_heard_beside_what_cannot_be_stored(
    cast: Cast, words: str
) -> None:
    await agreed(cast)
    body = f'{{"id":"1","from":"{NUMBER}","text":{msgspec.json.encode(words[:0]).decode()}}}'
    escaped = words.encode("utf-16-be", "surrogatepass").hex()
    text_ = "".join(f"\\u{escaped[at : at + 4]}" for at in range(0, len(escaped), 4))
    await hand_in(cast, body.replace('""', f'"{text_}"').encode())
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":"1","from":"+33612345678","text":"bl\xc3\xa9u \xff bleu"}',
        b'{"id":"1","from":"+33612345678","text":"raw \x00 \x07 bleu"}',
        b'{"id":1,"from":33612345678,"text":"bleu","received_at":7,"more":{"a":[1]}}',
        b'{"from":"+33612345678","text":"bleu","received_at":"never"}',
        '{"id":"1","from":"+33612345678","text":"bleu"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"id":"1","from":"+33612345678","text":"bleu"}',
        b"id=1&from=%2B33612345678&text=bleu%00",
        b"id=1&from=%2B33612345678&text=%ff%fe+bleu",
        msgspec.json.encode({"id": "x" * 900, "from": NUMBER, "text": "a " * 20_000 + "bleu"}),
        msgspec.json.encode({"id": "1", "from": NUMBER, "text": "bleu" + " a" * 300_000}),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", FORM, "text/plain", ""])
async def test_help_is_heard_however_the_gateway_wraps_it(
    cast: Cast, body: bytes, kind: str
) -> None:
    await agreed(cast)
    await hand_in(cast, body, kind)
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_a_mail_with_a_file_is_heard(cast: Cast) -> None:
    await agreed(cast)
    parts = [
        ("id", b"1"),
        ("from", NUMBER.encode()),
        ("text", b"bleu"),
        ('file"; filename="a.png', b"\x89PNG\x00" * 90_000),
    ]
    body = b"".join(
        b'--cut\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts
    )
    await hand_in(cast, body + b"--cut--\r\n", "multipart/form-data; boundary=cut")
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_a_word_in_another_charset_is_the_agreed_word(cast: Cast) -> None:
    await agreed(cast, words={"ok": "soleil", "help": "détresse"})
    word = quote_from_bytes("détresse".encode("latin-1"))
    await hand_in(cast, f"id=1&from=%2B33612345678&text={word}".encode(), FORM)
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


@pytest.mark.parametrize("words", ["soleil", "lune"])
async def test_a_damaged_text_never_says_that_all_is_well(cast: Cast, words: str) -> None:
    await agreed(cast)
    await text(cast, f"\x00 {words}\x00 \x00", id_="1")
    assert not await CheckIn.all().exists()
    [message] = await told(cast)
    assert (message.person_id, message.child_id) == (cast.tom.id, cast.mia.id)
    # A gateway ends its texts with a NUL: nothing is missing.
    await text(cast, f"{words}\x00", id_="2")
    assert await CheckIn.all().count() == 1


@pytest.mark.parametrize("value", ["null", "[1]", '""', '" \\u0000 "', "true", '{"a": 1}'])
async def test_what_cannot_be_read_from_a_child_s_number_is_told_to_their_caseworker(
    cast: Cast, value: str
) -> None:
    await agreed(cast)
    await hand_in(cast, f'{{"id":"1","from":"{NUMBER}","text":{value}}}'.encode())
    assert not await CheckIn.all().exists()
    [message] = await told(cast)
    assert (message.person_id, message.child_id) == (cast.tom.id, cast.mia.id)
    for path in ("", "/without-app"):
        child = await page(cast, "tom", f"/desk/children/{cast.mia.id}{path}")
        assert "A message that we could not read" in child
    assert await Entry.filter(what="text:words", child_id=cast.mia.id).count() == 1


async def test_a_text_of_a_child_without_a_caseworker_is_told_to_the_next_rung(cast: Cast) -> None:
    await agreed(cast)
    await Tie.filter(person_id=cast.tom.id).delete()
    await text(cast, "je suis chez Karim")
    assert cast.ines.id in {message.person_id for message in await told(cast)}


async def test_help_by_text_after_the_placement_never_began_is_told(cast: Cast) -> None:
    await agreed(cast)
    await Watch.filter(child_id=cast.mia.id).delete()
    answer = await text(cast, "bleu")
    assert answer.status_code == 200
    [message] = await told(cast)
    assert (message.person_id, message.child_id) == (cast.tom.id, cast.mia.id)


async def test_another_text_under_the_same_id_is_heard(cast: Cast) -> None:
    await agreed(cast)
    await text(cast, "je suis chez Karim", id_="0")
    await text(cast, "bleu", id_="0")
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"soleil",
        b"\x00\xff\xfe",
        b"",
        b'{"id":"1","text":"aide"}',
        b'{"id":"1","from":[],"text":"aide"}',
        b"[" * 200_000,
        b'{"id":"1","from":"+33699999998","text":"' + b"b" * 1_500_000 + b'"}',
        b'{"id":"1","from":"+33699999999","text":' + b"9" * 6_000 + b"e1}",
        b'{"id":"1","from":"+33699999999","text":"aide"}',
        b'{"id":"1","from":"+33699999999","text":7.5}',
    ],
)
async def test_what_is_of_nobody_we_know_is_told_to_the_supervisors_of_the_agency(
    cast: Cast, body: bytes
) -> None:
    await Agency.exclude(id=cast.agency.id).update(is_area=True)
    await agreed(cast)
    await hand_in(cast, body)
    await hand_in(cast, body)
    [message] = await told(cast)
    assert (message.person_id, message.agency_id) == (cast.ines.id, cast.agency.id)
    assert (message.child_id, (message.data or {})["path"]) == (None, LIST)
    row = await Inbound.get(what="unknown")
    assert row.agency_id == cast.agency.id
    shown = await page(cast, "ines")
    expects = "aide" if b"aide" in body else "A message that we could not read"
    assert expects in shown
    assert ("+33699999999" in shown) is (b"+33699999999" in body)


async def test_of_two_agencies_with_one_gateway_each_hears_and_neither_reads(cast: Cast) -> None:
    await agreed(cast)
    mine = await Agency.get(id=cast.agency.id)
    other = await Agency.exclude(id=mine.id).first()
    assert other is not None
    now = cast.clock()
    await Person.filter(agency_id=other.id, role="caseworker").update(role="supervisor")
    held = Person.filter(agency_id=other.id, role="supervisor")
    theirs = [person.id for person in await held]
    lia = await Child.filter(agency_id=other.id).first()
    assert lia is not None
    asked = agreements.AgreeTexts(
        channel="sms", number="+33600000002", words={"ok": "sun", "help": "rain"}, replies=False
    )
    await agreements.agree(Actor(theirs[0], "supervisor", other.id), lia, asked, now)
    await text(cast, "aide", sender="+33699999999")
    assert {message.person_id for message in await told(cast)} == {cast.ines.id, *theirs}
    row = await Inbound.get(what="unknown")
    assert (row.at, row.agency_id) == (now, None)
    assert row.text is None
    assert row.sender is None
    shown = await page(cast, "ines")
    assert "aide" not in shown
    assert "We do not know whose it is" in shown


async def an_address(cast: Cast, agency_id: Any, person_id: Any) -> None:
    actor = Actor(person_id, "supervisor", agency_id)
    new = AddAddress(channel="sms", value="+33600000001")
    address, _ = await add_address(actor, person_id, new, cast.clock())
    await Address.filter(id=address.id).update(verified_at=cast.clock())


async def test_a_text_of_a_colleague_that_answers_nothing_is_told(cast: Cast) -> None:
    await an_address(cast, cast.agency.id, cast.sam.id)
    await text(cast, "cannot find her anywhere", sender="+33600000001")
    assert [message.person_id for message in await told(cast)] == [cast.ines.id]
    shown = await page(cast, "ines")
    assert "cannot find her anywhere" in shown
    assert "Sam" in shown


async def test_a_flood_of_strangers_is_one_message_an_hour_and_a_page_of_the_last(
    cast: Cast,
) -> None:
    await agreed(cast)
    for number in range(30):
        await text(cast, f"buy now {number}.", sender="+33699999999", id_=str(number))
        cast.clock.advance(seconds=1)
    assert len(await told(cast)) == 1
    shown = await page(cast, "ines")
    assert "buy now 29." in shown
    assert "buy now 3." not in shown
    assert "buy now 3." in await page(cast, "ines", f"{LIST}?page=2")
    cast.clock.advance(hours=1)
    await text(cast, "buy now", sender="+33699999999", id_="later")
    assert len(await told(cast)) == 2


async def test_where_an_agency_has_no_supervisor_it_support_hears_of_it(cast: Cast) -> None:
    await agreed(cast)
    await Person.filter(agency_id=cast.agency.id, role="supervisor").update(
        disabled_at=cast.clock()
    )
    set_last_resorts(1)
    try:
        await text(cast, "aide", sender="+33699999999")
    finally:
        set_last_resorts(0)
    assert not await told(cast)
    [message] = await Message.filter(kind=Kind.OPERATORS)
    assert message.data == {"fault": "text:nobody"}


async def test_only_a_supervisor_or_who_is_on_duty_reads_them(cast: Cast) -> None:
    for name, status in (("ines", 200), ("tom", 403), ("sam", 403), ("root", 403), ("eve", 403)):
        async with cast.browser_as(name) as browser:
            assert (await browser.get(LIST)).status_code == status, name


async def test_a_text_of_a_month_ago_is_no_longer_shown(cast: Cast) -> None:
    await agreed(cast)
    await text(cast, "aide", sender="+33699999999")
    cast.clock.advance(hours=24 * 31)
    assert "aide" not in await page(cast, "ines")


@pytest.mark.parametrize("id_", ["\x00", "nonsense", "x" * 3_000])
async def test_help_by_a_link_is_heard_whatever_the_page_sends_beside_it(
    cast: Cast, id_: str
) -> None:
    _, path = await a_link(cast)
    async with phone(cast) as browser:
        answer = await browser.post(path, data={"want": "help", "id": id_, "more": "\x00"})
    assert answer.status_code == 303
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1
