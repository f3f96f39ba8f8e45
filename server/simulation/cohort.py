"""A synthetic cohort: children who answer, forget, lose their phones, and some who go.

Every number is a parameter below, with its source; those marked "assumed" were never measured. What
a policy does on this cohort is not a field result. The same N, days and seed give the same bytes.

The high tier is as in production: it refuses a rhythm with gaps as long as its ceiling. So a newly
placed child has agreed on more than one time a day. Where a milestone or a return asks for the high
tier and the rhythm is slower, a person sets the middle one.

Source of the figures: the domain study that ships with the design, §5.4 and §2.1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from server import clock
from server.watch.rhythm.rules import Rhythm, as_data, next_due

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MONTH_DAYS = 30.4375


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of placement: its share of the cohort, and what it does to the figures."""

    name: str
    share: float
    missing_month: (
        float  # Episodes per child-month: .21 trafficked, .16 newly arrived, .06 all care.
    )
    never_found: float
    carer: float  # Share who live with a carer we can ask.
    is_new: bool  # Placed at the beginning: high for 72 hours, middle for 30 days.


KINDS = (
    Kind("trafficked", 0.15, 0.21, 0.20, carer=0.8, is_new=True),
    Kind("arrived", 0.25, 0.16, 0.10, carer=0.9, is_new=True),
    Kind("in_care", 0.35, 0.06, 0.003, carer=0.95, is_new=False),
    Kind("settled", 0.25, 0.03, 0.003, carer=0.6, is_new=False),
)

# Answering. The mean of Beta(4.3, 1.7) is .72, as 285 samples of young people found.
ANSWERS = (4.3, 1.7)
FATIGUE_WEEK = 0.015  # Lost each week, down to 80 % of what it was; 1 to 2 points (adults, weeks).
FATIGUE_FLOOR = 0.8  # Where it ends is assumed: nobody has measured half a year.
NOVELTY_DAYS, NOVELTY = 3, 0.08  # Assumed.
WEEKEND, EVENING = -0.05, 0.04  # Assumed.
DELAY_MEDIAN_MIN, DELAY_SIGMA = 12.0, 1.3  # Lognormal, assumed.
AFTER_REMINDER = 0.30  # Of the answers, come only after the second reminder; assumed.
SLEEP_FROM, SLEEP_UNTIL = time(23), time(7)
EARLY = 0.10  # Answer before it is due; assumed.

# Phones, assumed: lost, without credit, sold, broken; silently dead push on some.
OUTAGES_MONTH, OUTAGE_DAYS = 0.15, 2.0
DEAD_PUSH_MONTH = 0.04
PHONES = (("android", 0.62), ("ios", 0.23), ("old_android", 0.15))
LANGUAGES = (("ar", 0.28), ("fa", 0.24), ("en", 0.18), ("fr", 0.18), ("ti", 0.12))

# Going. Frailty is gamma with k = .3, so that some thirty per cent have all the episodes.
FRAILTY = 0.3
NEW_DAYS = ((2, 6.0), (14, 2.5))  # Until this day of the placement, times so much; then 1.
AFTER_MILESTONE, AFTER_DAYS = 3.0, 14
MILESTONES_MONTH = (("refusal", 0.03), ("transfer", 0.04), ("hearing", 0.08))
SHORT = 0.90  # Last two days or less (England, 2022).
EVENING_GOING = 0.60  # Leave in the evening or at night; assumed.
COERCED = 0.15  # Go on answering while gone, coerced or willing; assumed, to be swept 0 to 40 %.
COERCED_DURESS = 0.05
STOPS_LATER = 0.10  # Answer for one to three days more.
DRIFT, DRIFT_ANSWERS, DRIFT_DELAY = 0.5, 0.75, 2.0  # Before going: fewer answers, later ones.

# Carers, assumed.
CARER_ANSWERS_DAY, CARER_ANSWERS_NIGHT = 0.85, 0.45
CARER_DELAY_MIN, CARER_SIGMA = 9.0, 1.0
CARER_MISTAKEN = 0.06  # Says "seen" of a child who has gone, in the first six hours.
CARER_CANNOT_SAY = 0.12  # Says "not seen" of a child who is merely out.
SEEN_BY_SCHOOL, SEEN_BY_PROFESSIONAL = 0.02, 0.05  # A day.
# Asked once more before adults are called, a child answers half as likely as a round; assumed, and
# to be swept from never to as likely.
CALLED = 0.5
PAUSES_MONTH = 0.12
SIGNS = ("second_phone", "secrecy", "unknown_adult", "packed_bag", "withdrawal")
SIGN_BEFORE, SIGN_MONTH = 0.35, 0.05
WANTS_TALK, WANTS_HELP = 0.006, 0.0006  # Of the answers.
SERVER_DOWN_MONTH, SERVER_DOWN_H = 0.5, 1.5
RHYTHMS = (
    (0.55, (time(18),)),
    (0.15, (time(20),)),
    (0.20, (time(9), time(19))),
    (0.10, (time(8), time(14), time(20))),
)
ZONES = ("Europe/Paris", "Europe/Lisbon", "Europe/Athens", "Europe/Berlin")


