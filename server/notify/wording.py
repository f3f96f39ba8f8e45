"""What messages say. Never a name, never a place, never why: a stranger who reads a lock screen or
a mailbox learns only that there is something.

A push has the same sentence for every kind; a child may choose which (lock_texts.py). E-mail and an
agency's own channels say a little more, to adults: how soon, and where to look. What happened is
behind the sign-in.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.i18n import N_, gettext, ngettext
from server.notify.child.lock_texts import DEFAULT, NEUTRAL, TEXTS
from server.notify.rules import EMAIL, NONE, PUSH, Kind
from server.notify.texts import roll_calls as roll_call_texts

SENTENCES: dict[Kind, str] = {
    # A child gets the same words here as on the lock screen.
    Kind.REMIND_CHILD: NEUTRAL,
    Kind.DUE_CHILD: NEUTRAL,
    Kind.NEWS_CHILD: NEUTRAL,
    Kind.TRY_PUSH: NEUTRAL,
    Kind.ASK_CARER: N_("Please answer one question."),
    Kind.ASK_TRUSTED: N_("Please answer one question."),
    Kind.ASK_WITNESS: N_("Please fill in today's list."),
    Kind.TRUSTED_SAYS: N_("We have an answer to a question. Please look and confirm."),
    Kind.HOME_SAYS: N_("An answer was corrected. Please look and confirm."),
    Kind.ALERT: N_("You are needed."),
    Kind.ALERT_AGAIN: N_("You are still needed."),
    Kind.CONFIRM_ANSWERED: N_("A late answer has come. Please look and confirm."),
    Kind.ALL_CLEAR: N_(
        "The last call is over. If you still have something to do, we will send another message."
    ),
    Kind.WENT_ON: N_(
        "Your time for something that you took has ended. It is not yours any longer. We"
        " try to reach others."
    ),
    Kind.DECIDE: N_("You need to make a decision now."),
    Kind.HELD: N_("Something is on hold for a few hours. Please take a look."),
    Kind.TALK: N_("You have a request to talk."),
    Kind.DUE: N_("You have something to do. Please take a look when you can."),
    Kind.DIGEST: N_("This is your daily message. What is urgent never waits for it."),
    Kind.DOORS: N_("How you sign in has changed. If this was not you, report it at once."),
    Kind.UNLOCK: N_(
        "Here is your link to sign in without waiting. It works once, for 30 minutes. You still"
        " need your password. If you did not ask for it, do nothing."
    ),
    Kind.REACH: N_("You are on duty soon. Can we reach you? Open the link and say yes."),
    Kind.SHIFT: N_("You are on duty now."),
    Kind.UNREACHED: N_(
        "A person on duty has not confirmed that we can reach them. Please follow this up."
    ),
    Kind.ROLL_CALL: N_("Please do one check now."),
    Kind.ROLL_CALL_AGAIN: N_("One check is still open. Please do it now."),
    Kind.ROLL_CALL_UNDONE: N_("One check has not been done. Please follow this up."),
    Kind.ROLL_CALL_AWAY: N_("One check needs you. Please look now."),
    Kind.ROLL_CALL_REPLY: N_("We have your answer."),
    Kind.TRANSFER: N_("There is news about a transfer. Please take a look."),
    Kind.GLASS: N_("A page was opened in an emergency. Please look at it now."),
    Kind.ASSIGNED: N_("The children assigned to you have changed. Please take a look."),
    Kind.AWAY_ENDS: N_("Something that you agreed ends soon. Please take a look."),
    Kind.ANSWERED: N_("There is an answer to what you asked. Please take a look."),
    Kind.ROTA_GAP: N_("The rota has a gap in the next 14 days. Please fill it."),
    Kind.TEST: N_("This is a test alarm. Please open the link and confirm that it arrived."),
    Kind.THANKS: N_("Thank you."),
    Kind.DRILL: N_("This is a drill, not an alarm. Please open the link and tap once."),
    Kind.VERIFY: N_(
        "Your code is {code}. Enter it where you added this address, or open the link. It"
        " works for 30 minutes. If you did not ask for it, do nothing."
    ),
    Kind.PAPER: N_(
        "A confidential document is attached. It opens with a passphrase, which we will"
        " tell you by phone."
    ),
    Kind.OPERATORS: N_("Something is wrong with the server: {fault}"),
}
# How the same is answered by text, where answers come back to us.
BY_TEXT: dict[Kind, str] = {
    Kind.ALERT: N_("To take it, reply: 1 {code}"),
    Kind.ALERT_AGAIN: N_("To take it, reply: 1 {code}"),
    Kind.ASK_CARER: N_("Or reply: 1 {code} if you have seen the young person, 2 {code} if not"),
}
# People at a police desk take "1 new item" for spam.
SUBJECTS: dict[Kind, str] = {
    Kind.OPERATORS: N_("The server needs attention"),
    Kind.PAPER: N_("A confidential document for you"),
}


class Words(msgspec.Struct, frozen=True):
    """`title` names the app neutrally, `subject` is that of a mail, `body` is everything below."""

    title: str
    subject: str
    body: str


def neutral(language: str, chosen: str = DEFAULT) -> str:
    """The one sentence of every push: the one that this person chose, by its code; empty where they
    chose none."""
    text = TEXTS.get(chosen, NEUTRAL)
    return gettext(language, text) if text else ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the words of one message mention, beside its kind.

    `url` is an address behind the sign-in, or a carer's signed one. `fault` is a code for
    operators, `code` one that the reader enters. `unseen` are the two ends, as the reader's clock
    shows them, of a time in which our server was down and saw nothing. `reply_code` is what an
    answer by text has to name. `open_alerts`: so many wait for the person on duty now. `alerts`: so
    many are in this message. `tasks`: so many are in the message of the day. `chosen`: the code of
    the neutral sentence that a child chose. `numbers`: what a text about a roll call says, where it
    is answered by numbers. `calls`: so many have come since the message before. `waited`: when what
    it is about was said, and when it arrived, where that was much later.
    """

    display_name: str
    url: str | None = None
    fault: str = ""
    code: str = ""
    unseen: tuple[str, str] | None = None
    reply_code: str = ""
    open_alerts: int | None = None
    alerts: int | None = None
    tasks: int | None = None
    chosen: str = DEFAULT
    numbers: Mapping[str, Any] | None = None
    calls: int | None = None
    waited: tuple[str, str] | None = None


