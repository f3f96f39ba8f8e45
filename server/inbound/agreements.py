"""What a caseworker and a child agree in person: a number, and words with a meaning."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from server.audit.actions import Actor, note
from server.errors import Refused
from server.i18n import N_
from server.inbound.models import Texting
from server.inbound.rules import Meant, fold, number, wrong_word
from server.notify.addresses import AddAddress, add_address, drop_address
from server.notify.rules import EMAIL, PUSH
from server.people.models import Child
from server.security import encryption
from server.storage.db import write

_WHY = {
    "length": N_("Use a word of 2 to 40 letters or digits."),
    "taken": N_("Choose another word. For this number, it already means something else."),
}


def number_index(channel: str, text: str) -> str:
    """The index by which a number is found, however it is written."""
    return encryption.blind(f"texting {channel} {(number(text) or text).removeprefix('+')}")


class AgreeTexts(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed: a number as it was typed, words by their meaning, whether we text back."""

    channel: str
    number: str
    words: Mapping[str, str]
    replies: bool


async def agree(actor: Actor, child: Child, asked: AgreeTexts, now: datetime) -> Texting:
    """From now on these words from this number are the child's. The earlier agreement ends.

    Raises Refused, naming the field, for no number, for words that are too short or too alike, and
    for one that another child with the same number has.
    """
    assert actor.id is not None
    plain, words = _number(asked.number), _words(asked.words)
    async with write():
        await Child.filter(id=child.id).select_for_update().first()
        index = number_index(asked.channel, plain)
        _check(words, await _taken(child.id, index))
        await _end(actor, child.id, now)
        texting = await Texting.create(
            agency_id=child.agency_id,
            child_id=child.id,
            channel=asked.channel,
            number=plain,
            number_index=index,
            words=words,
            replies=asked.replies,
            address_id=await _address_id(actor, child, asked, plain, now),
            agreed_by=actor.id,
            agreed_at=now,
        )
        await _note(actor, child.id, "texting:agree", texting.id, now)
    return texting


def _number(text: str) -> str:
    plain = number(text)
    if plain is None or not plain.startswith("+"):
        raise Refused(
            N_("Enter the number with its country code, such as +33 6 12 34 56 78."), field="number"
        )
    return plain


def _words(words: Mapping[str, str]) -> dict[str, str]:
    """The words without empty ones."""
    typed = {what.value: words.get(what, "").strip() for what in Meant}
    return {what: word for what, word in typed.items() if word}


async def _address_id(
    actor: Actor, child: Child, asked: AgreeTexts, plain: str, now: datetime
) -> UUID | None:
    """The address to which we text back; None where we do not."""
    if not asked.replies or asked.channel in (PUSH, EMAIL):
        return None
    speaker = Actor(actor.id, actor.role, actor.agency_id)
    new = AddAddress(channel=asked.channel, value=plain, is_proven=False)
    address, _ = await add_address(speaker, child.id, new, now)
    return address.id


def _check(words: Mapping[str, str], taken: list[str]) -> None:
    whole = {what.value: words.get(what, "") for what in (Meant.OK, Meant.HELP)}
    if words.get(Meant.OTHER):
        whole[Meant.OTHER.value] = words[Meant.OTHER]
    wrong = wrong_word(whole, taken)
    if wrong is not None:
        raise Refused(_WHY[wrong[1]], field=wrong[0])


async def _taken(child_id: UUID, index: str) -> list[str]:
    """What other children who share this number have agreed."""
    others = Texting.filter(number_index=index, ended_at__isnull=True).exclude(child_id=child_id)
    return [fold(word) for texting in await others for word in texting.words.values()]


async def end(actor: Actor, child_id: UUID, now: datetime) -> None:
    """Texts from the number are no longer the child's. Twice is once."""
    async with write():
        await _end(actor, child_id, now)


async def _end(actor: Actor, child_id: UUID, now: datetime) -> None:
    held = await Texting.get_or_none(child_id=child_id, ended_at__isnull=True)
    if held is None:
        return
    await Texting.filter(id=held.id).update(ended_at=now, ended_by=actor.id)
    if held.address_id is not None:
        await drop_address(actor, child_id, held.address_id, now)
    await _note(actor, child_id, "texting:end", held.id, now)


async def _note(actor: Actor, child_id: UUID, what: str, about: UUID, now: datetime) -> None:
    await note(actor, what, child_id=child_id, about=("texting", about), now=now)
