"""The question that two share: asked on the phone, answered the same way whatever the answer is."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx2

from server.checkin import shared_question
from server.checkin.models import SharedAnswer, SharedQuestion
from server.storage.db import fetch
from server.watch.signals import drift
from server.watch.signals.rules import Code
from tests.cast import Cast
from tests.checkin.test_duress import UNLIKE, path_of, unlocked
from tests.races import no_fault, together

QUESTION, ANSWER = "What did we eat on the boat?", "Crème brûlée"


async def agree(cast: Cast) -> SharedQuestion:
    mia = cast.children["mia"]
    return await shared_question.agree(cast.actor("tom"), mia, QUESTION, ANSWER, cast.clock())


async def ask(cast: Cast) -> None:
    await shared_question.ask(cast.actor("tom"), cast.children["mia"], cast.clock())


async def asked(cast: Cast) -> dict[str, Any] | None:
    return (await cast.client_as("mia").get("/api/v1/me")).json().get("question")


async def answer(cast: Cast, question: UUID, words: str, **more: Any) -> httpx2.Response:
    said = {"id": str(uuid4()), "words": words, **more}
    return await cast.client_as("mia").post(f"/api/v1/me/questions/{question}", json=said)


async def hints(cast: Cast) -> list[Code]:
    found = await drift.of(cast.agency.id, [cast.mia.id], cast.clock())
    return [one.code for one in found[cast.mia.id]]


async def test_the_phone_asks_when_it_is_to_and_not_again_once_it_was_answered(cast: Cast) -> None:
    question = await agree(cast)
    assert await asked(cast) is None
    await ask(cast)
    await ask(cast)
    assert await asked(cast) == {"id": str(question.id), "text": QUESTION}
    assert (await answer(cast, question.id, "creme  BRULEE!")).status_code == 204
    assert await asked(cast) is None
    assert (await SharedAnswer.get()).is_otherwise is False
    assert await hints(cast) == []
    [raw] = await fetch("SELECT text, answer FROM shared_question")
    assert "boat" not in raw["text"]
    assert "Cr" not in raw["answer"][:4]


async def test_another_answer_is_an_observation_and_the_phone_cannot_tell(cast: Cast) -> None:
    question = await agree(cast)
    await ask(cast)
    right = await answer(cast, question.id, ANSWER)
    await ask(cast)
    other = await answer(cast, question.id, "An ice cream")
    shapes = [
        (one.status_code, one.content, {k: v for k, v in one.headers.items() if k not in UNLIKE})
        for one in (right, other)
    ]
    assert shapes[0] == shapes[1]
    assert await hints(cast) == [Code.SHARED_QUESTION]
    page = await (await unlocked(cast, "tom")).get(path_of(cast.mia.id))
    assert "An ice cream" in page.text
    cast.clock.advance(days=15)
    assert await hints(cast) == []


async def test_the_same_answer_again_changes_nothing(cast: Cast) -> None:
    question = await agree(cast)
    await ask(cast)
    id_ = str(uuid4())
    for _ in range(2):
        assert (await answer(cast, question.id, "x", id=id_)).status_code == 204
    assert (await answer(cast, question.id, "y", id=id_)).json()["code"] == "id_reused"
    await ask(cast)
    assert (await answer(cast, question.id, "x", id=id_)).status_code == 204
    assert await asked(cast) is not None, "a repeat answers no new asking"
    assert await SharedAnswer.all().count() == 1


async def test_an_answer_that_comes_late_is_kept_with_its_own_question(cast: Cast) -> None:
    first = await agree(cast)
    await ask(cast)
    await shared_question.agree(
        cast.actor("tom"), cast.children["mia"], "And the dog?", "Rex", cast.clock()
    )
    assert (await answer(cast, first.id, ANSWER)).status_code == 204
    assert (await SharedAnswer.get()).is_otherwise is False


async def test_nobody_answers_for_another_child(cast: Cast) -> None:
    question = await agree(cast)
    said, path = {"id": str(uuid4()), "words": "x"}, f"/api/v1/me/questions/{question.id}"
    for who in ("lia", "tom"):
        assert (await cast.client_as(who).post(path, json=said)).status_code == 404
    assert (await answer(cast, question.id, "x" * 501)).status_code == 422


async def test_two_who_agree_at_once_leave_one_question(cast: Cast) -> None:
    no_fault(await together(agree(cast), agree(cast)))
    assert await SharedQuestion.filter(ended_at__isnull=True).count() == 1


async def test_it_is_agreed_and_asked_on_the_desk(cast: Cast) -> None:
    tom, path = await unlocked(cast, "tom"), path_of(cast.mia.id)
    assert (await tom.post(f"{path}/ask")).status_code == 409
    empty = await tom.post(f"{path}/question", data={"question": QUESTION, "answer": ""})
    assert empty.status_code == 422
    assert "in a few words" in empty.text
    said = {"question": QUESTION, "answer": ANSWER}
    assert (await tom.post(f"{path}/question", data=said)).status_code == 303
    assert (await tom.post(f"{path}/ask")).status_code == 303
    assert "The phone has been asking it since" in (await tom.get(path)).text
    assert await asked(cast) is not None
