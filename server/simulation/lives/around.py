"""What happens around a child of the synthetic cohort: phones, pauses, carers, sightings, signs."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random

from server.clock import stamp
from server.simulation import figures
from server.simulation.life import BEGIN, DAY, HOUR, MINUTE, Life, Row, as_utc, whole


def server_down(random: Random, days: int, month: float, hours: float) -> list[Row]:
    """Our own server is down for everyone: so often a month, so many hours on average."""
    rows: list[Row] = []
    for day in range(1, days):
        if random.random() < month / figures.MONTH_DAYS:
            at = BEGIN + (day + random.random()) * DAY
            until = at + random.expovariate(1 / hours) * HOUR + MINUTE
            rows.append((whole(at), "", "blind", {"until": stamp(until)}))
    return rows


def outages(life: Life) -> None:
    """The phone is lost, without credit, sold or broken; push dies silently on some."""
    free_from = life.begin
    for _, day in life.each_day():
        noon = as_utc(day, time(12), life.zone)
        if noon > free_from and life.chance(figures.OUTAGES_MONTH / figures.MONTH_DAYS):
            until = noon + life.random.expovariate(1 / figures.OUTAGE_DAYS) * DAY
            life.outages.append((noon, until))
            life.add(noon, "prompt_failed")
            life.add(whole(until), "prompt_ok")
            free_from = until
        elif life.chance(figures.DEAD_PUSH_MONTH / figures.MONTH_DAYS):
            life.add(noon, "prompt_failed")


def pauses(life: Life) -> None:
    """Agreed absences of one to four days."""
    free_from = life.begin
    for _, day in life.each_day():
        if not life.chance(figures.PAUSES_MONTH / figures.MONTH_DAYS):
            continue
        at = as_utc(day, time(10), life.zone)
        if at > free_from and life.gone(at) is None:
            until = at + life.random.randint(1, 4) * DAY
            life.pauses.append((at, until))
            life.add(at, "pause", until=stamp(until))
            free_from = until + DAY


def carer(life: Life) -> None:
    """What the carer would answer: for each part of a day, and anew when the child leaves or comes
    back."""
    if not life.has_carer:
        return
    begins = [life.begin]
    for _, day in life.each_day():
        begins += [as_utc(day, time(hour), life.zone) for hour in (7, 22)]
    for absence in life.absences:
        begins += [absence.left_at, absence.left_at + 6 * HOUR]
        begins += [absence.back_at] if absence.back_at is not None else []
    begins = sorted(at for at in set(begins) if life.begin <= at < life.end)
    for at, until in zip(begins, [*begins[1:], life.end], strict=True):
        _would_answer(life, at, until)


def _would_answer(life: Life, at: datetime, until: datetime) -> None:
    local = at.astimezone(life.zone).time()
    by_day = time(7) <= local < time(22)
    answers = life.chance(figures.CARER_ANSWERS_DAY if by_day else figures.CARER_ANSWERS_NIGHT)
    after = max(
        int(life.random.lognormvariate(0, figures.CARER_SIGMA) * figures.CARER_DELAY_MIN * 60), 20
    )
    absence, draw = life.gone(at), life.random.random()
    is_seen = draw >= figures.CARER_CANNOT_SAY
    if absence is not None:
        is_seen = at < absence.left_at + 6 * HOUR and draw < figures.CARER_MISTAKEN
    if answers and until - at > MINUTE:
        life.add(
            at,
            "if_asked",
            until=stamp(until - timedelta(seconds=1)),
            by="carer",
            answer="seen" if is_seen else "not_seen",
            after_s=after,
        )


def sightings(life: Life, is_open: Callable[[date], bool] = lambda _: True) -> None:
    """Adults see the child now and then; at school only where it `is_open` on that day."""
    for _, day in life.each_day():
        for by, chance in (
            ("school", figures.SEEN_BY_SCHOOL),
            ("professional", figures.SEEN_BY_PROFESSIONAL),
        ):
            at = as_utc(day, time(life.random.randint(8, 16), 10), life.zone)
            if day.weekday() >= 5 or (by == "school" and not is_open(day)):
                continue
            if life.chance(chance) and at > life.begin and not life.gone(at):
                life.add(at, "sighting", by=by)


def signs(life: Life) -> None:
    """Warning signs that staff noted: before some absences, and otherwise."""
    for absence in life.absences:
        at = whole(absence.left_at - life.random.uniform(6, 96) * HOUR)
        if life.chance(figures.SIGN_BEFORE) and at > life.begin and life.gone(at) is None:
            life.add(at, "observation", sign=life.random.choice(figures.SIGNS))
    for _, day in life.each_day():
        at = as_utc(day, time(15, 40), life.zone)
        if life.chance(figures.SIGN_MONTH / figures.MONTH_DAYS) and at > life.begin:
            life.add(at, "observation", sign=life.random.choice(figures.SIGNS))
