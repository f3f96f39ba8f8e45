"""`random`: a world whose behaviours and numbers are drawn, from the others and beyond them."""

from random import Random
from typing import Any

from msgspec.structs import replace

from server.simulation.worlds import figures
from server.simulation.worlds.homes import Staffing, stream
from server.simulation.worlds.table import RANDOM, WORLDS
from server.simulation.worlds.world import Numbers, World

_BEHAVIOURS = (
    "answers",
    "going",
    "outings",
    "leave",
    "school",
    "phones",
    "network",
    "tells",
    "closes",
)
_AS_USUAL = 0.45  # Of the behaviours, stay as in the ordinary world.
# From and to, each evenly.
_ANSWERED, _ANSWERS_SPREAD = (0.45, 0.85), (3.0, 8.0)
_COERCED, _LATE = (0.0, 0.6), (0.5, 6.0)
_DONE, _HURRIED, _NIGHT_STAFF = (0.6, 0.97), (0.03, 0.6), (0.0, 1.05)


def drawn(seed: int) -> tuple[World, str]:
    """A mixture, and what was drawn in one line. The same seed draws the same."""
    random = stream(seed, RANDOM)
    chosen, words = _behaviours(random)
    numbers, staffing = _numbers(random), _staffing(random)
    weights = [random.gammavariate(1.5, 1.0) * place.share for place in figures.PLACES]
    shares = [weight / sum(weights) for weight in weights]
    world = replace(
        WORLDS["ordinary"],
        name=RANDOM,
        says="A mixture.",
        numbers=numbers,
        staffing=staffing,
        places=tuple(zip(figures.PLACES, shares, strict=True)),
        **chosen,
    )
    answered = numbers.answers[0] / sum(numbers.answers)
    words += [
        f"answered {answered:.0%}",
        f"coerced {numbers.coerced:.0%}",
        f"late evenings times {numbers.late:.1f}",
        f"roll calls done {staffing.done:.0%}",
        f"hurried shifts {staffing.hurried:.0%}",
        f"night staff times {staffing.night_staff:.2f}",
        *(f"{p.name} {share:.0%}" for p, share in zip(figures.PLACES, shares, strict=True)),
    ]
    return world, f"random, seed {seed}: {'; '.join(words)}"


def _behaviours(random: Random) -> tuple[dict[str, Any], list[str]]:
    """Each from a world that has its own, or as usual."""
    chosen, words = {}, []
    for name in _BEHAVIOURS:
        usual = getattr(WORLDS["ordinary"], name)
        special = [w for w in WORLDS.values() if getattr(w, name) != usual]
        is_usual, world = random.random() < _AS_USUAL, random.choice(special)
        if not is_usual:
            chosen[name] = getattr(world, name)
            words.append(f"{name} as in {world.name}")
    return chosen, words


def _numbers(random: Random) -> Numbers:
    mean, spread = random.uniform(*_ANSWERED), random.uniform(*_ANSWERS_SPREAD)
    return Numbers(
        answers=(mean * spread, (1 - mean) * spread),
        coerced=random.uniform(*_COERCED),
        late=random.uniform(*_LATE),
    )


def _staffing(random: Random) -> Staffing:
    return Staffing(
        done=random.uniform(*_DONE),
        hurried=random.uniform(*_HURRIED),
        night_staff=random.uniform(*_NIGHT_STAFF),
    )
