"""The return interview: every question, in groups that fit a screen, and who reads what. Pure.

The answers are one mapping from the name of a question to a text, or to a list of codes. A question
that was not asked has no answer; "does not want to say" is one of the answers.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from unicodedata import normalize

import msgspec

from server.errors import Ask, Incomplete, Refused
from server.i18n import N_
from server.people.rules import Role

Answer = str | list[str]
Answers = Mapping[str, Answer]
LONGEST, MOST_ACTIONS = 20_000, 5


class Question(msgspec.Struct, frozen=True):
    """One question. Without choices it is a text: a line, or room for more where `is_long`."""

    name: str
    label: str
    choices: Mapping[str, str] | None = None
    is_many: bool = False
    is_long: bool = False
    kind: str = "text"
    hint: str = ""
    row: int = 0  # Its number among several alike.


class Group(msgspec.Struct, frozen=True):
    """The questions of one screen."""

    name: str
    title: str
    questions: tuple[Question, ...]


_TOLD = {
    "yes": N_("yes"),
    "no": N_("no"),
    "unsaid": N_("The child does not want to say"),
    "unknown": N_("not known"),
}
ANSWERS = {"accepted": N_("Yes, the child wants to"), "refused": N_("No, not now")}
PUSH = {
    "conflict": N_("Trouble with someone at home"),
    "afraid": N_("Afraid of someone there"),
    "bullied": N_("Bullied or treated unfairly"),
    "alone": N_("Lonely or homesick"),
    "bored": N_("Nothing to do"),
    "rules": N_("The rules at home"),
    "waiting": N_("The long wait for a decision"),
    "refusal": N_("A refusal, or fear of one"),
    "move": N_("A move, or fear of one"),
    "school": N_("School or work"),
    "health": N_("Feeling unwell or very sad"),
    "not_heard": N_("Nobody listened"),
}
PULL = {
    "family": N_("Family somewhere else"),
    "friends": N_("Friends"),
    "partner": N_("A person the child loves"),
    "onward": N_("Another country"),
    "money": N_("Work or money"),
    "debt": N_("A debt"),
    "promised": N_("Someone promised them something"),
    "forced": N_("Someone told the child to come"),
    "substances": N_("Drugs or alcohol"),
    "freedom": N_("Being free for a while"),
}
ADVICE = {
    "helpline": N_("Helpline number"),
    "missing_line": N_("Missing children helpline"),
    "safe_place": N_("A place that is safe at any hour"),
    "phone": N_("How to make the phone safe"),
    "contact": N_("Who to call first"),
    "online": N_("Staying safe online"),
}

OFFER, HELD, SHARING, OWN = "offer", "held", "sharing", "own"
_ACTIONS = tuple(
    question
    for number in range(1, MOST_ACTIONS + 1)
    for question in (
        Question(f"action_{number}", N_("What"), row=number),
        Question(f"owner_{number}", N_("Who does it"), row=number),
        Question(f"day_{number}", N_("Due date"), kind="date", row=number),
    )
)
# Only these screens can be shared: they contain words of the interview.
_PARTS = {
    "before": N_("Before"),
    "during": N_("While the child was away"),
    "after": N_("After"),
    "next": N_("What would help"),
    "actions": N_("What happens now"),
    "own": N_("In the child's own words"),
}

GROUPS: tuple[Group, ...] = (
    Group(
        OFFER,
        N_("The offer"),
        (
            Question("answer", N_("Does the child want to talk?"), ANSWERS),
            Question("reason", N_("Why, in the child's words"), is_long=True),
        ),
    ),
    Group(
        HELD,
        N_("The interview"),
        (
            Question("at", N_("When the interview began"), kind="datetime-local"),
            Question("interviewer", N_("Interviewer")),
            Question("from", N_("Interviewer's service")),
            Question(
                "independent",
                N_("Is this person independent of the home?"),
                {"yes": N_("yes"), "no": N_("no")},
                hint=N_("Never a person who cares for the child or works in the home."),
            ),
            Question("place", N_("Where you talk")),
            Question("interpreter", N_("Interpreter: name and language")),
        ),
    ),
    Group(
        "before",
        N_("Before"),
        (
            Question("before", N_("What happened before"), is_long=True),
            Question("push", N_("What made the child leave"), PUSH, is_many=True),
            Question("pull", N_("What pulled the child away"), PULL, is_many=True),
        ),
    ),
    Group(
        "during",
        N_("While the child was away"),
        (
            Question("where", N_("Where the child was"), is_long=True),
            Question("with_whom", N_("Who the child was with")),
            Question(
                "contacts",
                N_("Phone numbers of those people"),
                is_long=True,
                hint=N_("One number a line."),
            ),
            Question("travelled", N_("How the child travelled")),
            Question("needs", N_("Food, sleep and money"), is_long=True),
            Question("harmed", N_("Did anyone hurt or threaten the child?"), _TOLD),
            Question("afraid", N_("Is the child afraid of anyone?"), _TOLD),
            Question("afraid_of", N_("Who the child is afraid of")),
            Question("asked", N_("Did anyone ask the child to do things?"), _TOLD),
            Question("told", N_("What the child says about it"), is_long=True),
        ),
    ),
    Group(
        "after",
        N_("After"),
        (
            Question("returned", N_("How the child came back"), is_long=True),
            Question("feelings", N_("How the child feels now"), is_long=True),
            Question("health", N_("Health")),
            Question("support", N_("Help the child wants"), is_long=True),
        ),
    ),
    Group(
        "next",
        N_("What would help"),
        (
            Question("stop", N_("What would have to change for the child to stay"), is_long=True),
            Question("advice", N_("What you gave or explained"), ADVICE, is_many=True),
            Question("lines", N_("Numbers you gave")),
        ),
    ),
    Group("actions", N_("What happens now"), _ACTIONS),
    Group(
        OWN,
        N_("In the child's own words"),
        (
            Question(
                "own",
                N_("What the child wants written down"),
                is_long=True,
                hint=N_("In the child's own language. The child can read it later."),
            ),
        ),
    ),
    Group(
        SHARING,
        N_("What we may share"),
        (
            Question(
                "share_reasons",
                N_("Can we use the reasons when we review the life project?"),
                {"yes": N_("yes"), "no": N_("no")},
            ),
            Question("share_guardian", N_("What the guardian may read"), _PARTS, is_many=True),
            Question(
                "share_others",
                N_("Who else may know what"),
                is_long=True,
                hint=N_("Tell the child that you must pass on anything that puts them in danger."),
            ),
        ),
    ),
)
BY_NAME: Mapping[str, Group] = {group.name: group for group in GROUPS}
QUESTIONS: Mapping[str, Question] = {
    question.name: question for group in GROUPS for question in group.questions
}


def read(raw_answers: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers as we store them, without empty ones. Raises Refused, naming the field."""
    answers: dict[str, Answer] = {}
    for name, value in raw_answers.items():
        if name not in QUESTIONS:
            raise Refused(N_("“{field}” is not known here."), field=name[:40])
        clean = _many(QUESTIONS[name], value) if QUESTIONS[name].is_many else _one(name, value)
        if clean:
            answers[name] = clean
    return answers


