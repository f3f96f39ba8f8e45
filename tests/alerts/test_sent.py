"""The messages that screens list: each kind and each reason has words, and their order is fixed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from server.alerts.sent import KINDS, REASONS, reason_word, sent_about, sent_to
from server.notify.actions import Saying, queue
from server.notify.models import Message
from server.notify.refusals import TABLE
from server.notify.rules import Kind, Reason, Result
from server.storage.db import write
from server.tasks import digest
from tests.cast import Cast
from tests.test_stored_names import calls, texts

SUBJECT = UUID(int=7)
ROOT = Path(__file__).resolve().parents[2]
# Functions that take the reason, and the place of it among their arguments.
TAKE_REASON = {"withdraw": 1, "reschedule": 2}
# `Outcome.again("timeout")` and the like.
OUTCOMES = ("again", "gone", "refused", "fault")


def written_down() -> Iterator[str]:
    """Reasons that are written straight into a row: `update(state=…, why="…")`, `why = "…"`."""
    for call in calls("update"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if {"state", "why"} <= given.keys():
            yield from texts(given["why"])
    for path in (ROOT / "server" / "notify" / "sending").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and [ast.unparse(t) for t in node.targets] == ["why"]:
                yield from texts(node.value)


def reasons() -> set[str]:
    found = {reason.value for reason in Reason} | {rule.reason for rule in TABLE}
    for name, place in TAKE_REASON.items():
        for call in calls(name):
            found |= {*texts(call.args[place])} if len(call.args) > place else set()
    for call in calls(*OUTCOMES):
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "Outcome":
            found |= {*texts(call.args[0])}
    # These two go into rows by a statement in SQL.
    return found | {digest.WAITS, digest.TOLD} | {*written_down()}


def test_every_kind_of_message_has_a_name() -> None:
    assert {*KINDS} == {*Kind}


def test_every_reason_has_words() -> None:
    assert {*REASONS} == reasons()


def test_a_reason_comes_from_a_literal_that_is_seen_here() -> None:
    others = {
        ast.unparse(call.args[1])
        for call in calls("withdraw")
        if len(call.args) == 3 and not isinstance(call.args[1], ast.Constant)
    }
    # What `reschedule` and `withdraw` were given themselves.
    assert others <= {"why"}


@pytest.mark.parametrize("code", [*Result, "sending", "unknown", "withheld"])
def test_a_result_without_a_reason_is_shown_in_words(code: str) -> None:
    assert reason_word(code, "fr") != code


async def test_messages_of_one_moment_are_in_one_order(cast: Cast) -> None:
    """Ids of one millisecond are random."""
    now, tom = cast.clock(), cast.tom.id
    async with write():
        await queue(
            [
                Saying(
                    kind=Kind.ALERT_AGAIN if rung else Kind.ALERT,
                    agency_id=cast.agency.id,
                    subject_kind="alert",
                    subject_id=SUBJECT,
                    person_id=tom,
                    rung=rung,
                    channel="email",
                )
                for rung in range(8)
            ],
            now,
        )
    rungs = dict(await Message.all().values_list("id", "rung"))
    about = [rungs[sent.id] for sent in await sent_about([SUBJECT], "en")]
    to_tom = [rungs[sent.id] for sent in await sent_to(tom, "en", 10)]
    assert about == list(range(8))
    assert to_tom == about[::-1]
