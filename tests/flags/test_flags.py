"""Flags among staff: made, given and done; whose they are; and who never sees one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from server.audit.models import Entry
from server.errors import Conflict, IdReused, Refused
from server.flags import actions as flags
from server.flags.actions import ChangeFlag
from server.flags.models import Flag
from server.flags.reading import AT_ONCE, done_lines
from server.flags.rules import MOST_OPEN
from server.notify.models import Message
from server.people.models import Person, Tie
from server.security import encryption
from server.storage.db import fetch
from server.tasks import telling
from server.tasks.models import Task
from server.tasks.turns import turns_of
from tests.cast import Cast
from tests.desk.walking import at_desk
from tests.flags.made import WORDS, flag_of
from tests.races import no_fault, together


async def turn_of(cast: Cast, flag: Flag) -> set[str]:
    """Whose turn it is, by name."""
    task = await Task.get(kind="flag", subject_id=flag.id, state="open")
    people = (await turns_of([task], cast.clock()))[task.id]
    return {name for name, person in cast.persons.items() if person.id in people}


async def told(cast: Cast, name: str) -> int:
    await telling.TASKS.tick(cast.clock())
    return await Message.filter(person_id=cast.persons[name].id, kind="due").count()


async def test_a_flag_sent_twice_is_one_and_its_words_are_sealed(cast: Cast) -> None:
    id_ = uuid4()
    no_fault(await together(*(flag_of(cast, id=id_) for _ in range(3))))
    assert await Flag.all().count() == 1
    assert await Task.filter(kind="flag").count() == 1
    [row] = await fetch("SELECT words FROM flag", [])
    assert row["words"].startswith(encryption.MARK)
    entry = await Entry.get(what="flag:add")
    assert (entry.child_id, entry.who_id, entry.names) == (cast.mia.id, cast.ines.id, [])
    with pytest.raises(IdReused):
        await flag_of(cast, id=id_, words="Else.")


async def test_what_makes_no_sense_is_refused_at_its_field(cast: Cast) -> None:
    now = cast.clock()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("words", {"words": " "}),
        ("words", {"words": "x" * 501}),
        ("until_at", {"until_at": now}),
        ("until_at", {"until_at": now + timedelta(days=92)}),
        ("owner_id", {"to": "eve"}),  # Of the agency, without a tie.
        ("owner_id", {"to": "sam"}),  # A carer: flags are among staff.
    ]
    for field, how in wrong:
        with pytest.raises(Refused) as fault:
            await flag_of(cast, **how)
        assert fault.value.field == field
    assert not await Flag.all().exists()


async def test_a_flag_is_told_at_once_before_its_end_and_later_to_the_supervisor(
    cast: Cast,
) -> None:
    await flag_of(cast, "ines", "tom", until_at=cast.clock() + timedelta(days=3))
    await flag_of(cast, "ines", "ines", until_at=cast.clock() + timedelta(days=80))
    assert (await told(cast, "tom"), await told(cast, "ines")) == (1, 0)
    cast.clock.advance(days=3)
    assert (await told(cast, "tom"), await told(cast, "ines")) == (2, 0)
    cast.clock.advance(days=3)
    assert await told(cast, "ines") >= 1
    assert await Task.filter(kind="flag", state="open").count() == 2, "undone, it stays"


async def test_whose_turn_it_is_when_the_owner_is_not_there(cast: Cast) -> None:
    of_ines, of_duty = (await flag_of(cast, to="ines")).flag, (await flag_of(cast, to=None)).flag
    assert await turn_of(cast, of_duty) == {"tom"}, "nobody is on duty"
    await cast.on_duty("eve")
    assert (await turn_of(cast, of_ines), await turn_of(cast, of_duty)) == ({"ines"}, {"eve"})
    await Tie.filter(person_id=cast.ines.id).update(until_at=cast.clock())
    assert await turn_of(cast, of_ines) == {"tom"}
    await Person.filter(id=cast.tom.id).update(disabled_at=cast.clock())
    assert await turn_of(cast, of_ines) == {"eve"}


async def test_it_is_given_prolonged_and_done_once_each_and_the_earlier_days_stay(
    cast: Cast,
) -> None:
    held, mia, now = await flag_of(cast), cast.children["mia"], cast.clock()
    later = ChangeFlag(now + timedelta(days=30), cast.ines.id, held.task.turn)
    for _ in range(2):
        held = await flags.change(cast.actor("tom"), mia, held.flag.id, later, now)
    assert (held.task.owner_id, held.task.turn) == (cast.ines.id, 1)
    stale = ChangeFlag(now + timedelta(days=40), cast.tom.id, 0)
    with pytest.raises(Conflict) as fault:
        await flags.change(cast.actor("tom"), mia, held.flag.id, stale, now)
    assert fault.value.code == "changed"
    for name in ("ines", "tom"):
        held = await flags.done(cast.actor(name), mia, held.flag.id, now)
    assert (held.flag.done_by, held.task.state) == (cast.ines.id, "done")
    with pytest.raises(Conflict) as fault:
        await flags.change(cast.actor("tom"), mia, held.flag.id, later, now)
    assert fault.value.code == "done"
    assert await Task.filter(kind="flag").count() == 2


async def test_a_child_has_fifty_open_flags_at_most_and_none_after_leaving(cast: Cast) -> None:
    for _ in range(MOST_OPEN):
        await flag_of(cast)
    with pytest.raises(Refused):
        await flag_of(cast)
    cast.children["mia"].left_at = cast.clock()
    with pytest.raises(Conflict) as fault:
        await flag_of(cast)
    assert fault.value.code == "ended"


async def test_what_is_done_is_read_in_parts_and_each_once(cast: Cast) -> None:
    mia, made = cast.children["mia"], []
    for _ in range(AT_ONCE + 3):
        held = await flag_of(cast)
        await flags.done(cast.actor("tom"), mia, held.flag.id, cast.clock())
        made.append(held.flag.id)
    first = await done_lines(mia.id, None, cast.clock())
    second = await done_lines(mia.id, first.after, cast.clock())
    assert (len(first.lines), len(second.lines), second.after) == (AT_ONCE, 3, None)
    assert {line.id for line in (*first.lines, *second.lines)} == {*made}


async def test_two_taps_make_one_and_the_child_page_and_board_show_it(cast: Cast) -> None:
    path = f"/desk/children/{cast.mia.id}"
    async with at_desk(cast, "tom") as tom:
        assert f'href="{path}/flags"' in (await tom.get(path)).text
        form = await tom.get(f"{path}/flags")
        assert form.status_code == 200
        day = (cast.clock() + timedelta(days=4)).date().isoformat()
        typed = {"id": str(uuid4()), "words": WORDS, "owner_id": "duty", "until_at": ""}
        refused = await tom.post(f"{path}/flags", data=typed)
        assert refused.status_code == 422
        assert WORDS in refused.text, "nothing that was typed is lost"
        saved = await tom.post(f"{path}/flags", data={**typed, "until_at": day})
        assert saved.headers["location"] == f"{path}?done=flag"
        flag = await Flag.get()
        page = (await tom.get(path)).text
        assert WORDS in page
        assert f"{path}/flags/{flag.id}/done" in page
        assert "1 flag" in (await tom.get("/desk/")).text
        one = await tom.get(f"{path}/flags/{flag.id}")
        assert one.status_code == 200
        change = {"owner_id": str(cast.tom.id), "until_at": day, "time": "17:00", "turn": "0"}
        assert (await tom.post(f"{path}/flags/{flag.id}", data=change)).status_code == 303
        task = await Task.get(kind="flag", state="open")
        assert (task.owner_id, task.due_at.minute) == (cast.tom.id, 0)
        assert "17:00" in (await tom.get(f"{path}/flags/{flag.id}")).text
        assert (await tom.post(f"{path}/flags/{flag.id}/done")).status_code == 303
        assert "1 flag" not in (await tom.get("/desk/")).text
        assert WORDS in (await tom.get(f"{path}/flags")).text


async def test_who_comes_on_duty_reads_which_flags_are_theirs_and_no_word_before_the_look(
    cast: Cast,
) -> None:
    flag = (await flag_of(cast, to=None)).flag
    href = f"/desk/children/{cast.mia.id}/flags/{flag.id}"
    async with at_desk(cast, "eve") as eve:
        assert href not in (await eve.get("/desk/duty")).text
        await cast.on_duty("eve")
        page = (await eve.get("/desk/duty")).text
        assert href in page
        assert WORDS not in page
        assert WORDS in (await eve.get(href)).text
    looks = Entry.filter(who_id=cast.eve.id, child_id=cast.mia.id, what="look:flag:see")
    assert await looks.exists()


async def test_flags_are_for_the_staff_and_the_child_reads_no_word_of_them(cast: Cast) -> None:
    flag = (await flag_of(cast)).flag
    path = f"/api/v1/children/{cast.mia.id}/flags"
    async with cast.client_as("ines") as ines:
        [out] = (await ines.get(path)).json()["open"]
        assert (out["id"], out["words"], out["owner"]) == (str(flag.id), WORDS, cast.tom.name)
        assert (await ines.get(f"{path}?after=x")).status_code == 422
    for name in ("ada", "sam", "root", "eve"):
        async with cast.client_as(name) as other:
            assert (await other.get(path)).status_code in (403, 404)
    async with cast.client_as("mia") as mia:
        assert (await mia.get(path)).status_code in (403, 404)
        for own in ("/api/v1/dues", f"/api/v1/children/{cast.mia.id}/dues", "/api/v1/looks"):
            answer = await mia.get(own)
            assert "flag" not in answer.text.lower(), own