def _many(question: Question, value: Any) -> list[str]:
    codes = value if isinstance(value, list) else [value] if value else []
    if any(code not in (question.choices or {}) for code in codes):
        raise Refused(N_("Choose from the answers listed."), field=question.name)
    return [code for code in question.choices or {} if code in codes]


def _one(name: str, value: Any) -> str:
    question = QUESTIONS[name]
    if not isinstance(value, str):
        raise Refused(N_("“{field}” is not valid here."), field=name)
    text = value.strip()
    if len(text) > LONGEST:
        raise Refused(N_("Write up to 20,000 characters."), field=name)
    if text and question.choices is not None and text not in question.choices:
        raise Refused(N_("Choose an answer."), field=name)
    if text and question.kind != "text":
        _check_day(text, name, is_moment=question.kind != "date")
    return text


def _check_day(text: str, name: str, *, is_moment: bool) -> None:
    try:
        when = datetime.fromisoformat(text) if is_moment else date.fromisoformat(text)
    except ValueError:
        when = None
    has_zone = not isinstance(when, datetime) or when.utcoffset() is not None
    if when is None or not has_zone or not 2000 <= when.year <= 2200:
        says = (
            N_("Enter a date and a time.")
            if is_moment
            else N_("Enter a date, for example 2027-03-31.")
        )
        raise Refused(says, field=name)


