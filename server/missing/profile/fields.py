"""Every field of the grab pack, in one place: the form, the API, the paper and the catalogs read
them here. Pure.

There is no field for a password, and none may be added: a person who reads along in a child's
account warns those who have the child in their power.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from server.i18n import N_


class Kind(StrEnum):
    """How it is asked for: one line, several, or yes and no."""

    LINE = "line"
    WORDS = "words"
    YES = "yes"


class Part(StrEnum):
    """Prepared beforehand; asked at the time; what the child says; what the home says."""

    BEFORE = "before"
    NOW = "now"
    OWN = "own"
    HOME = "home"


LONGEST: Mapping[Kind, int] = {Kind.LINE: 500, Kind.WORDS: 4_000, Kind.YES: 3}


class Field(msgspec.Struct, frozen=True):
    """One field. `need`: 1 belongs on the page whatever else does, 3 is shortened first.

    `for_partners`: whether the copy for partners, which is as small as it can be, has it too.
    `is_childs`: what children say of themselves, and only they can change.
    """

    name: str
    label: str
    kind: Kind = Kind.LINE
    help: str = ""
    need: int = 2
    for_partners: bool = False
    is_childs: bool = False

    @property
    def longest(self) -> int:
        """The most characters that this field takes."""
        return LONGEST[self.kind]


class Group(msgspec.Struct, frozen=True):
    """Fields that are asked on one screen."""

    name: str
    title: str
    fields: tuple[Field, ...]
    part: Part = Part.BEFORE
    says: str = ""


_LINE, _WORDS = Kind.LINE, Kind.WORDS

_OWN = Group(
    "own",
    N_("In the child's own words"),
    (
        Field(
            "own_call_first", N_("Call first"), _WORDS, need=1, for_partners=True, is_childs=True
        ),
        Field(
            "own_do_not_call", N_("Do not call"), _WORDS, need=1, for_partners=True, is_childs=True
        ),
        Field("own_calms", N_("What calms me"), _WORDS, need=1, for_partners=True, is_childs=True),
        Field(
            "own_frightens",
            N_("What frightens me"),
            _WORDS,
            need=1,
            for_partners=True,
            is_childs=True,
        ),
        Field("own_more", N_("What else I want to say"), _WORDS, need=1, is_childs=True),
        Field(
            "own_for_guardian",
            N_("The guardian may read these words"),
            Kind.YES,
            N_("Ask the child first."),
            need=3,
        ),
    ),
    Part.OWN,
    N_(
        "Only the child writes these words, on their own phone. If they tell you something"
        " but do not want to write it, put it in “How to meet the child”."
    ),
)
_ONE_A_LINE = N_("One place on each line.")
_WITH_A_NUMBER = N_("Name, who they are to the child, number.")
# What a carer knows of every day, as the Philomena Protocol asks it of a home beforehand.
_HOME = Group(
    "home",
    N_("What the home knows"),
    (
        Field("home_habits", N_("Habits and usual times"), _WORDS),
        Field("home_places", N_("Where they go from the home"), _WORDS, _ONE_A_LINE),
        Field("home_clothes", N_("Clothes and bag they usually take"), _WORDS),
        Field(
            "home_phones", N_("Phones the home knows"), _WORDS, N_("Never write a password here.")
        ),
        Field("home_contacts", N_("Friends and family the home knows"), _WORDS, _WITH_A_NUMBER),
    ),
    Part.HOME,
    N_("People who care for the child where they live write this, and keep it up to date."),
)
_NAMES = Group(
    "names",
    N_("Name and origin"),
    (
        Field("own_script", N_("Name in their own script"), need=1, for_partners=True),
        Field("said_aloud", N_("How to say the name"), need=2, for_partners=True),
        Field("nicknames", N_("Nicknames"), need=1, for_partners=True),
        Field("aliases", N_("Other names used"), _WORDS, need=1),
        Field(
            "age_dispute",
            N_("Age or birthday, if unsure"),
            help=N_("What the child says, what the papers say, who doubts it."),
            need=1,
        ),
        Field("gender", N_("Gender"), need=1, for_partners=True),
        Field("nationality", N_("Nationality"), need=1),
        Field("ethnicity", N_("Ethnicity"), need=3),
    ),
)
_LANGUAGE = Group(
    "language",
    N_("Language"),
    (
        Field("first_language", N_("First language"), need=1, for_partners=True),
        Field("other_languages", N_("Other languages"), need=2, for_partners=True),
        Field("accent", N_("Accent"), need=3),
        Field("interpreter", N_("Interpreter"), need=2, for_partners=True),
        Field("literacy", N_("Reads and writes"), need=3, for_partners=True),
    ),
)
_LOOKS = Group(
    "looks",
    N_("How the child looks"),
    (
        Field("height", N_("Height"), need=1, for_partners=True),
        Field("build", N_("Build"), need=1, for_partners=True),
        Field("hair", N_("Hair"), need=1, for_partners=True),
        Field("facial_hair", N_("Facial hair"), need=2, for_partners=True),
        Field("eyes", N_("Eyes"), need=1, for_partners=True),
        Field("skin", N_("Skin"), need=2, for_partners=True),
        Field("glasses", N_("Glasses"), need=1, for_partners=True),
        Field("marks", N_("Scars, tattoos, piercings"), _WORDS, need=1, for_partners=True),
        Field("aids", N_("Aids to move, hear or speak"), need=1),
    ),
)
_PAPERS = Group(
    "papers",
    N_("Papers and legal status"),
    (
        Field("documents", N_("Papers and their numbers"), _WORDS, need=1),
        Field("documents_held_by", N_("Who has the papers"), need=2),
        Field("asylum_card", N_("Asylum card"), need=2),
        Field(
            "prints_held_by",
            N_("Fingerprints held by"),
            help=N_("The authority and its reference. Never the prints themselves."),
            need=2,
        ),
        Field("legal_status", N_("Legal status"), need=2),
        Field("care_order", N_("Care order"), need=3),
        Field("parental_authority", N_("Who decides for the child"), need=2),
    ),
)
_PLACE = Group(
    "place",
    N_("Where the child lives"),
    (
        Field("address", N_("Address"), _WORDS, need=1),
        Field("placement_type", N_("Type of placement"), need=3),
        Field("previous_addresses", N_("Previous addresses"), _WORDS, need=2),
        Field("school", N_("School, work, and hours"), _WORDS, need=2),
        Field("school_phone", N_("Phone number of the school"), need=2),
    ),
)
_PHONES = Group(
    "phones",
    N_("Phones and accounts"),
    (
        Field("phone_number", N_("Phone number"), need=1),
        Field("phone_imei", N_("IMEI"), help=N_("Dial *#06# on the phone to see it."), need=1),
        Field("phone_model", N_("Phone model"), need=2),
        Field("phone_provider", N_("Provider and SIM number"), need=2),
        Field("phone_paid_by", N_("Who pays for it"), need=3),
        Field("second_phones", N_("Other phones"), _WORDS, need=1),
        Field("email", N_("Email"), need=2),
        Field(
            "handles",
            N_("Names on social media and games"),
            _WORDS,
            N_("Names only. Never write a password here."),
            need=1,
        ),
    ),
    says=N_(
        "No passwords. Nobody needs them to look for the child, and they put the child in danger."
    ),
)
_MONEY = Group(
    "money",
    N_("Money and ways to travel"),
    (
        Field("bank_cards", N_("Bank cards"), help=N_("The bank and the last 4 digits."), need=2),
        Field("money_apps", N_("Money apps"), need=2),
        Field("cash", N_("Cash"), need=3),
        Field("benefits", N_("Benefits"), need=3),
        Field("travel_card", N_("Travel card"), need=2),
        Field("bike", N_("Bicycle or scooter"), need=2),
        Field("transport_habits", N_("How the child travels"), _WORDS, need=2),
    ),
)
_HEALTH = Group(
    "health",
    N_("Health"),
    (
        Field("medication", N_("Medicine and dose"), _WORDS, need=1),
        Field(
            "without_medication",
            N_("Without it: what happens, and after how many hours"),
            _WORDS,
            N_("Life-saving medicine only. Partners read this too."),
            need=1,
            for_partners=True,
        ),
        Field("allergies", N_("Allergies"), need=1),
        Field("pregnancy", N_("Pregnancy"), need=1),
        Field("disability", N_("Disability"), need=1),
        Field("mental_health", N_("Mental health, self-harm"), _WORDS, need=1),
        Field("substances", N_("Alcohol and drugs"), need=2),
        Field("doctor", N_("Doctor"), need=3),
    ),
)
_PEOPLE = Group(
    "people",
    N_("People"),
    (
        Field("friends", N_("Friends"), _WORDS, need=2),
        Field("partner", N_("Boyfriend or girlfriend"), need=2),
        Field("relatives_here", N_("Family in this country"), _WORDS, need=2),
        Field("relatives_abroad", N_("Family in other countries"), _WORDS, need=2),
        Field(
            "persons_of_concern",
            N_("People to worry about"),
            _WORDS,
            N_("Names, numbers, cars, addresses, and why."),
            need=1,
        ),
        Field(
            "professionals",
            N_("Who to call day and night"),
            _WORDS,
            N_("Name, who they are to the child, number, hours."),
            need=1,
            for_partners=True,
        ),
    ),
)
_PLACES = Group(
    "places",
    N_("Places to look"),
    (
        Field("places_often", N_("Places the child goes"), _WORDS, _ONE_A_LINE, need=2),
        Field("places_found", N_("Where the child was found before"), _WORDS, _ONE_A_LINE, need=1),
        Field("places_risky", N_("Dangerous places"), _WORDS, _ONE_A_LINE, need=1),
        Field("country_wanted", N_("Country they want to reach"), need=1),
        Field(
            "episodes_before",
            N_("Missing before"),
            _WORDS,
            N_("When, how long, where they were found."),
            need=2,
        ),
    ),
)
_HISTORY = Group(
    "history",
    N_("Exploitation"),
    (
        Field("exploitation", N_("How the child was exploited"), need=1),
        Field("route", N_("Route to this country"), _WORDS, need=2),
        Field("debt", N_("Debt"), need=2),
        Field("controllers", N_("Who may control the child"), _WORDS, need=1),
    ),
    says=N_("Write only what is already known. Do not ask the child to tell it again for this."),
)
_CARE = Group(
    "care",
    N_("How to meet the child"),
    (
        Field("approach", N_("How to approach"), _WORDS, need=1, for_partners=True),
        Field("calming_words", N_("Words that calm"), _WORDS, need=1, for_partners=True),
        Field(
            "frightens",
            N_("What frightens the child"),
            _WORDS,
            N_("Uniforms, dogs, closed doors, being held."),
            need=1,
            for_partners=True,
        ),
        Field("triggers", N_("What upsets the child"), _WORDS, need=2),
        # The adults' own field beside the child's words.
        Field(
            "told_us",
            N_("What the child told us"),
            _WORDS,
            N_("Who to call first, who not to call. In your words, from what they said."),
            need=2,
            for_partners=True,
        ),
        Field("culture", N_("Faith, food, customs"), _WORDS, need=2),
    ),
)
_CONSENT = Group(
    "consent",
    N_("Consent"),
    (
        Field("consent", N_("What the child agreed to, and when"), _WORDS, need=2),
        Field("legal_basis", N_("Legal basis for keeping this"), need=3),
    ),
)
_NOW = Group(
    "now",
    N_("What happened"),
    (
        Field("noticed_by", N_("Who noticed, and when"), need=1),
        Field(
            "last_seen",
            N_("Last seen: when, where, who saw them, who they were with"),
            _WORDS,
            need=1,
        ),
        Field("clothing", N_("Clothes"), _WORDS, need=1, for_partners=True),
        Field("bag", N_("Bag, and what is gone"), _WORDS, need=1),
        Field("taken", N_("Papers, charger, medicine: taken or left"), _WORDS, need=1),
        Field("phone_state", N_("Phone on or off"), need=1),
        Field("last_contact", N_("Last contact, and what was said"), _WORDS, need=1),
        Field("mood", N_("State of mind, quarrel, trigger"), _WORDS, need=1),
        Field("out_of_character", N_("Is this unusual for the child?"), need=1),
        Field("coming_dates", N_("Dates coming up"), need=2),
        Field("risks", N_("Dangers now: weapons, self-harm, weather"), _WORDS, need=1),
        Field("vehicle", N_("Vehicle"), need=1),
        Field("told", N_("Who has been told"), _WORDS, need=1),
        Field("report", N_("Report: number, officer, risk level and who set it"), need=1),
    ),
    Part.NOW,
    N_("Write facts and who said them. The police judge the risk."),
)

GROUPS: tuple[Group, ...] = (
    _OWN,
    _HOME,
    _NAMES,
    _LANGUAGE,
    _LOOKS,
    _CARE,
    _PEOPLE,
    _PLACES,
    _PHONES,
    _HEALTH,
    _PAPERS,
    _PLACE,
    _MONEY,
    _HISTORY,
    _CONSENT,
    _NOW,
)
FIELDS: Mapping[str, Field] = {field.name: field for group in GROUPS for field in group.fields}
BY_GROUP: Mapping[str, Group] = {group.name: group for group in GROUPS}


def names_of(*parts: Part) -> tuple[str, ...]:
    """The names of the fields of these parts, in their order."""
    return tuple(field.name for group in GROUPS if group.part in parts for field in group.fields)


# PREPARED is what a version of the pack contains. Only the child writes CHILD_SAYS, and reads no
# other; a carer reads and writes HOME_SAYS alone, which staff write too.
PREPARED = names_of(Part.BEFORE, Part.OWN, Part.HOME)
CHILD_SAYS = tuple(name for name in PREPARED if FIELDS[name].is_childs)
HOME_SAYS = names_of(Part.HOME)
AT_THE_TIME = names_of(Part.NOW)
