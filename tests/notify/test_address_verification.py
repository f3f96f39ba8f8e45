"""An address counts once somebody has answered from there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from server.errors import NotFound, Refused, TooMany
from server.notify.address_verification import (
    MOST_CODES,
    MOST_WRONG,
    enter_address,
    prove,
    prove_by_link,
    read_link,
    send_code,
)
from server.notify.addresses import AddAddress, add_address, drop_address
from server.notify.models import Address, Message
from server.notify.rules import Kind
from tests.notify.test_worker import say, send
from tests.races import no_fault, together
from tests.walks.stage import LAST_RESORT, Stage

MAIL = "tom@example.org"
MINUTE = timedelta(minutes=1)


async def entered(stage: Stage, name: str = "tom", address: str = MAIL) -> Address:
    person = stage.cast.persons[name]
    return await enter_address(stage.cast.actor(name), person.id, "email", address, stage.clock())


async def proven(stage: Stage, address: str) -> None:
    actor, tom = stage.cast.actor("tom"), stage.cast.tom
    await add_address(actor, tom.id, AddAddress(channel="email", value=address), stage.clock())


async def code_at(stage: Stage, address: str = MAIL) -> tuple[str, str]:
    """The code and the link of the last mail there."""
    await send(stage)
    text = "\n".join(stage.mails_to(address)[-1].read())
    code = re.search(r"\b(\d{6})\b", text)
    link = re.search(r"/reach/(\S+)", text)
    assert code is not None
    assert link is not None
    return code[1], link[1]


async def tell(stage: Stage, address: Address, code: str) -> None:
    tom = stage.cast.tom
    await prove(stage.cast.actor("tom"), tom.id, address.id, code, stage.clock())


async def test_the_code_that_arrives_there_makes_an_address_count(stage: Stage) -> None:
    address = await entered(stage)
    assert address.verified_at is None
    code, _ = await code_at(stage)
    await tell(stage, address, code)
    await tell(stage, address, code)
    found = await Address.get(id=address.id)
    assert found.verified_at == stage.clock()
    assert (await Message.get(kind=Kind.VERIFY)).seen_at == stage.clock()


async def test_the_link_beside_it_does_the_same_and_reading_it_does_nothing(stage: Stage) -> None:
    address = await entered(stage)
    _, link = await code_at(stage)
    await read_link(link, stage.clock())
    assert (await Address.get(id=address.id)).verified_at is None
    await prove_by_link(link, stage.clock())
    assert (await prove_by_link(link, stage.clock())).verified_at == stage.clock()


async def test_digits_of_another_keyboard_are_digits(stage: Stage) -> None:
    address = await entered(stage)
    code, _ = await code_at(stage)
    arabic = code.translate({ord(str(n)): 0x660 + n for n in range(10)})
    await tell(stage, address, f" {arabic[:3]} {arabic[3:]} ")
    assert (await Address.get(id=address.id)).verified_at is not None


async def test_guesses_are_counted_and_burn_the_code(stage: Stage) -> None:
    address = await entered(stage)
    code, _ = await code_at(stage)
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(MOST_WRONG):
        with pytest.raises(Refused, match="That code is wrong"):
            await tell(stage, address, wrong)
    with pytest.raises(Refused, match="expired"):
        await tell(stage, address, code)
    assert (await Address.get(id=address.id)).verified_at is None


async def test_guesses_at_once_are_each_counted(stage: Stage) -> None:
    address = await entered(stage)
    code, _ = await code_at(stage)
    wrong = "000000" if code != "000000" else "111111"
    await together(*(tell(stage, address, wrong) for _ in range(MOST_WRONG)))
    assert (await Address.get(id=address.id)).code_wrong == MOST_WRONG


async def test_a_code_is_over_after_half_an_hour_and_so_is_its_link(stage: Stage) -> None:
    address = await entered(stage)
    code, link = await code_at(stage)
    stage.clock.advance(minutes=31)
    with pytest.raises(Refused, match="expired"):
        await tell(stage, address, code)
    with pytest.raises(NotFound):
        await prove_by_link(link, stage.clock())


async def test_another_code_ends_the_one_before_it(stage: Stage) -> None:
    address, tom = await entered(stage), stage.cast.tom
    first, link = await code_at(stage)
    await send_code(stage.cast.actor("tom"), tom.id, address.id, stage.clock())
    assert await Message.filter(kind=Kind.VERIFY).count() == 1, "within a minute it is the same"
    stage.clock.advance(minutes=2)
    await send_code(stage.cast.actor("tom"), tom.id, address.id, stage.clock())
    second, _ = await code_at(stage)
    with pytest.raises(NotFound):
        await read_link(link, stage.clock())
    if first != second:
        with pytest.raises(Refused):
            await tell(stage, address, first)
    await tell(stage, address, second)


async def test_nobody_has_strangers_rung_all_day(stage: Stage) -> None:
    for number in range(MOST_CODES):
        await entered(stage, address=f"stranger{number}@example.org")
    with pytest.raises(TooMany):
        await entered(stage, address="one-more@example.org")
    assert not await Address.filter(person_id=stage.cast.tom.id).count() > MOST_CODES


async def test_an_address_is_nobody_elses_to_prove(stage: Stage) -> None:
    address = await entered(stage)
    code, link = await code_at(stage)
    eve, now = stage.cast.actor("eve"), stage.clock()
    with pytest.raises(NotFound):
        await prove(eve, stage.cast.eve.id, address.id, code, now)
    with pytest.raises(NotFound):
        await send_code(eve, stage.cast.eve.id, address.id, now)
    await drop_address(stage.cast.actor("tom"), stage.cast.tom.id, address.id, now)
    with pytest.raises(NotFound):
        await prove_by_link(link, now)


async def test_entered_twice_in_one_moment_it_stands_once_and_sends_one_code(
    stage: Stage,
) -> None:
    no_fault(await together(*(entered(stage) for _ in range(4))))
    assert await Address.filter(dropped_at__isnull=True).count() == 1
    assert await Message.filter(kind=Kind.VERIFY).count() == 1


# --- what does not count


async def test_who_has_no_way_that_counts_is_told_besides_and_the_last_resort_is_called(
    stage: Stage,
) -> None:
    await entered(stage)
    await code_at(stage)
    before = len(stage.mails_to(MAIL))
    await say(stage)
    while await send(stage):
        pass
    assert len(stage.mails_to(MAIL)) == before + 1
    assert len(stage.mails_to(LAST_RESORT)) == 1


async def test_what_counts_goes_first_and_the_rest_is_in_addition(stage: Stage) -> None:
    tom = stage.cast.tom
    await add_address(
        stage.cast.actor("tom"),
        tom.id,
        AddAddress(channel="email", value="old@example.org"),
        stage.clock(),
    )
    await entered(stage)
    await code_at(stage)
    before = len(stage.mails_to(MAIL))
    await say(stage)
    while await send(stage):
        pass
    assert len(stage.mails_to("old@example.org")) == 1
    assert len(stage.mails_to(MAIL)) == before + 1
    assert not stage.mails_to(LAST_RESORT)


async def test_what_only_an_unproven_address_took_is_not_done(stage: Stage) -> None:
    tom = stage.cast.tom
    await add_address(
        stage.cast.actor("tom"),
        tom.id,
        AddAddress(channel="email", value="gone@example.org"),
        stage.clock(),
    )
    await entered(stage)
    await code_at(stage)
    stage.relay.refused.add("gone@example.org")
    await say(stage)
    while await send(stage):
        pass
    assert (await Message.get(kind=Kind.ALERT, channel="email")).state == "failed"
    # Beside the call, operators hear that an address was refused.
    words = ["\n".join(mail.read()) for mail in stage.mails_to(LAST_RESORT)]
    assert sorted("email:no_mailbox" in text for text in words) == [False, True]
