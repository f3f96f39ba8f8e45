"""What every world assumes beyond the cohort's own figures (server/simulation/figures.py).

Nobody has measured these: where no source stands, a number is assumed. A world replaces behaviours,
and some of the numbers (`Numbers` in world.py).
"""

from datetime import time

import msgspec

from server.simulation import figures as cohort


class Place(msgspec.Struct, frozen=True):
    """A kind of home. The shares are of the children who live in such homes."""

    name: str
    share: float  # Of all children.
    size: tuple[int, int]  # Children in one home.
    carer: float  # Live with an adult we can ask.
    night_staff: float  # Of these homes, have staff who are awake at night.
    # Weights of the kinds of placement: trafficked, newly arrived, in care, settled.
    kinds: tuple[float, float, float, float]
    is_group: bool = True  # Shifts of staff; a child may move to another of these.


# Group homes of 6 to 14 and foster homes of one or two: as the agencies of the domain study have
# them. Independent flats have a key worker who comes by. The shares are assumed.
RECEPTION = Place("reception", 0.20, (8, 14), 0.95, 0.95, (0.30, 0.55, 0.10, 0.05))
HOME = Place("home", 0.45, (6, 12), 0.90, 0.75, (0.13, 0.22, 0.45, 0.20))
FOSTER = Place("foster", 0.15, (1, 2), 1.0, 0.0, (0.12, 0.13, 0.45, 0.30), is_group=False)
FLAT = Place("flat", 0.20, (1, 3), 0.25, 0.0, (0.10, 0.13, 0.27, 0.50), is_group=False)
PLACES = (RECEPTION, HOME, FOSTER, FLAT)

# --- the roll call of a home, all assumed

# A day has three shifts. The night one ends with breakfast; where nobody is awake at night, it
# begins when the morning staff comes.
MORNING, AFTERNOON, NIGHT = time(8, 15), time(15, 30), time(22)
STAFF_COMES = time(6, 45)
ROLL_CALL_DONE = 0.90  # Of the roll calls; each home has its own share around this.
DONE_SPREAD = 25.0  # The sum of the parameters of its Beta.
HURRIED = 0.12  # Of the shifts, are new or hurried, and say "here" without looking.
ROLL_CALL_MIN, ROLL_CALL_SIGMA = 7.0, 0.9  # Lognormal; slower at night.
NIGHT_SLOWER = 1.6
FOSTER_DONE = 0.85
VISITS_A_WEEK = 2  # Of the key worker, to a flat; in the afternoon.

HERE, NOT_HERE, EXCUSED, UNKNOWN = "here", "not_here", "excused", "unknown"
Shares = tuple[tuple[str, float], ...]
# What a shift that looks says of a child, by where they are.
SAYS: dict[str, Shares] = {
    "in": ((HERE, 0.965), (UNKNOWN, 0.020), (NOT_HERE, 0.015)),
    "school": ((EXCUSED, 0.95), (HERE, 0.02), (UNKNOWN, 0.03)),
    "free": ((EXCUSED, 0.80), (NOT_HERE, 0.10), (UNKNOWN, 0.10)),
    "leave": ((EXCUSED, 0.96), (UNKNOWN, 0.02), (NOT_HERE, 0.02)),
    "out": ((NOT_HERE, 0.88), (UNKNOWN, 0.06), (EXCUSED, 0.06)),
    "just_gone": ((NOT_HERE, 0.74), (UNKNOWN, 0.12), (EXCUSED, 0.06), (HERE, 0.08)),
    "gone": ((NOT_HERE, 0.90), (UNKNOWN, 0.07), (EXCUSED, 0.025), (HERE, 0.005)),
    "long_gone": ((NOT_HERE, 0.97), (UNKNOWN, 0.03)),
}
# What a hurried shift says. Of a child who has long gone even they know.
GUESSES: dict[str, Shares] = {
    **SAYS,
    "in": ((HERE, 0.99), (UNKNOWN, 0.01)),
    "free": ((HERE, 0.6), (EXCUSED, 0.4)),
    "out": ((HERE, 0.6), (NOT_HERE, 0.2), (EXCUSED, 0.2)),
    "just_gone": ((HERE, 0.7), (NOT_HERE, 0.2), (EXCUSED, 0.1)),
    "gone": ((NOT_HERE, 0.75), (HERE, 0.1), (EXCUSED, 0.15)),
}
# As long as staff may still take a child for being about; and then everyone knows.
JUST_GONE_H, LONG_GONE_H = 3, 36

# --- where a child is who has not left, assumed

PUPILS = 0.7  # Go to school: on weekdays, outside of holidays.
FREE_EVENING = 0.2  # Of the evenings, are out with permission until supper.
SUPPER = time(19)
# Past the hour, without permission, and coming back: the everyday false alarm. Each child has their
# own share around these (gamma, k = .7).
LATE_WEEKDAY, LATE_WEEKEND, LATE_SPREAD = 0.03, 0.09, 0.7
LATE_FROM = (19, 22)  # Between these hours,
LATE_H, LATE_SIGMA = 2.5, 0.6  # for so long: lognormal.

# --- school, mentor, carer, all assumed

