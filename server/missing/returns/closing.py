"""What a return came to: one summary of the search and of everything after it, in sections.

It is read from the entries, and nothing is stored for it: so it can exist only once, and whatever
people add later stands below it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from server.i18n import N_, gettext
from server.missing.returns.interview import MOST_ACTIONS, PULL, PUSH, Answers, Reasons
from server.missing.returns.tasks_left import Done
from server.missing.search import entry_kinds
from server.missing.search.entry_kinds import ENTRIES, Act
from server.missing.search.models import Episode
from server.missing.search.searches import how_seen
from server.missing.search.summary import what_was_done
from server.missing.search.view import Told, View
from server.missing.search.wording import details_of, title_of
from server.plan.paper.scripts import isolated
from server.watch.wording import lasted

Shown = Callable[[datetime], str]


class Line(msgspec.Struct, frozen=True):
    """One line: our sentence, facts by their labels, a person's words, and who wrote them and
    when."""

    text: str = ""
    words: str = ""
    by: str = ""
    facts: Sequence[tuple[str, str]] = ()


class Section(msgspec.Struct, frozen=True):
    """A heading and its lines. `none`: what it says without any."""

    title: str
    lines: Sequence[Line]
    none: str = ""


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """All that the summary is made of, as much as the reader may see. `follows`: what came of it in
    the life project, in words."""

    seen: View
    name: str
    done: Sequence[Done]
    answers: Answers
    reasons: Reasons
    follows: Sequence[str]


def sections(of: Return, language: str, shown: Shown, day: Callable[[str], str]) -> list[Section]:
    """The summary. `shown` and `day` say a moment and a stored day on the reader's clock."""
    nothing = _in(language, N_("Nothing written down."))
    learned = [*_learned(of.seen, language, shown), *_why(of.reasons, language)]
    open_worries = [Line(says) for says in worries(of.seen.timeline, of.name, language)]
    in_project = _in(language, N_("Life project"))
    changes = [
        *_agreed(of.answers, language, day),
        *(Line(words=says, by=in_project) for says in of.follows),
    ]
    done = [Line(task.word, by=_by(task.who, task.at, language, shown)) for task in of.done]
    later = added_later(of.seen, language, shown)
    parts = [
        Section(_in(language, N_("The search")), _search(of, language, shown)),
        Section(_in(language, N_("What we learned")), learned, nothing),
        Section(
            _in(language, N_("Open worries")),
            open_worries,
            _in(language, N_("No open worries in the entries.")),
        ),
        Section(_in(language, N_("What changes now")), changes, nothing),
        Section(_in(language, N_("Who did what")), done),
    ]
    return [*parts, Section(_in(language, N_("Added later")), later)] if later else parts


def _in(language: str, words: str) -> str:
    return gettext(language, words)


def _by(who: str | None, at: datetime, language: str, shown: Shown) -> str:
    return f"{isolated(who, language)} · {shown(at)}" if who else shown(at)


def _search(of: Return, language: str, shown: Shown) -> list[Line]:
    episode = of.seen.episode
    assert episode.found_at is not None
    words = N_("{name} was reported missing {begin} and found {end}: {long}.")
    long = lasted(language, episode.found_at - episode.opened_at)
    begin, end = shown(episode.opened_at), shown(episode.found_at)
    since = gettext(language, words, name=of.name, begin=begin, end=end, long=long)
    return [
        Line(since, words=episode.why or ""),
        *(Line(says) for says in what_was_done(of.seen, language, shown)),
        Line(how_seen(episode, language), words=_condition(episode)),
    ]


def _condition(episode: Episode) -> str:
    return str((episode.found or {}).get("condition", ""))


def _learned(seen: View, language: str, shown: Shown) -> list[Line]:
    """The last entry of each kind that belongs to the return: a later one corrects an earlier."""
    last = {line.what: line for line in seen.timeline if _is_of_the_return(line.what)}
    return [
        Line(
            title_of(line.what, language),
            words=line.words or "",
            by=_by(line.who.name, line.at, language, shown),
            facts=details_of(line.what, line.details, language),
        )
        for line in last.values()
    ]


