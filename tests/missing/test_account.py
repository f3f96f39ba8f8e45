"""One child's time on paper: who knew what when, from the rows, in order."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from server.missing.account.account import account
from tests.desk.walking import at_desk
from tests.walks.stage import Stage


async def test_a_night_reads_in_the_order_in_which_it_was_known(stage: Stage) -> None:
    cast = stage.cast
    await stage.only("mia")
    await stage.subscribe("tom", "ines")
    begin = stage.clock()
    path = f"/api/v1/children/{cast.mia.id}/episodes"
    said = {"id": str(uuid4()), "said_at": begin.isoformat(), "why": "Her bed is empty."}
    made = await stage.call("sam", "POST", path, said)
    await stage.until(minutes=10)
    tried = {
        "id": str(uuid4()),
        "what": "attempt",
        "at": (stage.clock() - timedelta(minutes=5)).isoformat(),
        "details": {"how": "call", "result": "no_answer"},
    }
    await stage.call("tom", "POST", f"{path}/{made['id']}/entries", tried)
    await stage.until(minutes=1)
    await stage.check_in("mia", note="A secret of hers.")
    await stage.until(minutes=10)
    body = {
        "id": str(uuid4()),
        "at": stage.clock().isoformat(),
        "where": "Station",
        "by": "Sam",
        "condition": "Cold.",
    }
    await stage.call("sam", "POST", f"{path}/{made['id']}/found", body)
    await stage.until(minutes=5)
    facts = await account(cast.mia.id, begin, stage.clock() + timedelta(seconds=1), "en")
    whats = [fact.what for fact in facts]
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    order = [
        "Said the child is missing",
        "Tried to reach the child",
        "Answered",
        "A sign of life",
        "Child found",
    ]
    assert [what for what in whats if what in order] == order
    told = [fact for fact in facts if fact.what == "Message: Alert"]
    assert {fact.who for fact in told} == {cast.tom.name, cast.ines.name}
    assert all("accepted" in fact.how for fact in told)
    attempt = facts[whats.index("Tried to reach the child")]
    assert attempt.happened_at == attempt.at - timedelta(minutes=5)
    assert not any("A secret of hers." in fact.how for fact in facts)


async def test_the_page_can_be_printed_for_chosen_days_and_refuses_nonsense(stage: Stage) -> None:
    cast = stage.cast
    path = f"/desk/children/{cast.mia.id}/account"
    async with at_desk(cast, "tom") as browser:
        page = await browser.get(path)
        assert page.status_code == 200
        assert "who knew what, and when" in page.text
        none = await browser.get(path, params={"from": "2020-01-01", "until": "2020-01-02"})
        assert "No entries for these days." in none.text
        wrong = await browser.get(path, params={"from": "yesterday"})
        assert wrong.status_code == 422
        assert "Enter a day such as" in wrong.text
