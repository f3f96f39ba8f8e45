"""Every world by its name."""

from server.errors import Refused
from server.i18n import N_
from server.simulation.worlds import (
    answering,
    calendar,
    closing,
    figures,
    leaving,
    network,
    out,
    phones,
)
from server.simulation.worlds.figures import FLAT, FOSTER, HOME, RECEPTION
from server.simulation.worlds.homes import Staffing
from server.simulation.worlds.world import Numbers, Tells, World

RANDOM = "random"

_GUESSING = Tells(
    looking=figures.SAYS, hurried=figures.SAYS_ANYHOW, carer_sees=figures.CARER_SEES_ANYHOW
)

_ALL = (
    World("ordinary", "Homes, schools and adults as the figures have them, and nothing special."),
    World(
        "by_habit",
        "Children answer out of habit at a time of their own; when the habit is lost, they hardly"
        " answer for a week or more.",
        answers=answering.by_habit,
    ),
    World(
        "by_mood",
        "A mood that turns within about two weeks decides who answers and who leaves.",
        answers=answering.by_mood,
        going=leaving.low_mood,
    ),
    World(
        "by_group",
        "The children of a home answer together or forget together.",
        answers=answering.by_group,
    ),
    World(
        "bunched",
        "Children leave with others of their home, within hours.",
        going=leaving.bunched,
    ),
    World(
        "after_visits",
        "Children leave within two days of a visit from a person from before.",
        going=leaving.after_visits,
        leave=out.visits,
    ),
    World(
        "pay_days",
        "Children leave, or stay out late, on the day after the allowance is paid.",
        going=leaving.pay_days,
        outings=out.on_pay_days,
    ),
    World(
        "late_evenings",
        "On many evenings children are out past the hour and come back: “not here” says little.",
        numbers=Numbers(late=5.0),
    ),
    World(
        "guessing_carers",
        "Carers and staff say “here” without looking, and close alerts the same way.",
        staffing=Staffing(hurried=0.75),
        tells=_GUESSING,
        closes=closing.unlooked,
    ),
    World(
        "one_outcome",
        "One person closes every alert within minutes with “was here”, whatever was.",
        closes=closing.alike,
    ),
    World(
        "no_night_staff",
        "Nobody is awake between ten and breakfast, and children leave in these hours.",
        staffing=Staffing(night_staff=0.0),
        tells=Tells(carer_at_night=0.05),
        going=leaving.at_night,
    ),
    World(
        "dying_phones",
        "Batteries are flat for a night or a day, and phones die for good without a word.",
        phones=phones.dying,
    ),
    World(
        "coerced",
        "Most who are gone go on answering, better than before: another person holds the phone.",
        numbers=Numbers(coerced=figures.COERCED_MOSTLY),
        answers=answering.coerced,
    ),
    World(
        "seasons",
        "Terms and holidays, Ramadan and weekends on leave move the answers, the witnesses and the"
        " departures.",
        school=calendar.is_term,
        leave=out.seasons,
        outings=out.after_leave,
        going=leaving.by_season,
        answers=answering.by_season,
    ),
    World(
        "outages",
        "For hours or a day nothing comes from our server, from a whole region, or from any adult.",
        network=network.outages,
    ),
    World(
        "quiet_flats",
        "Most live in flats without a carer; a key worker comes by twice a week.",
        places=((RECEPTION, 0.08), (HOME, 0.12), (FOSTER, 0.10), (FLAT, 0.70)),
    ),
    World(
        "seldom",
        "Half of the check-ins are answered, and a roll call is done on two days of three.",
        numbers=Numbers(answers=(2.4, 2.4)),
        staffing=Staffing(done=0.65),
    ),
)
WORLDS = {world.name: world for world in _ALL}


def world(name: str) -> World:
    """The world of this name. Raises Refused with the names there are."""
    if name not in WORLDS:
        names = ", ".join([*WORLDS, RANDOM])
        raise Refused(
            N_("There is no world “{name}”. Choose one of: {names}."), name=name, names=names
        )
    return WORLDS[name]
