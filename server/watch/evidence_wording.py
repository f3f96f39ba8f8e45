"""The sentence that says what is known about a silence. Pure.

A caseworker reads one sentence and knows why we call, and what speaks for a forgotten phone or for
something worse.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from server.alerts.ladder import Cause
from server.alerts.ladder import State as AlertState
from server.i18n import N_, format_moment, gettext, ngettext
from server.notify.push_health import Health, Reached
from server.policy.roll_call import Word
from server.watch.facts import CALLS, FEWEST, Called, Facts, Mark, Reach
from server.watch.listed_wording import (
    asked_in_words,
    carer_in_words,
    listed_in_words,
    wish_in_words,
)
from server.watch.machine.standing import State, Why
from server.watch.wording import CARD_HELP, NOT_MET, TEXT, UNCHECKED, span, way_in_words, when

# A median delay below this is not worth a word.
IN_TIME = timedelta(minutes=5)


class _Reader(msgspec.Struct, frozen=True):
    """The reader of the sentence."""

    language: str
    zone: ZoneInfo
    now: datetime
    lasts: bool = False  # Read on another day too, by people outside: no "yesterday", no reminder.

    def at(self, at: datetime, *, beside: datetime | None = None) -> str:
        """A moment on the reader's clock."""
        if self.lasts:
            return format_moment(self.language, at, self.zone)
        return when(self.language, at, self.zone, self.now, beside=beside)

    def say(self, msgid: str, n: int | None = None, **times: datetime) -> str:
        """The clause, with its times on the reader's clock."""
        shown: dict[str, object] = {name: self.at(at) for name, at in times.items()}
        return gettext(self.language, msgid, **shown, **({"n": n} if n is not None else {}))


def sentence(
    facts: Facts, language: str, zone: ZoneInfo, now: datetime, *, lasts: bool = False
) -> str:
    """All that is known, in one sentence or two short ones, for the reader. `lasts`: on paper."""
    reader = _Reader(language, zone, now, lasts)
    if facts.alerts and facts.alerts[0].cause is not Cause.SILENCE:
        return _called(facts, facts.alerts[0], reader)
    if facts.alerts and facts.alerts[0].state is AlertState.ANSWERED:
        return _confirm(facts, facts.alerts[0], reader)
    if not facts.is_silent:
        wishes = [_join([clause], reader) for clause in _wish(facts, reader)]
        return " ".join([_calm(facts, reader), *wishes])
    is_told = facts.missed_due_at is None and facts.answered_at in (None, facts.last_sign_at)
    last = "" if is_told else _last_answer(facts, reader)
    first = [_silence(facts, reader), last, *_usual(facts, reader), *_life(facts, reader)]
    first = [*_listed(facts, reader), *first, *_wish(facts, reader)]
    second = [_phone(facts, reader), _carer(facts, reader), *_ours(facts, reader, always=True)]
    return " ".join([_join(first, reader), _join(second, reader)])


def brief(facts: Facts, language: str, zone: ZoneInfo, now: datetime) -> str:
    """The same for a row of the board: only what decides what to do."""
    reader = _Reader(language, zone, now)
    if facts.alerts or not facts.is_silent:
        if not facts.alerts or facts.alerts[0].cause is not Cause.SILENCE:
            return sentence(facts, language, zone, now)
        if facts.alerts[0].state is AlertState.ANSWERED:
            return _confirm(facts, facts.alerts[0], reader)
        clauses = [_phone(facts, reader), _carer(facts, reader)]
    else:
        clauses = [*_usual(facts, reader), _carer(facts, reader)]
    clauses = [_silence(facts, reader), *_old(facts, reader), *clauses]
    clauses = [*_listed(facts, reader), *clauses, *_wish(facts, reader)]
    return _join([*clauses, *_ours(facts, reader, always=False)], reader)


def _join(clauses: Iterable[str], reader: _Reader) -> str:
    """Join clauses into a sentence. The text between them depends on the language too."""
    joined = gettext(reader.language, N_(", ")).join(clause for clause in clauses if clause)
    return joined[0].upper() + joined[1:] + "."


def _called(facts: Facts, alert: Called, reader: _Reader) -> str:
    """A person called: the child, or an adult who misses them. What a child says with a call is
    never the sign of life of it."""
    clauses = list(asked_in_words(alert, reader.language, reader.at))
    if alert.reason == CARD_HELP:
        clauses.append(gettext(reader.language, UNCHECKED))
    asked_at = max((each.asked_at for each in facts.alerts if each.cause in CALLS), default=None)
    since = max(alert.opened_at, asked_at or alert.opened_at)
    if facts.answered_at is not None and facts.answered_at > since:
        clauses.append(reader.say(N_("last sign of life {time}"), time=facts.answered_at))
    elif alert.cause is Cause.MISSING:
        clauses += [_last_answer(facts, reader), *_life(facts, reader)]
        clauses += _listed(facts, reader)
    clauses += _wish(facts, reader)
    return _join([*clauses, *_ours(facts, reader, always=False)], reader)


