"""A night tells what schools, clubs and mentors were asked, what they said, and what it weighed."""

from __future__ import annotations

import copy
from datetime import timedelta

from server.policy.model import SHIPPED
from server.policy.models import Policy as PolicyRow
from server.watch.models import Round
from server.why.finding import codes_of
from server.witnesses.models import Witness
from tests.cast import Cast
from tests.desk.walking import at, run_until
from tests.walks.stage import Stage
from tests.why.telling import read
from tests.why.test_child_story import texts
from tests.witnesses.school import arrange, asked, latest, say, tick


async def test_the_list_and_the_words_of_a_school_are_told_by_its_name(cast: Cast) -> None:
    await PolicyRow.create(
        agency_id=cast.agency.id, version=1, content=copy.deepcopy(SHIPPED), made_at=cast.clock()
    )
    await arrange(cast, "mia", at="18:30")
    await run_until(cast, at(18, 45))
    await tick(cast.clock())
    sheet = await latest(await Witness.get())
    await say(cast, sheet, {"mia": "not_here"})
    await say(cast, sheet, {"mia": "excused"})
    await run_until(cast, at(22))
    told = (await read(cast)).of("witness")
    assert (
        told[0] == "18:45 We asked Lycée Monge whether Mia Castellane came, by the list of 18:30."
    )
    assert told[1].startswith("18:45 Lycée Monge said that Mia Castellane did not come.")
    assert "That is no answer to a check-in." in told[1]
    assert told[2].startswith("18:45 Lycée Monge said that Mia Castellane was excused.")
    assert "It made it 4 times as likely that Mia Castellane had gone." in told[1]
    assert "It changed nothing about when we call adults." in told[2]


async def test_an_empty_list_is_told_and_another_childs_is_not(cast: Cast) -> None:
    await asked(cast, "mia")
    await tick(cast.clock.advance(hours=2))
    lines = (await read(cast)).of("witness")
    assert lines[1] == "15:30 Lycée Monge had not filled in the list of 13:30."
    assert (await read(cast, "noor")).of("witness") == []


async def test_an_operator_reads_no_name_of_a_school(cast: Cast) -> None:
    _, made = await asked(cast, "mia")
    name = (await codes_of([made.witness.id], cast.mia.id))(made.witness.id)
    assert name == f"witness (school) {made.witness.id}"


async def test_the_child_reads_it_only_once_the_silence_is_over(stage: Stage) -> None:
    cast = stage.cast
    await arrange(cast, "mia", at="18:45")
    await stage.only("mia")
    await stage.until(at(19, 10))
    await tick(cast.clock())
    await say(cast, await latest(await Witness.get()), {"mia": "here"})
    assert "Lycée Monge said that you came." not in await texts(stage)
    assert await Round.filter(child_id=cast.mia.id, state="late").exists()
    cast.clock.set(cast.clock() + timedelta(minutes=5))
    await stage.check_in("mia")
    told = await texts(stage)
    assert "Lycée Monge said that you came." in told
    assert not any(word in " ".join(told) for word in ("placed", cast.agency.name))
