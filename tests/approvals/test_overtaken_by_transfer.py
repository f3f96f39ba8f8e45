"""A transfer overtakes what waits for a second person: who asked still reads what became of it."""

from __future__ import annotations

from server.approvals import actions as approvals
from server.approvals.models import Approval
from server.notify.models import Message
from tests.approvals.asking import ask_for_a_pass, wants
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.records.test_transfer import accepted


async def test_the_asker_reads_what_became_of_a_request_that_a_transfer_overtook(
    cast: Cast,
) -> None:
    await wants(cast)
    declined = await ask_for_a_pass(cast)
    await approvals.decide(
        cast.actor("ines"), declined.id, is_yes=False, words="Not now.", now=cast.clock()
    )
    overtaken = await ask_for_a_pass(cast)
    await accepted(cast)
    after = await Approval.get(id=overtaken.id)
    assert (after.state, after.why) == ("overtaken", "transfer")
    told = Message.filter(kind="answered", subject_id__in=[declined.id, overtaken.id])
    assert set(await told.values_list("person_id", "state")) == {(cast.tom.id, "waiting")}
    async with at_desk(cast, "tom") as tom:
        for approval, says in (
            (overtaken, "Another agency looks after the child now."),
            (declined, f"{cast.ines.name} said no"),
        ):
            page = await tom.get(f"/desk/approvals/{approval.id}")
            assert (page.status_code, says in page.text) == (200, True), page.text
            assert cast.mia.name not in page.text, "it is not their child any more"
            read = (await tom.get(f"/api/v1/approvals/{approval.id}")).json()
            assert read["content"] == {}
    for name in ("uwe", "ines"):
        async with at_desk(cast, name) as reader:
            assert (await reader.get(f"/desk/approvals/{overtaken.id}")).status_code == 404
