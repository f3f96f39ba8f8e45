"""What time does to witnesses: they get the list of the day, and the board shows one that nobody
fills in. Nobody is called about it, by day or by night."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from server.audit.actions import SYSTEM
from server.notify.actions import Saying, queue, withdraw
from server.notify.rules import Kind
from server.storage.due_rows import DueRows
from server.web.live import announce
from server.witnesses import lists, reading, rules
from server.witnesses.actions import end
from server.witnesses.models import Witness, WitnessList
from server.witnesses.renewing import renew_ended


async def _plan(witnesses: Sequence[Witness], now: datetime) -> None:
    """Ask each of them about today, and note when they are asked next. After downtime over the end
    of the day, that day is over."""
    for witness in witnesses:
        zone, agreed = reading.zone_of(witness), reading.agreed_with(witness)
        if agreed.until is not None and now.astimezone(zone).date() > agreed.until:
            await end(SYSTEM, witness, now)
            continue
        await renew_ended(witness, now)
        due = reading.due_today(witness, now)
        assert witness.next_list_at is not None
        if due is not None and witness.next_list_at <= due <= now:
            await _ask(witness, due, now)
        await Witness.filter(id=witness.id).update(
            next_list_at=rules.next_list(agreed, zone, now), quarantined_at=None
        )


WITNESSES = DueRows("witness", Witness, _plan, at_once=50, columns=("next_list_at",))


async def _ask(witness: Witness, due: datetime, now: datetime) -> None:
    if not await reading.seats_of(witness.id, now).exists():
        return
    sheet = await reading.list_of_day(witness, now)
    if sheet is None:
        await lists.make([(witness, due)], now, is_asked=True)
        sheet = await WitnessList.get(id=rules.list_id(witness.id, due))
    if sheet.state != "open":
        return  # A register has said it all already.
    await WitnessList.filter(id=sheet.id, asked_at__isnull=True).update(asked_at=now)
    await queue([_saying(witness, sheet)], now)
    await announce(witness.agency_id, "watch")


def _saying(witness: Witness, sheet: WitnessList) -> Saying:
    """Without a sender of its own: it must not name the agency."""
    return Saying(
        kind=Kind.ASK_WITNESS,
        agency_id=witness.agency_id,
        subject_kind="witness_list",
        subject_id=sheet.id,
        outsider_id=witness.id,
        channel=witness.channel,
        expires_at=sheet.ends_at,
        data={
            "path": f"/list/{lists.token_of(sheet)}",
            "to": witness.address,
            "language": witness.language,
        },
    )


async def _go_on(sheets: Sequence[WitnessList], now: datetime) -> None:
    """Nobody has filled these in: the board shows it, until the day is over."""
    for sheet in sheets:
        is_over = sheet.ends_at <= now
        if is_over:
            await withdraw([sheet.id], "expired", now)
        await WitnessList.filter(id=sheet.id).update(
            state="missed" if is_over and sheet.state == "open" else sheet.state,
            told_at=sheet.told_at or now,
            next_action_at=None if is_over else max(sheet.ends_at, now + timedelta(seconds=1)),
            quarantined_at=None,
        )
        await announce(sheet.agency_id, "watch")


LISTS = DueRows("witness_list", WitnessList, _go_on, at_once=50)
