"""What becomes of the phones of a world."""

from datetime import time, timedelta

from server.simulation import figures as cohort
from server.simulation.life import DAY, HOUR, as_utc, whole
from server.simulation.lives import around
from server.simulation.worlds import figures
from server.simulation.worlds.residents import Resident


def usual(child: Resident) -> None:
    """As in the cohort: out for two days now and then."""
    around.outages(child.life)


def dying(child: Resident) -> None:
    """Batteries are flat in the evening, and phones die for good. Push tells of few of these."""
    life = child.life
    free_from = life.begin
    for _, day in life.each_day():
        at = as_utc(day, time(life.random.randint(14, 20), 15), life.zone)
        dies = life.chance(figures.PHONE_DIES_MONTH / cohort.MONTH_DAYS)
        is_flat = life.chance(figures.FLAT_BATTERY)
        until = at + life.random.uniform(*figures.FLAT_BATTERY_H) * HOUR
        if dies:
            until = at + life.random.expovariate(1 / figures.PHONE_BACK_DAYS) * DAY
        if (dies or is_flat) and at > free_from and until > at + timedelta(minutes=1):
            life.outages.append((at, until))
            free_from = until
            if dies:
                life.add(at, "prompt_failed")
                life.add(whole(until), "prompt_ok")
