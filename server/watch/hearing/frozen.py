"""What is known when an alert about a silence opens, as it is frozen into the alert: times and
codes, from the same sources that the pages read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from server.alerts.weighed import as_data, carer_asked, since_sign
from server.notify.devices import reached_of
from server.watch.carer.evidence import asked, placed_and_seen
from server.watch.facts import Asked
from server.watch.machine.standing import Change
from server.watch.machine.weighing import weighed
from server.watch.models import Blind
from server.watch.watch_state import WatchState


async def facts_of(
    called: Sequence[tuple[WatchState, Change]], blind: Blind | None, now: datetime
) -> dict[UUID, dict[str, Any]]:
    """By child. `blind`: the time in which we were down, if an alert became true in it."""
    ids = [case.watch.child_id for case, _ in called]
    pushes, here = await reached_of(ids, now), await placed_and_seen(ids, now)
    questions = await asked([_standing(case) for case, _ in called], {})
    down = [blind.from_at.isoformat(), blind.until_at.isoformat()] if blind is not None else []
    facts = {}
    for case, change in called:
        child_id = case.watch.child_id
        push, question = pushes.get(child_id), questions.get(child_id)
        facts[child_id] = {
            **_moments(case, change, push.silent_since if push is not None else None, question),
            "has_carer": case.terms.has_carer,
            "weighed": _weighed(case, change, *here[child_id], question),
            **({"unseen": down} if down else {}),
        }
    return facts


def _standing(case: WatchState) -> dict[str, Any]:
    standing = case.standing
    return {
        "child_id": case.watch.child_id,
        "missed_due_at": standing.missed_due_at,
        "asked_at": standing.asked_at,
    }


def _moments(
    case: WatchState, change: Change, push_silent_since: datetime | None, question: Asked | None
) -> dict[str, str]:
    watch = case.watch
    moments = {
        "due_at": change.due_at,
        "answered_at": watch.answered_at,
        "app_seen_at": watch.app_seen_at,
        "old_came_at": watch.old_came_at,
        "asked_at": question.at if question is not None and question.is_out else None,
        "push_silent_since": push_silent_since,
    }
    facts = {name: at.isoformat() for name, at in moments.items() if at is not None}
    if watch.heard_at is not None and watch.heard_way is not None:
        facts |= {"heard_at": watch.heard_at.isoformat(), "heard_way": watch.heard_way}
    return facts


def _weighed(
    case: WatchState,
    change: Change,
    placed_at: datetime,
    seen_at: datetime | None,
    question: Asked | None,
) -> list[dict[str, Any]]:
    """What weighed, the heaviest first. The rules count a silence also from what is no sign, and
    from when the carer was to be asked."""
    watch = case.watch
    heard = [watch.answered_at, watch.heard_at, seen_at]
    heard = heard if any(heard) else [watch.old_came_at]
    heavy = since_sign(weighed(case.standing, case.terms, change.why, change.at), heard, placed_at)
    at, is_out = (question.at, question.is_out) if question is not None else (None, False)
    return as_data(carer_asked(heavy, at, is_out=is_out))
