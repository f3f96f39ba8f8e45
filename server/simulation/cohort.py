"""A synthetic cohort: children who answer, forget, lose their phones, and some who go.

Every number is in figures.py, with its source. What a policy does on this cohort is not a field
result. The same N, days and seed give the same bytes.

The high tier is as in production: it refuses a rhythm with gaps as long as its ceiling. So a newly
placed child has agreed on more than one time a day. Where a milestone or a return asks for the high
tier and the rhythm is slower, a person sets the middle one.
"""

from collections.abc import Callable
from random import Random
from zoneinfo import ZoneInfo

from server.simulation import figures
from server.simulation.life import BEGIN, DAY, Absence, Life, Row
from server.simulation.lives import around, check_ins, going, placing
from server.watch.rhythm.rules import Rhythm


def cohort(
    children: int, days: int, seed: int, progress: Callable[[int], None] = lambda _: None
) -> tuple[list[Row], list[Absence]]:
    """The events of a cohort in their order, and the truth that no policy may look at."""
    rows, truth = _server(days, seed), []
    for number in range(children):
        life = _life(number, days, seed)
        _live(life)
        rows += life.rows
        truth += life.absences
        progress(number + 1)
    rows.sort(key=lambda row: (row[0], row[1], row[2] != "placed"))
    truth.sort(key=lambda absence: (absence.left_at, absence.child))
    return rows, truth


def _server(days: int, seed: int) -> list[Row]:
    random = Random(f"waymark cohort {seed} server")  # noqa: S311 (a simulation, and repeatable)
    return around.server_down(random, days, figures.SERVER_DOWN_MONTH, figures.SERVER_DOWN_H)


def _life(number: int, days: int, seed: int) -> Life:
    random = Random(f"waymark cohort {seed} {number}")  # noqa: S311 (a simulation, and repeatable)
    kind = random.choices(figures.KINDS, [kind.share for kind in figures.KINDS])[0]
    times = placing.times(random, kind)
    begin = placing.begins(random, kind, days)
    return Life(
        name=f"c{number:05}",
        random=random,
        kind=kind,
        zone=ZoneInfo(random.choice(figures.ZONES)),
        rhythm=Rhythm(times),
        has_carer=random.random() < kind.carer,
        begin=begin,
        end=BEGIN + days * DAY,
        settled_days=0 if kind.is_new else random.randint(60, 700),
        answers=random.betavariate(*figures.ANSWERS),
    )


def _live(life: Life) -> None:
    placing.placed(life)
    placing.milestones(life)
    going.go(life, going.usual(life))
    around.outages(life)
    around.pauses(life)
    around.carer(life)
    around.sightings(life)
    around.signs(life)
    check_ins.rounds(life)
    check_ins.called(life)
    life.rows.sort(key=lambda row: (row[0], row[2] != "placed"))
