"""What a home, another witness or a carer said of a child, and what a child called for, as a part
of the sentence of evidence. Pure."""

from collections.abc import Callable, Iterator

from server.alerts.ladder import Cause
from server.i18n import N_, gettext
from server.policy.roll_call import Word
from server.watch.facts import Asked, Called, Listed
from server.watch.wording import said_and_arrived

_LISTED: dict[Word, str] = {
    Word.HERE: N_("the home said that they were there, {time}"),
    Word.NOT_HERE: N_("the home said that they were not there, {time}"),
    Word.EXCUSED: N_("the home said that they were away with permission, {time}"),
    Word.UNKNOWN: N_("the home did not know where they were, {time}"),
}
_BY_A_WITNESS: dict[Word, str] = {
    Word.HERE: N_("the school or another witness said that they were there, {time}"),
    Word.NOT_HERE: N_("the school or another witness said that they were not there, {time}"),
    Word.EXCUSED: N_("the school or another witness said that they were excused, {time}"),
}


# After "not here" of an earlier time.
_THEN: dict[Word, str] = {
    Word.HERE: N_("the home said “not here” {first}, then “here” {time}"),
    Word.EXCUSED: N_("the home said “not here” {first}, then “away with permission” {time}"),
    Word.UNKNOWN: N_("the home said “not here” {first}, then “don't know” {time}"),
}
_DIFFERS: dict[Word, str] = {
    Word.HERE: N_("another person there said “here” {time}"),
    Word.EXCUSED: N_("another person there said “away with permission” {time}"),
    Word.UNKNOWN: N_("another person there said “don't know” {time}"),
}


def listed_in_words(listed: Listed, say: Callable[..., str]) -> Iterator[str]:
    """What the home said last at a roll call, or another witness in a list: what it said before
    where that was "not here", and what another person said where they differ. `say` fills in
    times."""
    if listed.is_outside:
        if listed.word in _BY_A_WITNESS:
            yield say(_BY_A_WITNESS[listed.word], time=listed.at)
        return
    if listed.before_at is not None and listed.word in _THEN:
        yield say(_THEN[listed.word], first=listed.before_at, time=listed.at)
    else:
        yield say(_LISTED[listed.word], time=listed.at)
    if listed.differs is not None and listed.differs[0] in _DIFFERS:
        word, at = listed.differs
        yield say(_DIFFERS[word], time=at)


def carer_in_words(asked: Asked | None, say: Callable[..., str], *, has_carer: bool) -> str:
    """What came of the question to the carer, or to the home in their place; that nobody was asked
    tells whether there is a carer now."""
    if asked is None:
        return say(N_("carer not asked yet") if has_carer else N_("no carer to ask"))
    at = asked.answered_at or asked.at
    if asked.answer is None and not asked.is_out:
        to_home = N_("question to the home {time}, not sent")
        return say(
            to_home if asked.is_home else N_("question to the carer {time}, not sent"), time=at
        )
    if asked.is_home:
        if asked.answer is None:
            return say(N_("the home was asked {time}, no answer yet"), time=asked.at)
        if asked.answer == "seen":
            return say(N_("the home saw the child {time}"), time=at)
        return say(N_("the home could not find the child, {time}"), time=at)
    if asked.answer is None and asked.times > 1:
        again = N_("carer asked {n} times, last {time}, no answer yet")
        return say(again, n=asked.times, time=asked.at)
    if asked.answer is None:
        return say(N_("carer asked {time}, no answer yet"), time=asked.at)
    if asked.answer == "seen":
        return say(N_("carer saw the child {time}"), time=at)
    return say(N_("carer could not find the child, {time}"), time=at)


def wish_in_words(wish: Called, say: Callable[..., str]) -> str:
    """What a child calls for, beside what else is told."""
    is_help = wish.cause is Cause.HELP
    return say(
        N_("asked for help {time}") if is_help else N_("asked to talk {time}"), time=wish.asked_at
    )


# At a time; or, where it was said at one and arrived at another, without.
_CALLED: dict[Cause, tuple[str, str]] = {
    Cause.HELP: (N_("Asked for help {time}"), N_("Asked for help")),
    Cause.CONCERN: (N_("Needs checking since {time}"), N_("Needs checking")),
    Cause.TALK: (N_("Asked to talk {time}"), N_("Asked to talk")),
    Cause.MISSING: (N_("Reported missing {time}"), N_("Reported missing")),
}


def asked_in_words(alert: Called, language: str, at: Callable[..., str]) -> Iterator[str]:
    """What a child, or an adult who misses them, called for, and when they called again. `at`: a
    moment on the reader's clock."""
    msgid, alone = _CALLED[alert.cause]
    if alert.said_at is None:
        yield gettext(language, msgid, time=at(alert.opened_at))
    else:
        yield gettext(language, alone)
        yield said_and_arrived(language, at, alert.said_at, alert.opened_at)
    if alert.called_at is None:
        return
    if alert.called_said_at is None:
        yield gettext(language, N_("again {time}"), time=at(alert.called_at))
    else:
        yield gettext(language, N_("again"))
        yield said_and_arrived(language, at, alert.called_said_at, alert.called_at)
