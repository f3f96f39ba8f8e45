"""The state of a search, in plain sentences: what was done, what is open, and what comes next. For
the person who has it from now on, who may read them at three in the morning."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from server.alerts.attempt_rules import TARGETS
from server.i18n import N_, fill, format_list, gettext, ngettext
from server.missing.search import entry_kinds
from server.missing.search.entry_kinds import HOW, RESULT, Act
from server.missing.search.last_seen import Seen, last_seen
from server.missing.search.signs_of_life import SEEN
from server.missing.search.view import Running, Told, View
from server.roll_calls.words import WORDS as WORDS_OF_HOMES
from server.tasks.rules import Kind
from server.tasks.turns import WORDS

Shown = Callable[[datetime], str]
# Elsewhere it is a question of its own.
_WITHIN: Mapping[Kind, str] = {Kind.DECISION: N_("Decide whether to tell the police")}


def how_it_stands(seen: View, language: str, shown: Shown) -> list[str]:
    """The sentences, in the order in which the reader needs them."""
    return [
        *_missing(seen, language, shown),
        *what_was_done(seen, language, shown),
        *_next(seen.clocks, language, shown),
    ]


def what_was_done(seen: View, language: str, shown: Shown) -> list[str]:
    """Whether the police know, how often people tried, the last sign of life, and the last word of
    the home."""
    return [
        _police(seen, language, shown),
        _tried(seen.timeline, language, shown),
        _heard(seen.timeline, language, shown),
        *_home(seen, language, shown),
    ]


def _home(seen: View, language: str, shown: Shown) -> list[str]:
    """What the home said last at a roll call, where it said anything about these days."""
    if seen.home is None:
        return []
    word, time = gettext(language, WORDS_OF_HOMES[seen.home.word]), shown(seen.home.said_at)
    sentence = N_("The last word of the home: “{word}”, {time} ({name}).")
    return [gettext(language, sentence, word=word, time=time, name=seen.home.by)]


def _missing(seen: View, language: str, shown: Shown) -> list[str]:
    episode = seen.episode
    if episode.found_at is not None:
        over = N_("The child was seen {time}. The search is over.")
        return [gettext(language, over, time=shown(episode.found_at))]
    sentences = [gettext(language, N_("Reported missing {time}."), time=shown(episode.opened_at))]
    where = _last_place(seen)
    if where:
        sentences.append(gettext(language, N_("Last seen: {where}."), where=where))
    return sentences


def _last_place(seen: View) -> str | None:
    """The place where the child was seen last, as far as it is known."""
    noticed = [
        Seen(seen.episode.id, line.at, str(line.details["where"]))
        for line in seen.timeline
        if _is_seen(line) and line.details.get("where")
    ]
    return last_seen(seen.episode, noticed).where or None


def _is_seen(line: Told) -> bool:
    """Whether a person saw the child, and says so."""
    if line.what == entry_kinds.SIGN_OF_LIFE:
        return line.details.get("said") == SEEN
    return line.what == Act.PLACE and line.details.get("known") == entry_kinds.SEEN_THERE


def _is_sign(line: Told) -> bool:
    """Whether the child was heard or seen, or a person reached them."""
    is_reached = line.what == Act.ATTEMPT and line.details.get("result") == "reached"
    return is_reached or line.what == entry_kinds.SIGN_OF_LIFE or _is_seen(line)


def _police(seen: View, language: str, shown: Shown) -> str:
    told = seen.episode.reported_at
    if told is None:
        return gettext(language, N_("No report to the police is logged."))
    reports = [
        line
        for line in seen.timeline
        if line.what == Act.REPORT and line.details.get("to") == "police"
    ]
    reference = reports[-1].details.get("reference") if reports else None
    if reference:
        sentence = N_("We told the police {time}. Reference: {reference}.")
        return gettext(language, sentence, time=shown(told), reference=reference)
    return gettext(language, N_("We told the police {time}."), time=shown(told))


def _tried(timeline: Sequence[Told], language: str, shown: Shown) -> str:
    tries = [line for line in timeline if line.what == Act.ATTEMPT]
    if not tries:
        return gettext(language, N_("No attempt to reach the child is logged."))
    last, n = max(tries, key=lambda attempt: attempt.at), len(tries)
    how, result = last.details.get("how", ""), last.details.get("result", "")
    target = TARGETS.get(last.details.get("target", ""))
    reached = last.details.get("whom") or (gettext(language, target) if target else None)
    way = gettext(language, HOW.get(how, how))
    return ngettext(
        language,
        "{n} attempt to reach the child. Last one: {time}, {how}, {result}.",
        "{n} attempts to reach the child. Last one: {time}, {how}, {result}.",
        n,
        time=shown(last.at),
        how=fill(language, "{way} ({whom})", {"way": way, "whom": reached}) if reached else way,
        result=gettext(language, RESULT.get(result, result)),
    )


def _heard(timeline: Sequence[Told], language: str, shown: Shown) -> str:
    signs = [line for line in timeline if _is_sign(line)]
    if not signs:
        return gettext(language, N_("No sign of life is logged since the search began."))
    last = max(sign.at for sign in signs)
    return gettext(language, N_("Last sign of life: {time}."), time=shown(last))


def _next(clocks: Sequence[Running], language: str, shown: Shown) -> list[str]:
    late = [_named(clock, language) for clock in clocks if clock.is_over]
    coming = [clock for clock in clocks if not clock.is_over]
    sentences = []
    if late:
        sentences.append(gettext(language, N_("Late: {what}."), what=format_list(language, late)))
    if coming:
        first = coming[0]
        names = format_list(language, [person.name for person in first.people])
        what = _named(first, language)
        sentence = N_("Next: {what}, by {time}.")
        sentences.append(gettext(language, sentence, what=what, time=shown(first.due_at)))
        if names:
            sentences.append(gettext(language, N_("This is for {names}."), names=names))
    return sentences


def _named(clock: Running, language: str) -> str:
    """What is to be done, within a sentence."""
    return gettext(language, _WITHIN.get(clock.what, WORDS[clock.what]))