def _is_of_the_return(what: str) -> bool:
    if what not in set(Act) or what in (Act.NOT_POSSIBLE, Act.PACK_UPDATE):
        return False
    return not ENTRIES[Act(what)].is_search


def _why(reasons: Reasons, language: str) -> list[Line]:
    """The child's reasons, as far as they say that these may be used."""
    pushed = [gettext(language, PUSH[code]) for code in reasons.push if code in PUSH]
    pulled = [gettext(language, PULL[code]) for code in reasons.pull if code in PULL]
    lines = []
    if pushed:
        words = N_("What made the child leave: {what}")
        lines.append(Line(gettext(language, words, what=gettext(language, N_("; ")).join(pushed))))
    if pulled:
        words = N_("What pulled the child away: {what}")
        lines.append(Line(gettext(language, words, what=gettext(language, N_("; ")).join(pulled))))
    if reasons.stop:
        words = N_("What would have to change for the child to stay")
        lines.append(Line(gettext(language, words), words=reasons.stop))
    return lines


def _agreed(answers: Answers, language: str, day: Callable[[str], str]) -> Iterable[Line]:
    """The actions that the interview ended with."""
    for number in range(1, MOST_ACTIONS + 1):
        what = str(answers.get(f"action_{number}", ""))
        if not what:
            continue
        owner, until = answers.get(f"owner_{number}"), answers.get(f"day_{number}")
        parts = [isolated(str(owner), language)] if owner else []
        parts += [gettext(language, N_("by {day}"), day=day(str(until)))] if until else []
        yield Line(words=what, by=" · ".join(parts))


# By act and detail: what stays a worry where the answer is "yes", and where it is not known.
WORRIES: Mapping[tuple[Act, str], tuple[str, str]] = {
    (Act.SAFE_AND_WELL, "hurt"): (
        N_("{name} was hurt."),
        N_("We do not know if {name} was hurt."),
    ),
    (Act.SAFE_AND_WELL, "afraid"): (
        N_("{name} is afraid of someone."),
        N_("We do not know if {name} is afraid of anyone."),
    ),
    (Act.SAFE_AND_WELL, "crime"): (
        N_("Someone did something wrong to {name}."),
        N_("We do not know if anyone did something wrong to {name}."),
    ),
    (Act.MEDICAL, "needed"): (
        N_("{name} needs a doctor."),
        N_("We do not know if {name} needs a doctor."),
    ),
    (Act.RESCREEN, "signs"): (
        N_("There are signs of trafficking."),
        N_("We do not know if there are signs of trafficking."),
    ),
    (Act.PHONE_CHECK, "new"): (
        N_("{name} has a new phone."),
        N_("We do not know if {name} has a new phone."),
    ),
    (Act.PHONE_CHECK, "others"): (
        N_("Someone else uses the phone."),
        N_("We do not know if anyone else uses the phone."),
    ),
}


def worries(timeline: Sequence[Told], name: str, language: str) -> list[str]:
    """What the last entries of the return leave open, in sentences."""
    last = {line.what: line for line in timeline}
    says = []
    for (act, field), (yes, unknown) in WORRIES.items():
        answer = last[act].details.get(field) if act in last else None
        if answer in ("yes", "unknown"):
            says.append(gettext(language, yes if answer == "yes" else unknown, name=name))
    return says


def added_later(seen: View, language: str, shown: Shown) -> list[Line]:
    """Notes and corrections since everything was done."""
    closed_at = seen.episode.followed_up_at
    return [
        Line(words=line.words, by=_by(line.who.name, line.received_at, language, shown))
        for line in seen.timeline
        if line.what == Act.NOTE and line.words and closed_at and line.received_at > closed_at
    ]


def closed_by(seen: View) -> str | None:
    """The person whose entry was the last one that was needed."""
    lines = [line for line in seen.timeline if line.what == entry_kinds.FOLLOWED_UP]
    return lines[-1].who.name if lines else None