def _confirm(facts: Facts, alert: Called, reader: _Reader) -> str:
    msgid, at = N_("answered {time}, after the alert"), alert.answered_at
    seen = facts.seen.seen_at if facts.seen is not None else None
    if seen is not None and seen > (facts.last_heard_at or alert.opened_at):
        msgid, at = N_("seen by an adult {time}, after the alert"), seen
    if at is None:
        clauses = [gettext(reader.language, N_("answered after the alert"))]
    else:
        please = gettext(reader.language, N_("please confirm that all is well"))
        clauses = [reader.say(msgid, time=at), please]
    return _join([*clauses, *_wish(facts, reader)], reader)


def _wish(facts: Facts, reader: _Reader) -> Iterator[str]:
    """The strongest that the child calls for, where the alert that is told is about something
    else."""
    if facts.wish is not None and facts.wish is not facts.alerts[0]:
        yield wish_in_words(facts.wish, reader.say)


def wish(facts: Facts, language: str, zone: ZoneInfo, now: datetime) -> str:
    """The same, as a sentence of its own; empty without any."""
    reader = _Reader(language, zone, now)
    return "".join(_join([clause], reader) for clause in _wish(facts, reader))


def _calm(facts: Facts, reader: _Reader) -> str:
    if facts.standing is State.AWAY and facts.away_until is not None:
        clauses = [reader.say(N_("away until {time}"), time=facts.away_until)]
        if facts.returns:
            clauses.append(gettext(reader.language, N_("then a check-in")))
        return _join(clauses, reader)
    # Nobody is called yet, and the home looks for them.
    is_away = facts.listed is not None and facts.listed.word is Word.NOT_HERE
    clauses = list(_listed(facts, reader)) if is_away else []
    if facts.standing is State.DUE and facts.due_at is not None:
        is_over = facts.due_at <= reader.now
        due = N_("was due {time}") if is_over else N_("due {time}")
        clauses += [reader.say(due, time=facts.due_at), *_old(facts, reader)]
        return _join([*clauses, *_usual(facts, reader)], reader)
    clauses.append(_last_answer(facts, reader))
    if facts.answered_at is None:
        clauses += [*_no_phone(facts, reader), *_life(facts, reader)]
    if facts.due_at is not None:
        clauses.append(reader.say(N_("next check-in {time}"), time=facts.due_at))
    return _join(clauses, reader)


def _no_phone(facts: Facts, reader: _Reader) -> Iterator[str]:
    if not facts.has_phone:
        yield gettext(reader.language, N_("no phone paired"))


def _silence(facts: Facts, reader: _Reader) -> str:
    if facts.alerts and facts.alerts[0].reason == Why.NOT_MET:
        return reader.say(NOT_MET, time=facts.sign_at or facts.placed_at)
    if facts.missed_due_at is None:
        if facts.last_sign_at is None:
            return reader.say(N_("never heard from; here since {time}"), time=facts.placed_at)
        last = reader.say(N_("last sign {time}"), time=facts.last_sign_at)
        return _join_way(last, facts, reader) if facts.heard_at == facts.last_sign_at else last
    if facts.alerts and facts.alerts[0].reason == Why.MISSES:
        return ngettext(
            reader.language,
            "missed {n} check-in, due {time}",
            "missed {n} check-ins in a row since {time}",
            facts.misses,
            time=reader.at(facts.missed_due_at),
        )
    if facts.alerts:
        return reader.say(N_("no answer since {time}"), time=facts.missed_due_at)
    return reader.say(N_("no answer to the check-in due {time}"), time=facts.missed_due_at)


def _last_answer(facts: Facts, reader: _Reader) -> str:
    if facts.answered_at is None:
        # An answer that does not count is told by itself.
        is_told = facts.old_came_at or (facts.heard_at and facts.heard_way != TEXT)
        return "" if is_told else gettext(reader.language, N_("has never answered"))
    last = reader.say(N_("last answer {time}"), time=facts.answered_at)
    return _join_way(last, facts, reader) if facts.heard_at == facts.answered_at else last


def _join_way(clause: str, facts: Facts, reader: _Reader) -> str:
    way = way_in_words(facts.heard_way, reader.language)
    return gettext(reader.language, N_("{said} ({way})"), said=clause, way=way) if way else clause