SCHOOL_LISTS = 0.6  # Of the pupils, have a school that sends its morning list.
SCHOOL_LIST = (time(8, 30), time(12, 30))
SCHOOL_SAYS: dict[str, Shares] = {
    "in": ((HERE, 0.92), (EXCUSED, 0.04), (NOT_HERE, 0.04)),
    "leave": ((EXCUSED, 0.85), (NOT_HERE, 0.15)),
    "gone": ((NOT_HERE, 0.93), (EXCUSED, 0.05), (HERE, 0.02)),
}
MENTORS = 0.3  # Of the children, have a mentor with an agreed day.
MENTOR_DAY = (time(16), time(21))
MENTOR_SAYS: dict[str, Shares] = {
    "in": ((HERE, 0.78), (NOT_HERE, 0.12), (UNKNOWN, 0.10)),
    "leave": ((EXCUSED, 0.8), (UNKNOWN, 0.2)),
    "gone": ((NOT_HERE, 0.85), (UNKNOWN, 0.15)),
}
WITNESS_MIN, WITNESS_SIGMA = 20.0, 1.0
# How likely a carer says "seen". While a child may still be about, as in the cohort.
CARER_SEES = {
    "in": 1 - cohort.CARER_CANNOT_SAY,
    "free": 0.85,
    "leave": 0.85,
    "out": 0.25,
    "just_gone": cohort.CARER_MISTAKEN,
    "gone": 0.01,
    "long_gone": 0.0,
}
# Where adults guess.
SAYS_ANYHOW: dict[str, Shares] = {
    **GUESSES,
    "in": ((HERE, 0.99), (UNKNOWN, 0.01)),
    "out": ((HERE, 0.85), (NOT_HERE, 0.10), (EXCUSED, 0.05)),
    "just_gone": ((HERE, 0.85), (NOT_HERE, 0.10), (EXCUSED, 0.05)),
    "gone": ((HERE, 0.55), (NOT_HERE, 0.30), (EXCUSED, 0.15)),
}
CARER_SEES_ANYHOW = {
    "in": 0.98,
    "free": 0.97,
    "leave": 0.95,
    "out": 0.85,
    "just_gone": 0.80,
    "gone": 0.50,
    "long_gone": 0.05,
}

# --- closing alerts, assumed

CLOSED_MIN, CLOSED_SIGMA = 50.0, 1.1  # Lognormal: minutes to hours.
CLOSED_WRONG_GONE = 0.08  # "Was here" of a child who had gone, without looking.
CLOSED_WRONG_HERE = 0.03  # "Was away" of a child who was there.
CLOSED_AFTER_RETURN_H = 2  # As long, "was away" is still the truth.

# --- what some worlds are about, all assumed

HABIT_IN_DAYS, HABIT_OUT_DAYS = 24.0, 9.0  # Mean lengths of the times with and without the habit.
HABIT_IN, HABIT_OUT = 0.95, 0.15  # Answers, times the child's own likelihood over the mean.
MOOD_KEEPS = 0.93  # Of today's mood is left tomorrow: it turns within about two weeks.
MOOD_ANSWERS, MOOD_LEAVES = (
    1.1,
    0.9,
)  # Log odds of an answer, log hazard of leaving, a unit of mood.
GROUP_FORGETS, GROUP_FORGETS_TIMES = 0.28, 0.2  # Of the days of a home; then so much as likely.
GROUP_REMEMBERS_TIMES = 1.2
BUNCHES_MONTH, BUNCH_JOINS, BUNCH_WITHIN_H = 0.22, 0.4, 3.0  # A group home, a child, hours.
ALONE = 0.25  # Of the usual likelihood to leave remains beside the world's own cause.
VISIT_EACH_DAYS, VISIT_H = (8, 15), (3, 7)
AFTER_VISIT, AFTER_VISIT_H = 0.75, 48.0
PAY_DAYS = (1, 15)  # Of a month.
PAY_LATE = 4.0  # Out late on a pay day, times the usual.
AT_NIGHT = 0.85  # Of the departures, where nobody is awake at night.
FLAT_BATTERY, FLAT_BATTERY_H = 0.09, (8, 40)  # A day; hours until there is power again.
PHONE_DIES_MONTH, PHONE_BACK_DAYS = 0.35, 9.0
COERCED_MOSTLY, COERCED_ANSWERS, COERCED_SLOWER = 0.65, 0.97, 0.4
RAMADAN_LANGUAGES = {"ar": 0.85, "fa": 0.8, "fr": 0.35, "en": 0.2, "ti": 0.2}
RAMADAN_DAY, RAMADAN_LATER_MIN = 0.45, 75.0
HOLIDAY_ANSWERS, HOLIDAY_LATER_MIN = 0.85, 90.0
HOLIDAY_BEGINS_DAYS, HOLIDAY_LEAVES = 5, 3.5
WEEKEND_LEAVE, BACK_LATE, STAYS_AWAY = 0.4, 0.25, 0.02  # Children; weekends; weekends.
REGION_DOWN_MONTH, REGION_DOWN_H = 2.0, 26.0
SMS_DOWN_MONTH, SMS_DOWN_H = 1.0, 20.0
OUR_DOWN_MONTH, OUR_DOWN_H = 2.0, 4.0
