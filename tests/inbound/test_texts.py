"""Texts: forged, replayed, late, from a shared phone; agreed words, and everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.alerts.models import Alert
from server.audit.models import Entry
from server.checkin.duress import listening
from server.checkin.models import CheckIn
from server.errors import Refused
from server.inbound import agreements
from server.inbound.models import Inbound, Texting
from server.inbound.reading import unknown_since
from server.notify.addresses import AddAddress, add_address
from server.notify.models import Address, Message
from server.notify.rules import Kind
from server.notify.wording import Facts, word
from server.people.models import Child
from server.storage.db import fetch
from server.watch import ticking
from server.watch.carer.models import Question
from server.watch.models import Round, Watch
from tests.cast import Cast
from tests.inbound.conftest import SECRET, post, signed, text
from tests.races import no_fault, together

DUE = datetime(2026, 3, 2, 17, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WORDS = {"ok": "soleil", "help": "bleu", "other": "lune"}


async def at(cast: Cast, moment: datetime) -> None:
    """A ticker that is never late has brought us here."""
    while True:
        first = await Watch.filter(next_action_at__lte=moment).order_by("next_action_at").first()
        if first is None or first.next_action_at is None:
            break
        await ticking.WATCHES.tick(first.next_action_at)
    cast.clock.set(moment)


async def agreed(cast: Cast, name: str = "mia", **how: Any) -> Texting:
    values: dict[str, Any] = {
        "channel": "sms",
        "number": "+33 6 12 34 56 78",
        "words": WORDS,
        "replies": True,
    }
    asked = agreements.AgreeTexts(**(values | how))
    return await agreements.agree(cast.actor("tom"), cast.children[name], asked, cast.clock())


async def thanks(cast: Cast) -> int:
    return await Message.filter(kind=Kind.THANKS).count()


# --- the webhook


async def test_the_word_by_text_is_an_answer_of_the_child(cast: Cast) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    answer = await text(cast, " SOLEIL ! ")
    assert (answer.status_code, answer.json()) == (200, {"heard": True})
    kept = await CheckIn.get(child_id=cast.mia.id)
    assert (kept.by_way, kept.by_role, kept.want, kept.mark) == ("sms", "child", "nothing", "a")
    assert (await Round.get(child_id=cast.mia.id, due_at=DUE)).state == "answered"
    [thank] = await Message.filter(kind=Kind.THANKS)
    assert (thank.person_id, thank.channel) == (cast.mia.id, "sms")
    assert await Entry.filter(what="text:word", child_id=cast.mia.id).count() == 1


async def test_a_form_of_a_gateway_is_understood_as_well(cast: Cast) -> None:
    await agreed(cast)
    assert (await text(cast, "soleil", form=True)).status_code == 200
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 1


@pytest.mark.parametrize(
    "how", [{"secret": "another secret, that nobody gave to us"}, {"age_s": 301}, {"age_s": -301}]
)
async def test_what_nobody_of_ours_signed_lately_does_nothing(
    cast: Cast, how: dict[str, Any]
) -> None:
    await agreed(cast)
    answer = await text(cast, "soleil", **how)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")
    assert not await CheckIn.filter(child_id=cast.mia.id).exists()
    assert not await Inbound.all().exists()
    assert await Entry.filter(what="hook:refused").count() == 1


async def test_a_channel_that_nothing_comes_in_by_looks_like_a_wrong_signature(cast: Cast) -> None:
    answer = await text(cast, "soleil", channel="fax")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


async def test_a_flood_of_forged_texts_leaves_an_entry_a_minute(cast: Cast) -> None:
    for n in range(5):
        await text(cast, "soleil", id_=str(n), secret="another secret, that nobody gave to us")
        await text(cast, "soleil", channel="fax")
    assert await Entry.filter(what="hook:refused").count() == 1
    cast.clock.set(cast.clock() + MINUTE)
    await text(cast, "soleil", secret="another secret, that nobody gave to us")
    assert await Entry.filter(what="hook:refused").count() == 2


async def test_a_text_that_was_changed_on_its_way_does_nothing(cast: Cast) -> None:
    await agreed(cast)
    headers = signed(cast, b'{"id":"1","from":"+33612345678","text":"merci"}')
    body = b'{"id":"1","from":"+33612345678","text":"soleil"}'
    answer = await post(cast, body, {**headers, "content-type": "application/json"})
    assert answer.status_code == 401


async def test_a_replayed_text_is_one_answer(cast: Cast) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    for _ in range(3):
        assert (await text(cast, "soleil")).status_code == 200
    await at(cast, DUE + 26 * HOUR)
    before = dict(await Watch.get(child_id=cast.mia.id))
    assert (await text(cast, "soleil")).status_code == 200
    assert dict(await Watch.get(child_id=cast.mia.id)) == before
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 1
    assert await thanks(cast) == 1


async def test_the_same_text_several_times_at_once_is_one_answer(cast: Cast) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    found = await together(*(text(cast, "soleil") for _ in range(4)))
    no_fault(found)
    assert {answer.status_code for answer in found} == {200}
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 1
    assert await Inbound.all().count() == 1
    assert await thanks(cast) == 1


async def test_an_unknown_number_is_counted_and_learns_nothing(cast: Cast) -> None:
    await agreed(cast)
    known = await text(cast, "anything", id_="1")
    stranger = await text(cast, "soleil", sender="+33699999999", id_="2")
    assert (stranger.status_code, stranger.content) == (known.status_code, known.content)
    row = await Inbound.get(what="unknown")
    assert (row.child_id, row.person_id) == (None, None)
    assert await unknown_since(cast.clock()) == 1
    assert await Message.filter(kind=Kind.THANKS).count() == 1


async def test_neither_number_nor_words_stand_in_the_database_readably(cast: Cast) -> None:
    await agreed(cast)
    await text(cast, "je suis chez Karim")
    for table in ("texting", "inbound", "message", "entry", "check_in", "address"):
        rows = str(await fetch(f"SELECT * FROM {table}"))  # noqa: S608 - the names above
        assert not any(word in rows for word in ("612345678", "soleil", "lune", "Karim"))


# --- what a child says


async def test_the_other_word_calls_adults_a_second_later_and_the_first_one_nobody(
    cast: Cast,
) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    await text(cast, "soleil", id_="1")
    assert await listening.CHECK_INS.tick(cast.clock()) == 1
    assert await Alert.all().count() == 0
    cast.clock.advance(minutes=1)
    await text(cast, "lune", id_="2")
    assert await Alert.all().count() == 0, "the path of the answer does not know it"
    assert await listening.CHECK_INS.tick(cast.clock()) == 1
    assert (await Alert.get()).cause == "concern"


async def test_the_other_word_differs_in_its_mark_and_in_nothing_else(cast: Cast) -> None:
    await agreed(cast)
    await at(cast, DUE - HOUR)
    first = await text(cast, "soleil", id_="1")
    second = await text(cast, "lune", id_="2")
    assert first.content == second.content
    assert first.headers.keys() == second.headers.keys()
    one, other = await CheckIn.filter(child_id=cast.mia.id).order_by("mark")
    assert (one.mark, other.mark) == ("a", "b")
    assert (one.want, one.by_way, one.note) == (other.want, other.by_way, other.note)
    rows = [dict(row) for row in await Inbound.all()]
    assert {row["what"] for row in rows} == {"ok"}
    sent = [
        (m.kind, m.channel, m.urgency, m.data, m.expires_at, m.rung, m.turn)
        for m in await Message.filter(kind=Kind.THANKS)
    ]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    entries = await Entry.filter(what="text:word").values_list("names", "why", "about_kind")
    assert entries[0] == entries[1]


async def test_the_word_for_help_calls_adults_at_once_wherever_it_stands(cast: Cast) -> None:
    await agreed(cast)
    await text(cast, "vite, BLEU stp")
    [alert] = await Alert.filter(child_id=cast.mia.id, cause="help")
    [called, *_] = await Message.filter(subject_id=alert.id)
    assert called.person_id == cast.tom.id
    assert (await CheckIn.get(child_id=cast.mia.id)).want == "help"


async def test_other_words_are_kept_told_and_settle_nothing(cast: Cast) -> None:
    await agreed(cast)
    await at(cast, DUE + 10 * MINUTE)
    await text(cast, "je suis chez Karim")
    assert not await CheckIn.filter(child_id=cast.mia.id).exists()
    assert (await Round.get(child_id=cast.mia.id, due_at=DUE)).state == "open"
    watch = await Watch.get(child_id=cast.mia.id)
    assert (watch.answered_at, watch.heard_at, watch.heard_way) == (None, cast.clock(), "text")
    [told] = await Message.filter(kind=Kind.TALK)
    assert told.person_id == cast.tom.id
    await cast.new_token("tom")
    async with cast.browser_as("tom") as browser:
        page = (await browser.get(f"/desk/children/{cast.mia.id}")).text
    assert "je suis chez Karim" in page


async def test_a_flood_of_words_is_kept_whole_and_told_once(cast: Cast) -> None:
    await agreed(cast)
    for n in range(8):
        await text(cast, f"number {n}", id_=str(n))
    assert await Inbound.filter(child_id=cast.mia.id, what="words").count() == 8
    assert await Message.filter(kind=Kind.TALK).count() == 1


async def test_a_very_long_text_is_not_thrown_away(cast: Cast) -> None:
    await agreed(cast)
    assert (await text(cast, "a " * 20_000)).status_code == 200
    assert len((await Inbound.get(child_id=cast.mia.id)).text or "") == 5_000


async def test_a_shared_phone_is_told_apart_by_its_words(cast: Cast) -> None:
    await agreed(cast)
    await agreed(cast, "noor", words={"ok": "rain", "help": "help"})
    await text(cast, "rain", id_="1")
    assert await CheckIn.filter(child_id=cast.noor.id).count() == 1
    assert not await CheckIn.filter(child_id=cast.mia.id).exists()
    await text(cast, "who is there", id_="2")
    rows = await Inbound.filter(what="words").order_by("nth")
    assert {row.child_id for row in rows} == {cast.mia.id, cast.noor.id}
    assert all(row.is_shared for row in rows)


async def test_two_children_of_one_number_cannot_have_the_same_word(cast: Cast) -> None:
    await agreed(cast)
    with pytest.raises(Refused) as fault:
        await agreed(cast, "noor", words={"ok": "Soleil", "help": "help"})
    assert fault.value.field == "ok"


@pytest.mark.parametrize("typed", ["06 12 34 56 78", "mia@example.org", "", "+"])
async def test_a_number_without_its_country_is_not_agreed(cast: Cast, typed: str) -> None:
    with pytest.raises(Refused) as fault:
        await agreed(cast, number=typed)
    assert fault.value.field == "number"


async def test_what_was_agreed_before_ends_with_what_is_agreed_now(cast: Cast) -> None:
    await agreed(cast)
    await agreed(cast, words={"ok": "rain", "help": "help"})
    await text(cast, "soleil", id_="1")
    assert not await CheckIn.filter(child_id=cast.mia.id).exists()
    await text(cast, "rain", id_="2")
    assert await CheckIn.filter(child_id=cast.mia.id).count() == 1
    assert await Texting.filter(child_id=cast.mia.id, ended_at__isnull=True).count() == 1


async def test_agreeing_twice_at_once_leaves_one(cast: Cast) -> None:
    no_fault(await together(*(agreed(cast) for _ in range(3))))
    assert await Texting.filter(child_id=cast.mia.id, ended_at__isnull=True).count() == 1


async def test_after_the_end_the_number_is_a_stranger_s(cast: Cast) -> None:
    await agreed(cast)
    await agreements.end(cast.actor("tom"), cast.mia.id, cast.clock())
    await agreements.end(cast.actor("tom"), cast.mia.id, cast.clock())
    await text(cast, "soleil")
    assert (await Inbound.get()).what == "unknown"
    assert not await Address.filter(person_id=cast.mia.id, dropped_at__isnull=True).exists()


async def test_no_reply_where_none_was_agreed(cast: Cast) -> None:
    await agreed(cast, replies=False)
    await text(cast, "soleil")
    assert await thanks(cast) == 0
    assert not await Address.filter(person_id=cast.mia.id, channel="sms").exists()


async def test_the_number_counts_as_a_way_to_the_child_once_it_has_texted(cast: Cast) -> None:
    await agreed(cast)
    address = await Address.get(person_id=cast.mia.id, channel="sms")
    assert address.verified_at is None
    await text(cast, "hello")
    assert (await Address.get(id=address.id)).verified_at == cast.clock()


async def test_help_is_heard_after_the_placement_has_ended(cast: Cast) -> None:
    await agreed(cast)
    await Child.filter(id=cast.mia.id).update(left_at=cast.clock())
    await text(cast, "bleu")
    assert await Alert.filter(child_id=cast.mia.id, cause="help").count() == 1


async def test_the_phone_of_the_child_learns_where_help_is_texted_to_and_not_the_other_word(
    cast: Cast,
) -> None:
    async with cast.client_as("mia") as mia:
        assert "help_text" not in (await mia.get("/api/v1/me")).json()
        await agreed(cast)
        said = await mia.get("/api/v1/me")
    assert said.json()["help_text"] == {"number": "+33755550000", "word": "bleu"}
    assert "lune" not in said.text
    assert "soleil" not in said.text


# --- what an adult answers


async def reachable(cast: Cast, name: str, value: str, *, channel: str = "sms") -> None:
    await add_address(
        cast.actor(name),
        cast.persons[name].id,
        AddAddress(channel=channel, value=value, is_proven=True),
        cast.clock(),
    )


async def sent_to(cast: Cast, name: str, kind: Kind) -> Message:
    return await Message.get(person_id=cast.persons[name].id, kind=kind.value, channel="sms")


async def called(cast: Cast) -> tuple[Alert, str]:
    """Tom was called by text about Mia, who wants help; his message and its code."""
    await reachable(cast, "tom", "+33611112222")
    await agreed(cast)
    await text(cast, "bleu", id_="help")
    alert = await Alert.get(child_id=cast.mia.id, cause="help")
    return alert, (await sent_to(cast, "tom", Kind.ALERT)).data["reply"]


async def test_an_adult_takes_an_alert_by_its_code(cast: Cast) -> None:
    alert, code = await called(cast)
    await text(cast, f"1 {code.lower()}", sender="0033611112222", id_="a")
    after = await Alert.get(id=alert.id)
    assert (after.acknowledged_by, after.state) == (cast.tom.id, "acknowledged")
    assert await Entry.filter(what="text:acknowledge", who_id=cast.tom.id).count() == 1


@pytest.mark.parametrize("reply", ["1", "1 ZZZZ", "hello", "2 {code}", "{code}"])
async def test_a_reply_that_is_not_clear_takes_nothing_and_is_kept(cast: Cast, reply: str) -> None:
    alert, code = await called(cast)
    await text(cast, reply.format(code=code), sender="+33611112222", id_="a")
    assert (await Alert.get(id=alert.id)).acknowledged_by is None
    row = await Inbound.get(person_id=cast.tom.id)
    assert (row.what, row.text) == ("nothing", reply.format(code=code))


async def test_a_code_is_worth_nothing_from_another_number(cast: Cast) -> None:
    alert, code = await called(cast)
    await reachable(cast, "eve", "+33655556666")
    await text(cast, f"1 {code}", sender="+33655556666", id_="a")
    await text(cast, f"1 {code}", sender="+33677778888", id_="b")
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


async def test_a_number_that_was_never_proved_answers_for_nobody(cast: Cast) -> None:
    alert, code = await called(cast)
    await Address.filter(person_id=cast.tom.id, channel="sms").update(verified_at=None)
    await text(cast, f"1 {code}", sender="+33611112222", id_="a")
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


async def test_a_code_answers_once_and_for_a_day(cast: Cast) -> None:
    alert, code = await called(cast)
    cast.clock.set(cast.clock() + timedelta(hours=25))
    await text(cast, f"1 {code}", sender="+33611112222", id_="a")
    assert (await Alert.get(id=alert.id)).acknowledged_by is None


async def test_an_alert_another_adult_took_stays_theirs_when_a_text_tries_to_take_it(
    cast: Cast,
) -> None:
    alert, code = await called(cast)
    async with cast.client_as("ines") as ines:
        assert (await ines.post(f"/api/v1/alerts/{alert.id}/acknowledge", json={})).is_success
    answer = await text(cast, f"1 {code}", sender="+33611112222", id_="a")
    assert answer.status_code == 200
    assert (await Alert.get(id=alert.id)).acknowledged_by == cast.ines.id
    [entry] = await Entry.filter(what="text:acknowledge")
    assert entry.why == "taken"


@pytest.mark.parametrize(("reply", "what"), [("1", "seen"), ("oui", "seen"), ("2", "not_seen")])
async def test_a_carer_answers_the_question_by_text(cast: Cast, reply: str, what: str) -> None:
    await reachable(cast, "sam", "+33633334444")
    await at(cast, DUE + 65 * MINUTE)
    question = await Question.get(child_id=cast.mia.id)
    code = (await sent_to(cast, "sam", Kind.ASK_CARER)).data["reply"]
    await text(cast, f"{reply} {code}", sender="+33633334444", id_="a")
    await text(cast, f"2 {code}", sender="+33633334444", id_="b")
    assert (await Question.get(id=question.id)).answer == what


async def test_a_mail_answers_too_and_what_it_quotes_does_not_count(cast: Cast) -> None:
    await reachable(cast, "sam", "sam@example.org", channel="email")
    await at(cast, DUE + 65 * MINUTE)
    message = await Message.get(person_id=cast.sam.id, kind=Kind.ASK_CARER.value)
    body = f"1 {message.data['reply']}\n\nOn Monday Planner wrote:\n> 2 {message.data['reply']}"
    await text(cast, body, sender="Sam@example.org", channel="email")
    assert (await Question.get(child_id=cast.mia.id)).answer == "seen"


async def test_the_message_says_how_to_answer_and_a_push_does_not(cast: Cast) -> None:
    facts = Facts(display_name="Planner", url="https://x", reply_code="A7K2")
    said = word(Kind.ALERT, "en", facts).body
    assert "To take it, reply: 1 A7K2" in said
    assert word(Kind.THANKS, "en", facts).body == "Thank you."
    await called(cast)
    assert not any("reply" in (m.data or {}) for m in await Message.filter(channel__not="sms"))


def test_the_secret_of_the_gateway_is_in_no_repr(cast: Cast) -> None:
    assert SECRET.replace(" ", "-") not in repr(cast.settings)
