"""How adults of a world close an alert: with what outcome, and after how long."""

from random import Random

from server.simulation.worlds import figures

WAS_HERE, WAS_AWAY = "was_here", "was_away"


def usual(is_away: bool, random: Random) -> tuple[str, int]:
    """They look, and mostly find out. The seconds are minutes to hours."""
    after = _seconds(random, figures.CLOSED_MIN)
    wrong = figures.CLOSED_WRONG_GONE if is_away else figures.CLOSED_WRONG_HERE
    return _outcome(is_away != (random.random() < wrong)), after


def unlooked(is_away: bool, random: Random) -> tuple[str, int]:
    """Of three, two are closed at once without looking."""
    if random.random() < 2 / 3:
        return WAS_HERE, _seconds(random, figures.CLOSED_MIN / 10)
    return usual(is_away, random)


def alike(is_away: bool, random: Random) -> tuple[str, int]:
    """One person enters all alike, whatever was."""
    return WAS_HERE, _seconds(random, figures.CLOSED_MIN / 10)


def _outcome(is_away: bool) -> str:
    return WAS_AWAY if is_away else WAS_HERE


def _seconds(random: Random, minutes: float) -> int:
    return max(int(random.lognormvariate(0, figures.CLOSED_SIGMA) * minutes * 60), 60)
