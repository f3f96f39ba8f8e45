"""What the synthetic cohort assumes: each number with its source. Those marked "assumed" were never
measured.

Source of the figures: the domain study that ships with the design, §5.4 and §2.1.
"""

from datetime import time

import msgspec

MONTH_DAYS = 30.4375


class Kind(msgspec.Struct, frozen=True):
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