OFTEN = 10  # What a child usually does is told by so many rounds before the silence.


def _often(facts: Facts, reader: _Reader) -> str | None:
    """If adults are called because the silence is unusual: what it is compared with."""
    before = facts.marks.rstrip(Mark.MISSED + Mark.OPEN)
    rounds = [mark for mark in before if mark not in (Mark.AWAY, Mark.OPEN, Mark.SEEN)][-OFTEN:]
    if not facts.alerts or facts.alerts[0].reason != Why.UNUSUAL or len(rounds) < FEWEST:
        return None
    n, total = rounds.count(Mark.ANSWERED), len(rounds)
    return gettext(reader.language, N_("usually answers {n} of {total} on time"), n=n, total=total)


def _usual(facts: Facts, reader: _Reader) -> Iterator[str]:
    often = _often(facts, reader)
    if often is not None:
        yield often
        return
    if facts.usual_delay is None:
        return
    if facts.usual_delay < IN_TIME:
        yield gettext(reader.language, N_("usually on time when an answer comes"))
    else:
        delay = span(reader.language, facts.usual_delay)
        yield gettext(reader.language, N_("usual delay {span}"), span=delay)


def _life(facts: Facts, reader: _Reader) -> Iterator[str]:
    """Signs of life after the last answer."""
    last = facts.answered_at or facts.placed_at
    yield from _old(facts, reader)
    if facts.app_seen_at is not None and facts.app_seen_at > last:
        yield reader.say(N_("app last opened {time}"), time=facts.app_seen_at)
    if facts.heard_at is not None and facts.heard_at > last:
        yield _heard(facts, facts.heard_at, reader)
    if facts.seen is not None and facts.seen.seen_at is not None and facts.seen.seen_at > last:
        yield reader.say(N_("last seen by an adult {time}"), time=facts.seen.seen_at)
    if _in_vain(facts) and facts.seen is not None and facts.seen.at > last:
        yield reader.say(N_("looked for, not found {time}"), time=facts.seen.at)


def _old(facts: Facts, reader: _Reader) -> Iterator[str]:
    """An answer that came too late to tell how the child is: it shows that the phone is on."""
    came_at, said_at = facts.old_came_at, facts.old_said_at
    if came_at is None or (facts.answered_at is not None and came_at <= facts.answered_at):
        return
    told = N_("an answer said {said} arrived {came}: the phone is on again")
    if said_at is None:
        told = N_("an answer of an unknown time arrived {came}: the phone is on again")
    times = {"said": reader.at(said_at or came_at), "came": reader.at(came_at, beside=said_at)}
    yield gettext(reader.language, told, **times)


def _listed(facts: Facts, reader: _Reader) -> Iterator[str]:
    """What the home said last, or another witness."""
    if facts.listed is not None:
        yield from listed_in_words(facts.listed, reader.say)


def _in_vain(facts: Facts) -> bool:
    """Whether an adult looked for the child and did not find them, without being asked: what a
    carer answered is said as the carer's."""
    is_answer = facts.asked is not None and facts.asked.answer is not None
    return facts.seen is not None and facts.seen.answer == "not_seen" and not is_answer


def _heard(facts: Facts, at: datetime, reader: _Reader) -> str:
    """What came another way and settled nothing."""
    if facts.heard_way == TEXT:
        return reader.say(N_("a text came from the agreed number {time}"), time=at)
    is_settled = facts.sign_at is not None and facts.sign_at >= at
    msgid = (
        N_("answered {time}")
        if is_settled
        else N_("answered {time}, but this does not count as the check-in")
    )
    clause = reader.say(msgid, time=at)
    return _join_way(clause, facts, reader)


PHONE: dict[Reach, str] = {
    Reach.SEEN: N_("reminder shown on the phone"),
    Reach.ACCEPTED: N_("reminder sent, perhaps not shown"),
    Reach.WAITING: N_("reminder waiting to be sent"),
    Reach.QUIET: N_("reminder waits for the end of quiet or school hours"),
    Reach.FAILED: N_("reminder did not arrive"),
    Reach.NO_PHONE: N_("no phone we can remind"),
    Reach.NONE: N_("no reminder sent yet"),
}


def _phone(facts: Facts, reader: _Reader) -> str:
    # If the phone shows nothing, "accepted" would read as if the child could be reached.
    if facts.reach is not Reach.FAILED and facts.push.silent_since is not None:
        return _silent_phone(facts.push, reader)
    is_left_out = reader.lasts and facts.reach in (Reach.NO_PHONE, Reach.NONE)
    return "" if is_left_out else gettext(reader.language, PHONE[facts.reach])


