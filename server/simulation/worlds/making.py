"""A world with its children: the events in their order, and the truth."""

from collections.abc import Callable
from datetime import datetime

from server.simulation.life import BEGIN, DAY, Absence, Life, Row
from server.simulation.lives import around, check_ins, going, placing
from server.simulation.worlds import figures, witnesses
from server.simulation.worlds.homes import Homes, stream
from server.simulation.worlds.network import Network
from server.simulation.worlds.residents import Resident, kind_in
from server.simulation.worlds.world import World
from server.watch.rhythm.rules import Rhythm


def make(
    world: World,
    children: int,
    days: int,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[Row], list[Absence]]:
    """The events of a world and its truth, as `cohort` gives them. A child more changes none of
    the others, and neither does the world change what is not its own."""
    homes = Homes(seed, BEGIN.date(), days, world.places, world.staffing)
    network = world.network(seed, days)
    rows, truth = list(network.rows), list[Absence]()
    for number in range(children):
        child = _resident(world, homes, number, days, seed)
        _live(child, world, network)
        rows += child.life.rows
        truth += child.life.absences
        progress(number + 1)
    rows.sort(key=lambda row: (row[0], row[1], row[2] != "placed"))
    truth.sort(key=lambda absence: (absence.left_at, absence.child))
    return rows, truth


def _resident(world: World, homes: Homes, number: int, days: int, seed: int) -> Resident:
    home = homes.of_child(number)
    name = f"c{number:05}"
    random = stream(seed, name, "life")
    kind = kind_in(home, random)
    life = Life(
        name=name,
        random=random,
        kind=kind,
        zone=home.zone,
        rhythm=Rhythm(placing.times(random, kind)),
        has_carer=random.random() < home.place.carer,
        begin=placing.begins(random, kind, days),
        end=BEGIN + days * DAY,
        settled_days=0 if kind.is_new else random.randint(60, 700),
        answers=random.betavariate(*world.numbers.answers),
    )
    late = random.gammavariate(figures.LATE_SPREAD, 1 / figures.LATE_SPREAD) * world.numbers.late
    placing.placed(life, home=home.name)
    child = Resident(life, home, seed, late, language=life.rows[0][3]["language"])
    placing.milestones(life)
    _moves(child, homes)
    return child


def _moves(child: Resident, homes: Homes) -> None:
    """Who is transferred lives in another home, where one is near."""
    for at, what in child.life.milestones:
        home = child.home_at(at)
        other = homes.another(home) if what == "transfer" and home.place.is_group else None
        if other is not None:
            child.moves.append((at, other))
            child.life.add(at, "moved", home=other.name)


def _live(child: Resident, world: World, network: Network) -> None:
    life = child.life
    coerced = world.numbers.coerced
    parts: tuple[tuple[str, Callable[[], None]], ...] = (
        ("going", lambda: going.go(life, world.going(child), _away(coerced))),
        ("leave", lambda: world.leave(child)),
        ("outings", lambda: world.outings(child)),
        ("phones", lambda: world.phones(child)),
        ("sightings", lambda: around.sightings(life, world.school)),
        ("signs", lambda: around.signs(life)),
    )
    for what, part in parts:
        life.random = child.stream(what)
        part()
    life.outages += network.regions.get(life.zone.key, [])
    life.random = child.stream("rounds")
    check_ins.rounds(life, lambda _, due: world.answers(child, due))
    check_ins.called(life, lambda _, due: world.answers(child, due))
    witnesses.all_of(child, world, network.adults)


def _away(coerced: float) -> Callable[[Life, datetime], Absence]:
    return lambda life, left: going.absence(life, left, coerced)