# Children in the same zone share its days.
as_utc = lru_cache(maxsize=65_536)(clock.as_utc)


@dataclass(frozen=True, slots=True)
class Absence:
    """A child was gone from `left_at` to `back_at` (None: not found in this time)."""

    child: str
    left_at: datetime
    back_at: datetime | None
    is_coerced: bool
    stops_at: datetime  # Answers until then, although gone.
    uses_duress: bool = False
    drifts_from: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the child is gone at a moment."""
        return self.left_at <= moment and (self.back_at is None or moment < self.back_at)


Row = tuple[datetime, str, str, dict[str, Any]]


@dataclass(slots=True)
class _Life:
    """One child of the cohort."""

    name: str
    random: Random
    kind: Kind
    zone: ZoneInfo
    rhythm: Rhythm
    has_carer: bool
    begin: datetime
    end: datetime
    settled_days: int  # How long the child had been placed before the watch began.
    answers: float
    rows: list[Row] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    milestones: list[tuple[datetime, str]] = field(default_factory=list)

    def add(self, at: datetime, kind: str, **detail: Any) -> None:
        if at <= self.end:
            self.rows.append((at, self.name, kind, detail))

    def gone(self, at: datetime) -> Absence | None:
        return next((absence for absence in self.absences if absence.holds(at)), None)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def each_day(self) -> Iterator[tuple[int, date]]:
        first = self.begin.astimezone(self.zone).date()
        last = self.end.astimezone(self.zone).date()
        for number in range((last - first).days):
            yield number, first + number * DAY


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
        if random.random() < SERVER_DOWN_MONTH / MONTH_DAYS:
            at = BEGIN + (day + random.random()) * DAY
            until = at + random.expovariate(1 / SERVER_DOWN_H) * HOUR + MINUTE
            rows.append((_whole(at), "", "blind", {"until": _text(until)}))
    return rows


def _life(number: int, days: int, seed: int) -> _Life:
    random = Random(f"waymark cohort {seed} {number}")  # noqa: S311 (a simulation, and repeatable)
    kind = random.choices(KINDS, [kind.share for kind in KINDS])[0]
    rhythms = [(share, at) for share, at in RHYTHMS if len(at) > 1 or not kind.is_new]
    times = random.choices([at for _, at in rhythms], [share for share, _ in rhythms])[0]
    # New placements come over the whole time, so that there are first nights throughout.
    late = random.random() * max(days - 30, 0) * 0.8 if kind.is_new else 0.0
    begin = _whole(BEGIN + late * DAY + random.random() * 9 * HOUR)
    return _Life(
        name=f"c{number:05}",
        random=random,
        kind=kind,
        zone=ZoneInfo(random.choice(ZONES)),
        rhythm=Rhythm(times),
        has_carer=random.random() < kind.carer,
        begin=begin,
        end=BEGIN + days * DAY,
        settled_days=0 if kind.is_new else random.randint(60, 700),
        answers=random.betavariate(*ANSWERS),
    )


def _live(life: _Life) -> None:
    _placed(life)
    _milestones(life)
    _absences(life)
    _outages(life)
    _pauses(life)
    _carer(life)
    _sightings(life)
    _signs(life)
    _rounds(life)
    _called(life)
    life.rows.sort(key=lambda row: (row[0], row[2] != "placed"))


def _placed(life: _Life) -> None:
    random = life.random
    phone = random.choices([name for name, _ in PHONES], [share for _, share in PHONES])[0]
    speaks = random.choices([name for name, _ in LANGUAGES], [share for _, share in LANGUAGES])[0]
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


def _milestones(life: _Life) -> None:
    for number, day in life.each_day():
        for what, month in MILESTONES_MONTH:
            if number > 3 and life.chance(month / MONTH_DAYS):
                at = as_utc(day, time(life.random.randint(9, 16), 20), life.zone)
                life.milestones.append((at, what))
                life.add(at, "milestone", what=what)
                if what != "hearing":
                    _raise_tier(life, at)


def _raise_tier(life: _Life, at: datetime) -> None:
    """High for 72 hours where the rhythm fits, then middle for the rest of thirty days."""
    fits = len(life.rhythm.at) > 1
    life.add(at, "tier", tier="high" if fits else "mid")
    if fits:
        life.add(at + 3 * DAY, "tier", tier="mid")
    life.add(at + 30 * DAY, "tier", tier="low")


# --- going


def _absences(life: _Life) -> None:
    frailty = life.random.gammavariate(FRAILTY, 1 / FRAILTY)
    base = life.kind.missing_month / MONTH_DAYS * frailty
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


def _hazard(life: _Life, number: int, day: date) -> float:
    placed = number + life.settled_days
    factor = next((times for until, times in NEW_DAYS if placed < until), 1.0)
    noon = as_utc(day, time(12), life.zone)
    if any(DAY * 0 <= noon - at < AFTER_DAYS * DAY for at, _ in life.milestones):
        factor *= AFTER_MILESTONE
    return factor * (1.2 if day.weekday() >= 4 else 0.9)


def _leaves(life: _Life, day: date) -> datetime:
    random = life.random
    hour = random.choice((18, 19, 20, 21, 22, 23, 0, 1, 2))
    if not life.chance(EVENING_GOING):
        hour = random.randint(7, 17)
    return as_utc(day, time(hour, random.randint(0, 59)), life.zone)


def _absence(life: _Life, left: datetime) -> Absence:
    random = life.random
    back: datetime | None = left + (0.08 + 1.92 * random.random() ** 1.6) * DAY
    if not life.chance(SHORT):
        back = left + (2 + min(random.lognormvariate(1.6, 1.0), 120)) * DAY
        if life.chance(life.kind.never_found / (1 - SHORT)):
            back = None
    if back is not None:
        back = _whole(back) if back < life.end else None
    is_coerced = life.chance(COERCED)
    stops = left
    if is_coerced:
        stops = back or life.end
    elif life.chance(STOPS_LATER / (1 - COERCED)):
        stops = left + (1 + 2 * random.random()) * DAY
    drifts = left - random.uniform(2, 5) * DAY if life.chance(DRIFT) else None
    duress = is_coerced and life.chance(COERCED_DURESS)
    return Absence(life.name, left, back, is_coerced, stops, duress, drifts)


def _afterwards(life: _Life, absence: Absence) -> None:
    """A professional sees a child who comes back, and a person raises the tier."""
    if absence.back_at is not None:
        life.add(absence.back_at + HOUR, "sighting", by="professional")
        life.add(absence.back_at + HOUR, "milestone", what="return")
        _raise_tier(life, absence.back_at + HOUR)


# --- phones, pauses, carers, sightings, signs


def _outages(life: _Life) -> None:
    free_from = life.begin
    for _, day in life.each_day():
        noon = as_utc(day, time(12), life.zone)
        if noon > free_from and life.chance(OUTAGES_MONTH / MONTH_DAYS):
            until = noon + life.random.expovariate(1 / OUTAGE_DAYS) * DAY
            life.outages.append((noon, until))
            life.add(noon, "prompt_failed")
            life.add(_whole(until), "prompt_ok")
            free_from = until
        elif life.chance(DEAD_PUSH_MONTH / MONTH_DAYS):
            life.add(noon, "prompt_failed")


def _pauses(life: _Life) -> None:
    free_from = life.begin
    for _, day in life.each_day():
        if not life.chance(PAUSES_MONTH / MONTH_DAYS):
            continue
        at = as_utc(day, time(10), life.zone)
        if at > free_from and life.gone(at) is None:
            until = at + life.random.randint(1, 4) * DAY
            life.pauses.append((at, until))
            life.add(at, "pause", until=_text(until))
            free_from = until + DAY


def _carer(life: _Life) -> None:
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


def _would_answer(life: _Life, at: datetime, until: datetime) -> None:
    local = at.astimezone(life.zone).time()
    by_day = time(7) <= local < time(22)
    answers = life.chance(CARER_ANSWERS_DAY if by_day else CARER_ANSWERS_NIGHT)
    after = max(int(life.random.lognormvariate(0, CARER_SIGMA) * CARER_DELAY_MIN * 60), 20)
    absence, draw = life.gone(at), life.random.random()
    is_seen = draw >= CARER_CANNOT_SAY
    if absence is not None:
        is_seen = at < absence.left_at + 6 * HOUR and draw < CARER_MISTAKEN
    if answers and until - at > MINUTE:
        life.add(
            at,
            "if_asked",
            until=_text(until - timedelta(seconds=1)),
            by="carer",
            answer="seen" if is_seen else "not_seen",
            after_s=after,
        )


def _sightings(life: _Life) -> None:
    for _, day in life.each_day():
        for by, chance in (("school", SEEN_BY_SCHOOL), ("professional", SEEN_BY_PROFESSIONAL)):
            at = as_utc(day, time(life.random.randint(8, 16), 10), life.zone)
            if day.weekday() < 5 and life.chance(chance) and at > life.begin and not life.gone(at):
                life.add(at, "sighting", by=by)


def _signs(life: _Life) -> None:
    for absence in life.absences:
        at = _whole(absence.left_at - life.random.uniform(6, 96) * HOUR)
        if life.chance(SIGN_BEFORE) and at > life.begin and life.gone(at) is None:
            life.add(at, "observation", sign=life.random.choice(SIGNS))
    for _, day in life.each_day():
        at = as_utc(day, time(15, 40), life.zone)
        if life.chance(SIGN_MONTH / MONTH_DAYS) and at > life.begin:
            life.add(at, "observation", sign=life.random.choice(SIGNS))


# --- answering


def _rounds(life: _Life) -> None:
    after = life.begin
    while (due := next_due(life.rhythm, life.zone, (), after)) is not None and due < life.end:
        if not any(begin <= due < until for begin, until in life.pauses):
            _round(life, due)
        after = due


def _round(life: _Life, due: datetime) -> None:
    """One expected check-in: whether it is answered, and when."""
    drifts = any(
        absence.drifts_from is not None and absence.drifts_from <= due < absence.left_at
        for absence in life.absences
    )
    chance = _answers(life, due) * (DRIFT_ANSWERS if drifts else 1)
    delay = life.random.lognormvariate(0, DELAY_SIGMA) * DELAY_MEDIAN_MIN
    delay *= DRIFT_DELAY if drifts else 1
    if life.chance(AFTER_REMINDER):
        delay += 30
    at = _awake(life, due + delay * MINUTE)
    if life.chance(EARLY):
        at = max(due - life.random.uniform(5, 60) * MINUTE, life.begin + MINUTE)
    answers, mood = life.chance(chance), life.random.randint(1, 5)
    wish, opens = life.random.random(), life.chance(0.25)
    if at - due > 20 * HOUR or any(begin <= at < until for begin, until in life.outages):
        return
    absence = life.gone(at)
    if absence is not None and (at >= absence.stops_at):
        return
    if answers:
        _answer(life, at, mood, wish, absence)
    elif opens and absence is None:
        life.add(_whole(at), "app_seen")


def _answers(life: _Life, due: datetime) -> float:
    local = due.astimezone(life.zone)
    days = (due - life.begin) / DAY
    chance = life.answers * max(1 - FATIGUE_WEEK * days / 7, FATIGUE_FLOOR)
    chance += NOVELTY if days < NOVELTY_DAYS and life.kind.is_new else 0
    chance += WEEKEND if local.weekday() >= 5 else 0
    chance += EVENING if local.hour >= 17 else -EVENING
    return min(max(chance, 0.03), 0.99)


def _awake(life: _Life, at: datetime) -> datetime:
    """Children do not answer while asleep: the answer comes after waking up."""
    local = at.astimezone(life.zone)
    if SLEEP_UNTIL <= local.time() < SLEEP_FROM:
        return at
    day = local.date() + (DAY if local.time() >= SLEEP_FROM else 0 * DAY)
    return as_utc(day, SLEEP_UNTIL, life.zone) + life.random.uniform(0, 90) * MINUTE


def _answer(life: _Life, at: datetime, mood: int, wish: float, absence: Absence | None) -> None:
    detail: dict[str, Any] = {"mood": mood}
    if absence is not None and absence.uses_duress:
        detail["duress"] = True
    elif absence is None and wish < WANTS_HELP:
        detail["want"] = "help"
    elif absence is None and wish < WANTS_HELP + WANTS_TALK:
        detail["want"] = "talk"
    life.add(_whole(at), "check_in", **detail)


def _called(life: _Life) -> None:
    """What the child does if asked once more, on each day from morning to night: they answer half
    as likely as a round, and not without their phone or after they have stopped answering."""
    # A generator of its own, so that nothing else of the cohort depends on it.
    random = Random(f"waymark cohort {life.name} {life.answers}")  # noqa: S311 (a simulation, and repeatable)
    mute = [*life.outages, *((gone.stops_at, gone.back_at or life.end) for gone in life.absences)]
    for _, day in life.each_day():
        begin = as_utc(day, SLEEP_UNTIL, life.zone)
        answers = random.random() < CALLED * _answers(life, begin)
        after = max(int(random.lognormvariate(0, DELAY_SIGMA) * DELAY_MEDIAN_MIN * 60), 20)
        for at, until in _outside(mute, begin, as_utc(day, SLEEP_FROM, life.zone)):
            until -= after * timedelta(seconds=1)
            if answers and at < until and at > life.begin:
                text = _text(until)
                life.add(
                    _whole(at), "if_asked", until=text, by="child", answer="answered", after_s=after
                )


def _outside(
    spans: list[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """What is left of a time without these spans of it."""
    for first, last in sorted(spans):
        if first < end and last > begin:
            if begin < first:
                yield begin, first
            begin = max(begin, last)
    if begin < end:
        yield begin, end


# --- as text


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _text(at: datetime) -> str:
    return f"{at.replace(microsecond=0, tzinfo=None).isoformat()}Z"