def _silent_phone(push: Reached, reader: _Reader) -> str:
    if push.seen_at is None:
        return gettext(reader.language, N_("phone has never shown a reminder"))
    return reader.say(N_("phone has shown no reminder since {time}"), time=push.seen_at)


def quiet_phone(facts: Facts, language: str, zone: ZoneInfo, now: datetime) -> str:
    """That the phone shows no reminders, for a child who is not silent; otherwise empty."""
    if facts.push.silent_since is None or facts.is_silent:
        return ""
    return reminders(facts, language, zone, now)


def reminders(facts: Facts, language: str, zone: ZoneInfo, now: datetime) -> str:
    """Whether reminders reach the phone, in a sentence; empty if nothing is known."""
    reader = _Reader(language, zone, now)
    if facts.push.silent_since is not None:
        return _join([_silent_phone(facts.push, reader)], reader)
    if facts.push.health is Health.BROKEN:
        return _join([gettext(language, N_("reminders do not reach the phone"))], reader)
    if facts.push.seen_at is None:
        return ""
    return _join(
        [reader.say(N_("last reminder reached the phone {time}"), time=facts.push.seen_at)],
        reader,
    )


def _carer(facts: Facts, reader: _Reader) -> str:
    return carer_in_words(facts.asked, reader.say, has_carer=facts.has_carer)


def _ours(facts: Facts, reader: _Reader, *, always: bool) -> Iterator[str]:
    """Whether the silence may be ours."""
    if facts.blind:
        begin, end = facts.blind[-1].begin, facts.blind[-1].end
        yield reader.say(N_("our server was down {begin}–{end}"), begin=begin, end=end)
    if facts.unsent_since is not None:
        yield reader.say(
            N_("we have not been able to call anyone since {time}"), time=facts.unsent_since
        )
    if facts.has_fault:
        yield gettext(reader.language, N_("sending failed on our side"))
    elif always and not (reader.lasts or facts.blind or facts.unsent_since):
        yield gettext(reader.language, N_("our server was not down"))


class Point(msgspec.Struct, frozen=True):
    """One piece of evidence: its subject, and what is known."""

    label: str
    text: str


def points(
    facts: Facts, language: str, zone: ZoneInfo, now: datetime, *, lasts: bool = False
) -> list[Point]:
    """The evidence as a list, for the page of an alert: it names what is not known too."""
    reader = _Reader(language, zone, now, lasts)
    never, none = gettext(language, N_("none yet")), gettext(language, N_("none"))
    answered = facts.answered_at
    last = never if answered is None else reader.at(answered)
    if answered is not None and facts.heard_at == answered:
        last = _join_way(last, facts, reader)
    rows = [
        (N_("Last answer"), [last] if answered or facts.old_came_at is None else []),
        (N_("Usually"), [_usually(facts, reader)]),
        # "Since" alone would read as if the answer itself had been none.
        (
            N_("Signs of life") if answered is None else N_("Signs of life after the last answer"),
            list(_life(facts, reader)) or [none],
        ),
        (N_("Reminder"), [_phone(facts, reader)]),
        (N_("Carer"), [_carer(facts, reader)] if facts.asked or facts.is_silent else []),
        (
            N_("Witness") if facts.listed and facts.listed.is_outside else N_("Roll call"),
            list(_listed(facts, reader)),
        ),
        (N_("Our system"), list(_ours(facts, reader, always=True))),
    ]
    told = [(label, clauses) for label, clauses in rows if any(clauses)]
    entries = [Point(gettext(language, label), _join(clauses, reader)) for label, clauses in told]
    forgot = says_forgot(facts, language, zone, now)
    return entries if forgot is None else [*entries, forgot]


def says_forgot(facts: Facts, language: str, zone: ZoneInfo, now: datetime) -> Point | None:
    """That the child says they forgot; None if they have said nothing."""
    if facts.forgot is None:
        return None
    reader, (due, at) = _Reader(language, zone, now), facts.forgot
    clause = reader.say(N_("forgot the check-in due {due}, said so {time}"), due=due, time=at)
    return Point(gettext(language, N_("The child says")), _join([clause], reader))


def _usually(facts: Facts, reader: _Reader) -> str:
    """What goes beside the word "usually", without repeating it."""
    if facts.usual_delay is None:
        return gettext(reader.language, N_("too few answers to tell"))
    if facts.usual_delay < IN_TIME:
        return gettext(reader.language, N_("on time when an answer comes"))
    delay = span(reader.language, facts.usual_delay)
    return gettext(reader.language, N_("{span} after it was due"), span=delay)
