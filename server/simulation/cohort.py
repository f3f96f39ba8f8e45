"""A synthetic cohort: children who answer, forget, lose their phones, and some who go.

Every number is in figures.py, with its source. What a policy does on this cohort is not a field
result. The same N, days and seed give the same bytes.

The high tier is as in production: it refuses a rhythm with gaps as long as its ceiling. So a newly
placed child has agreed on more than one time a day. Where a milestone or a return asks for the high
tier and the rhythm is slower, a person sets the middle one.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from server.clock import stamp
from server.simulation import check_ins, figures
from server.simulation.life import DAY, HOUR, MINUTE, Absence, Life, Row, as_utc, whole
from server.watch.rhythm.rules import Rhythm, as_data

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)


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
    """Our own server is down now and then, for everyone."""
    random = Random(f"waymark cohort {seed} server")  # noqa: S311 (a simulation, and repeatable)
    rows: list[Row] = []
    for day in range(1, days):
        if random.random() < figures.SERVER_DOWN_MONTH / figures.MONTH_DAYS:
            at = BEGIN + (day + random.random()) * DAY
            until = at + random.expovariate(1 / figures.SERVER_DOWN_H) * HOUR + MINUTE
            rows.append((whole(at), "", "blind", {"until": stamp(until)}))
    return rows


def _life(number: int, days: int, seed: int) -> Life:
    random = Random(f"waymark cohort {seed} {number}")  # noqa: S311 (a simulation, and repeatable)
    kind = random.choices(figures.KINDS, [kind.share for kind in figures.KINDS])[0]
    rhythms = [(share, at) for share, at in figures.RHYTHMS if len(at) > 1 or not kind.is_new]
    times = random.choices([at for _, at in rhythms], [share for share, _ in rhythms])[0]
    # New placements come over the whole time, so that there are first nights throughout.
    late = random.random() * max(days - 30, 0) * 0.8 if kind.is_new else 0.0
    begin = whole(BEGIN + late * DAY + random.random() * 9 * HOUR)
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
    _placed(life)
    _milestones(life)
    _absences(life)
    _outages(life)
    _pauses(life)
    _carer(life)
    _sightings(life)
    _signs(life)
    check_ins.rounds(life)
    check_ins.called(life)
    life.rows.sort(key=lambda row: (row[0], row[2] != "placed"))


def _placed(life: Life) -> None:
    random = life.random
    phone = random.choices(
        [name for name, _ in figures.PHONES], [share for _, share in figures.PHONES]
    )[0]
    speaks = random.choices(
        [name for name, _ in figures.LANGUAGES], [share for _, share in figures.LANGUAGES]
    )[0]
    life.add(
        life.begin,
        "placed",
        zone=life.zone.key,
        tier="high" if life.kind.is_new else "low",
        rhythm=as_data(life.rhythm),
        carer=life.has_carer,
        phone=phone,
        language=speaks,
    )
    if life.kind.is_new:
        life.add(life.begin + 3 * DAY, "tier", tier="mid")
        life.add(life.begin + 30 * DAY, "tier", tier="low")


def _milestones(life: Life) -> None:
    for number, day in life.each_day():
        for what, month in figures.MILESTONES_MONTH:
            if number > 3 and life.chance(month / figures.MONTH_DAYS):
                at = as_utc(day, time(life.random.randint(9, 16), 20), life.zone)
                life.milestones.append((at, what))
                life.add(at, "milestone", what=what)
                if what != "hearing":
                    _raise_tier(life, at)


def _raise_tier(life: Life, at: datetime) -> None:
    """High for 72 hours where the rhythm fits, then middle for the rest of thirty days."""
    fits = len(life.rhythm.at) > 1
    life.add(at, "tier", tier="high" if fits else "mid")
    if fits:
        life.add(at + 3 * DAY, "tier", tier="mid")
    life.add(at + 30 * DAY, "tier", tier="low")


# --- going


def _absences(life: Life) -> None:
    frailty = life.random.gammavariate(figures.FRAILTY, 1 / figures.FRAILTY)
    base = life.kind.missing_month / figures.MONTH_DAYS * frailty
    free_from = life.begin
    for number, day in life.each_day():
        if not life.chance(min(base * _hazard(life, number, day), 0.5)):
            continue
        left = _leaves(life, day)
        if left > free_from and left < life.end:
            absence = _absence(life, left)
            life.absences.append(absence)
            free_from = (absence.back_at or life.end) + DAY
            _afterwards(life, absence)


def _hazard(life: Life, number: int, day: date) -> float:
    placed = number + life.settled_days
    factor = next((times for until, times in figures.NEW_DAYS if placed < until), 1.0)
    noon = as_utc(day, time(12), life.zone)
    if any(DAY * 0 <= noon - at < figures.AFTER_DAYS * DAY for at, _ in life.milestones):
        factor *= figures.AFTER_MILESTONE
    return factor * (1.2 if day.weekday() >= 4 else 0.9)


def _leaves(life: Life, day: date) -> datetime:
    random = life.random
    hour = random.choice((18, 19, 20, 21, 22, 23, 0, 1, 2))
    if not life.chance(figures.EVENING_GOING):
        hour = random.randint(7, 17)
    return as_utc(day, time(hour, random.randint(0, 59)), life.zone)


def _absence(life: Life, left: datetime) -> Absence:
    random = life.random
    back: datetime | None = left + (0.08 + 1.92 * random.random() ** 1.6) * DAY
    if not life.chance(figures.SHORT):
        back = left + (2 + min(random.lognormvariate(1.6, 1.0), 120)) * DAY
        if life.chance(life.kind.never_found / (1 - figures.SHORT)):
            back = None
    if back is not None:
        back = whole(back) if back < life.end else None
    is_coerced = life.chance(figures.COERCED)
    stops = left
    if is_coerced:
        stops = back or life.end
    elif life.chance(figures.STOPS_LATER / (1 - figures.COERCED)):
        stops = left + (1 + 2 * random.random()) * DAY
    drifts = left - random.uniform(2, 5) * DAY if life.chance(figures.DRIFT) else None
    duress = is_coerced and life.chance(figures.COERCED_DURESS)
    return Absence(life.name, left, back, is_coerced, stops, duress, drifts)


def _afterwards(life: Life, absence: Absence) -> None:
    """A professional sees a child who comes back, and a person raises the tier."""
    if absence.back_at is not None:
        life.add(absence.back_at + HOUR, "sighting", by="professional")
        life.add(absence.back_at + HOUR, "milestone", what="return")
        _raise_tier(life, absence.back_at + HOUR)


# --- phones, pauses, carers, sightings, signs


def _outages(life: Life) -> None:
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


def _pauses(life: Life) -> None:
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


def _carer(life: Life) -> None:
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


def _sightings(life: Life) -> None:
    for _, day in life.each_day():
        for by, chance in (
            ("school", figures.SEEN_BY_SCHOOL),
            ("professional", figures.SEEN_BY_PROFESSIONAL),
        ):
            at = as_utc(day, time(life.random.randint(8, 16), 10), life.zone)
            if day.weekday() < 5 and life.chance(chance) and at > life.begin and not life.gone(at):
                life.add(at, "sighting", by=by)


def _signs(life: Life) -> None:
    for absence in life.absences:
        at = whole(absence.left_at - life.random.uniform(6, 96) * HOUR)
        if life.chance(figures.SIGN_BEFORE) and at > life.begin and life.gone(at) is None:
            life.add(at, "observation", sign=life.random.choice(figures.SIGNS))
    for _, day in life.each_day():
        at = as_utc(day, time(15, 40), life.zone)
        if life.chance(figures.SIGN_MONTH / figures.MONTH_DAYS) and at > life.begin:
            life.add(at, "observation", sign=life.random.choice(figures.SIGNS))