def word(kind: Kind, language: str, facts: Facts, *, is_short: bool = False) -> Words:
    """The words of one message for e-mail and an agency's own channels; `is_short`: the title
    alone."""
    if kind is Kind.THANKS:
        # Nothing beside it: a person who reads over the child's shoulder sees a text like any
        # other.
        thanks = gettext(language, SENTENCES[kind])
        return Words(title=thanks, subject=thanks, body=thanks)
    if is_short:
        return Words(title=facts.display_name, subject="", body="")
    if facts.numbers is not None:
        # One part of a text, which a stranger reads as numbers of anything.
        asked = roll_call_texts.say(language, facts.numbers)
        return Words(title=facts.display_name, subject=asked, body=asked)
    subject = gettext(language, SUBJECTS[kind]) if kind in SUBJECTS else ""
    # A mail without any subject looks like spam.
    subject = subject or neutral(language, facts.chosen) or facts.display_name
    body = "\n\n".join(_lines(kind, language, facts))
    return Words(title=facts.display_name, subject=subject, body=body)


def _lines(kind: Kind, language: str, facts: Facts) -> list[str]:
    lines = [_sentence(kind, language, facts)]
    if facts.open_alerts is not None:
        lines.append(_how_many(facts.open_alerts, language))
    if facts.alerts is not None:
        line = ngettext(language, "It is about {n} alert.", "It is about {n} alerts.", facts.alerts)
        lines.append(line)
    if facts.tasks is not None:
        line = ngettext(
            language, "You have {n} thing to do.", "You have {n} things to do.", facts.tasks
        )
        lines.append(line)
    if facts.calls is not None:
        line = ngettext(
            language,
            "{n} new call. Please read it.",
            "{n} new calls. Please read them.",
            facts.calls,
        )
        lines.append(line)
    if facts.waited is not None:
        then, arrived = facts.waited
        sentence = N_("It was said on {said}, and arrived on {arrived}.")
        lines.append(gettext(language, sentence, said=then, arrived=arrived))
    if facts.unseen is not None:
        begin, end = facts.unseen
        sentence = N_("Our server was down from {begin} to {end}.")
        lines.append(gettext(language, sentence, begin=begin, end=end))
    if facts.reply_code and kind in BY_TEXT:
        lines.append(gettext(language, BY_TEXT[kind], code=facts.reply_code))
    if facts.url is not None:
        lines.append(gettext(language, N_("Open: {url}"), url=facts.url))
    return [line for line in lines if line]


def _sentence(kind: Kind, language: str, facts: Facts) -> str:
    if SENTENCES[kind] == NEUTRAL:
        return neutral(language, facts.chosen)
    return gettext(language, SENTENCES[kind], fault=facts.fault, code=facts.code)


def channel_word(channel: str, language: str) -> str:
    """The channel, as people call it within a sentence; an agency's own channel by the name that
    the agency gave it."""
    names = {
        PUSH: N_("push notification"),
        EMAIL: N_("email"),
        NONE: N_("no channel"),
        "last_resort": N_("last resort"),
        "sms": N_("SMS"),
    }
    return gettext(language, names[channel]) if channel in names else channel


def channel_title(channel: str, language: str) -> str:
    """The same where a line or a cell begins with it."""
    word = channel_word(channel, language)
    return word[:1].upper() + word[1:]


def _how_many(open_alerts: int, language: str) -> str:
    if not open_alerts:
        return gettext(language, N_("No alert is open."))
    return ngettext(language, "{n} alert is open.", "{n} alerts are open.", open_alerts)
