"""What a second person was asked, and what came of it, stands in the night it happened."""

from __future__ import annotations

from server.approvals import actions as approvals
from server.approvals.rules import What
from server.i18n import gettext
from server.storage.db import write
from server.why.wording import SENTENCES
from tests.approvals.asking import ask_for_a_pass, wants
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.why.telling import read


async def test_asked_refused_taken_back_and_given_are_told_with_the_names(cast: Cast) -> None:
    await wants(cast, What.ABSENCE)
    now = cast.clock()
    declined = await ask_for_a_pass(cast)
    await approvals.decide(cast.actor("ines"), declined.id, is_yes=False, words=None, now=now)
    taken_back = await ask_for_a_pass(cast)
    await approvals.take_back(cast.actor("tom"), taken_back.id, now)
    agreed = await ask_for_a_pass(cast)
    await approvals.decide(cast.actor("ines"), agreed.id, is_yes=True, words=None, now=now)
    overtaken = await ask_for_a_pass(cast, days=30)
    async with write():
        await approvals.overtake(cast.actor("tom"), cast.mia.id, "ended", now)
    reading = await read(cast)
    assert [code for code in reading.codes if code.startswith("approval.")].count(
        "approval.absence"
    ) == 4
    tom, ines = cast.tom.name, cast.ines.name
    told = " ".join(reading.of("approval."))
    for says in (
        f"{tom} asked a second person to agree to a long absence.",
        f"{ines} did not agree as the second person. Nothing changed.",
        f"{tom} took back the request to a second person.",
        f"{ines} agreed as the second person. It was done.",
        "A request to a second person no longer fitted. Nothing was done.",
    ):
        assert says in told
    assert reading.codes.index("approval.yes") < reading.codes.index("pause.added"), "the cause"
    assert overtaken.id not in {declined.id, taken_back.id, agreed.id}
    async with at_desk(cast, "ines") as ines_:
        page = (await ines_.get(f"/desk/children/{cast.mia.id}/why")).text
        assert "did not agree as the second person" in page


def test_every_answer_and_every_kind_of_request_has_its_sentence() -> None:
    codes = {*What, "yes", "no", "withdrawn", "overtaken"}
    assert {code for code in SENTENCES if code.startswith("approval.")} == {
        f"approval.{code}" for code in codes
    }
    for code in codes:
        assert gettext("en", SENTENCES[f"approval.{code}"])