def moment_of(answers: Answers) -> datetime | None:
    """When the interview began, where the answer includes a zone."""
    at = answers.get("at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None


# So long after the first no the second one is another answer, and not the same one again.
_ASKED_ANEW = timedelta(days=1)


def may_end_offers(refused_at: Collection[datetime]) -> bool:
    """Whether the child has said no twice, and was asked anew in between: then a person may stop
    the offers. Else a child who never wants to talk would keep the return open for ever."""
    return bool(refused_at) and max(refused_at) - min(refused_at) >= _ASKED_ANEW


# What must be known before an interview counts as held, and how we ask for it.
NEEDED: Mapping[str, str] = {
    "at": N_("Say when the interview began."),
    "interviewer": N_("Say who led the interview."),
    "independent": N_("Say if that person is independent of the home."),
}


def check_held(answers: Answers) -> None:
    """Check that this interview took place. Raises Refused where the child said no; Incomplete."""
    if answers.get("answer") == "refused":
        raise Refused(N_("The child did not want to talk. Log that instead."), field="answer")
    if asks := missing(answers):
        raise Incomplete(asks)


def missing(answers: Answers) -> dict[str, Ask]:
    """How we ask for each answer without which an interview does not count as held."""
    return {name: Ask(detail) for name, detail in NEEDED.items() if not answers.get(name)}


def plain(name: str) -> str:
    """A name for comparing: case, spacing and Unicode form make no difference."""
    return " ".join(normalize("NFKC", name).casefold().split())


def check_leader(interviewer: str, carers: Collection[str]) -> None:
    """Check that the leader does not care for the child, or work in their home. Raises Refused."""
    if plain(interviewer) in {plain(name) for name in carers}:
        raise Refused(
            N_(
                "This person cares for the child or works in the home. The interviewer must"
                " be independent: ask your supervisor who can do it."
            ),
            field="interviewer",
        )


def groups_for(roles: Collection[Role], answers: Answers) -> frozenset[str]:
    """The groups that this reader sees: caseworker and supervisor all; the guardian what the child
    allows; the child their own words and what they allowed; a carer nothing."""
    if Role.CHILD in roles:
        return frozenset({OWN, SHARING})
    if set(roles) & {Role.CASEWORKER, Role.SUPERVISOR}:
        return frozenset(BY_NAME)
    if Role.GUARDIAN in roles:
        allowed = answers.get("share_guardian", [])
        return frozenset({OFFER, HELD, *(part for part in allowed if part in _PARTS)})
    return frozenset()


def seen_by(roles: Collection[Role], answers: Answers) -> dict[str, Answer]:
    """The answers of those groups. A guardian never reads why the child did or did not want to
    talk."""
    groups = groups_for(roles, answers)
    names = {question.name for group in groups for question in BY_NAME[group].questions}
    if SHARING not in groups:
        names.discard("reason")
    return {name: value for name, value in answers.items() if name in names}


class Reasons(msgspec.Struct, frozen=True):
    """What a review of the life project may use: codes of what pushed the child away and what drew
    them, and in their words what would have to change."""

    push: list[str]
    pull: list[str]
    stop: str

    def __bool__(self) -> bool:
        return bool(self.push or self.pull or self.stop)


def may_be_used(answers: Answers) -> bool:
    """Whether the child says that their reasons may be used for the review."""
    return answers.get("share_reasons") == "yes"


def reasons(roles: Collection[Role], answers: Answers) -> Reasons:
    """The reasons that this reader may see; none where the child has not said that they may be
    used. The child sees none of them, as a stranger may have their phone."""
    groups = groups_for(roles, answers) if may_be_used(answers) else frozenset()
    shown = {question.name for part in _REASONED & groups for question in BY_NAME[part].questions}
    push, pull, stop = (answers.get(name) if name in shown else None for name in _REASONS)
    return Reasons(list(push or []), list(pull or []), str(stop or ""))


_REASONS = ("push", "pull", "stop")
# The screens of the interview with the reasons.
_REASONED = frozenset({"before", "next"})
