"""The sentences of a night: one for each code of an event, and for each reason beside it. Pure.

`SENTENCES` is also the order of what has the same moment: a cause comes before what follows from
it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from server.alerts import attempt_rules
from server.alerts.sent import KINDS, RESULTS, reason_word
from server.alerts.weighed import Fact, said
from server.alerts.words import OUTCOMES, TITLES
from server.i18n import N_, format_list, format_moment, format_span, format_time, gettext
from server.notify.wording import channel_word
from server.people.words import ROLES
from server.policy.model import Rung
from server.watch.wording import CARD_HELP, TIERS, WAYS
from server.why.answer import ANSWERS, BEFORE_ALL, Answer
from server.why.events import Event, Value

SENTENCES: Mapping[str, str] = {
    # What our own server did.
    "server.whole": N_("Our server looked the whole time, at least every 90 seconds."),
    "server.down": N_("Our server was down until {until}. Nobody looked in that time."),
    "server.back": N_("Our server was back. It looked at everything that had become due."),
    "server.started": N_("Our server started."),
    "server.silent": N_("Our server has not looked since {since}. Call IT support."),
    "server.restored": N_("IT support restored a backup."),
    # What people changed.
    "policy.adopted": N_("{who} put version {policy} of the policy in force."),
    "policy.adapted": N_(
        "Our server changed the risk at which we call adults, by how many calls were false alarms"
        " until {week}."
    ),
    "approval.end": N_("{who} asked a second person to agree to the end of the placement."),
    "approval.absence": N_("{who} asked a second person to agree to a long absence."),
    "approval.close": N_("{who} asked a second person to agree to close the alert."),
    "approval.yes": N_("{who} agreed as the second person. It was done."),
    "approval.no": N_("{who} did not agree as the second person. Nothing changed."),
    "approval.withdrawn": N_("{who} took back the request to a second person."),
    "watch.began": N_("The watch over {child} began."),
    "placement.began": N_("{who} started the placement again."),
    "placement.ended": N_("{who} entered that the placement had ended."),
    "child.moved": N_("{who} entered a move to another home."),
    "transfer.accepted": N_("Another agency took over."),
    "tier.set": N_("{who} changed the watch level."),
    "rhythm.set": N_("{who} changed the check-in times."),
    "season.added": N_("{who} set other check-in times for some days."),
    "season.ended": N_("{who} ended the other check-in times."),
    "school.set": N_("{who} changed the school hours, in which reminders wait."),
    "absence.asked": N_("{child} asked on the phone to be away. Check-ins went on."),
    "absence.declined": N_("{who} did not agree to the absence."),
    "absence.recalled": N_("{child} took back the request to be away."),
    "absence.back": N_("{child} said on the phone that they were back, or did not go."),
    "pause.added": N_("{who} entered an absence from {begin} until {until}."),
    "pause.began": N_("The agreed absence began. It lasts until {until}."),
    "pause.kept": N_("{who} looked at the absence and said that it is still so."),
    "pause.ended": N_("{who} ended the absence."),
    "pause.over": N_("The agreed absence was over."),
    "tie.began": N_("{who} was assigned to {child}: {role}."),
    "tie.ended": N_("{who} was no longer assigned to {child}: {role}."),
    "phone.paired": N_("{child}'s phone was paired."),
    "phone.blocked": N_("{who} blocked {child}'s phone."),
    "glass.broken": N_("{who} opened {child}'s page in an emergency, without being assigned."),
    "leave.began": N_("{who} was on leave until {until}."),
    "duty.began": N_("{who} was on duty until {until}."),
    "duty.instead": N_("{who} was on duty in place of {other}, until {until}."),
    "duty.gap": N_("Nobody was on duty until {until}."),
    "duty.away": N_("On duty until {until}, but on leave with no stand-in entered: {people}."),
    "duty.began_on": N_("{who} was on duty."),
    "duty.instead_on": N_("{who} was on duty in place of {other}."),
    "duty.gap_on": N_("Nobody was on duty."),
    "duty.away_on": N_("On duty, but on leave with no stand-in entered: {people}."),
    # What was due, and what was said.
    "round.opened": N_("The check-in due {due} opened. An answer counts for it from now on."),
    "round.due": N_("The check-in was due."),
    "answer.app": N_("{child} answered in the app."),
    "answer.way": N_("{child} answered {way}."),
    "answer.for": N_("{who} answered for {child}."),
    "answer.help": N_("{child} asked for help."),
    "answer.talk": N_("{child} asked to talk."),
    "text.words": N_("A text message came with other words than the agreed ones."),
    "app.opened": N_("{child}'s app was last opened. That does not count as an answer."),
    "round.snoozed": N_("{child} asked to be reminded again at {until}. That is no answer."),
    "round.forgot": N_("{child} said they forgot the check-in due {due}."),
    "seen.seen": N_("{who} saw {child}, at {seen}."),
    "seen.not_seen": N_("{who} could not find {child}."),
    "sign.noted": N_("{who} noted a warning sign."),
    "round.excused": N_("We called off the check-in due {due}: {child} was away."),
    "round.replaced": N_("We called off the check-in due {due}: the times changed."),
    "round.ended": N_("We called off the check-in due {due}: the placement ended."),
    "server.apart": N_("Our server failed on the watch of {child}, and tried again each minute."),
    "round.late": N_("No answer: the check-in due {due} was late."),
    "question.asked": N_("We asked {who} whether they had seen {child}."),
    "question.silent": N_("{who} had not answered our question in time."),
    "roll_call.asked": N_("We asked the home which children were there: roll call of {due}."),
    "word.here": N_("{who} said at the roll call that {child} was there."),
    "word.not_here": N_("{who} said at the roll call that {child} was not there."),
    "word.excused": N_("{who} said at the roll call that {child} was away with permission."),
    "word.excused_until": N_(
        "{who} said at the roll call that {child} was away with permission until {until}."
    ),
    "word.unknown": N_("{who} did not know at the roll call where {child} was."),
    "roll_call.done": N_("{who} finished the roll call of {due}."),
    "roll_call.undone": N_(
        "The roll call of {due} was not done. We told the people who follow up."
    ),
    "witness.asked": N_("We asked {who} whether {child} came, by the list of {due}."),
    "witness.here": N_("{who} said that {child} was there."),
    "witness.not_here": N_("{who} said that {child} did not come."),
    "witness.excused": N_("{who} said that {child} was excused."),
    "witness.undone": N_("{who} had not filled in the list of {due}."),
    "trusted.asked": N_("We asked a person {child} trusts."),
    "trusted.spoke": N_("The person {child} trusts had seen or spoken to them."),
    "trusted.not": N_("The person {child} trusts had not seen them today."),
    # The alert.
    "alert.opened": N_("An alert opened: {cause}."),
    "alert.opened_by": N_("{who} opened an alert: {cause}."),
    "alert.noticed": N_("Only now did our server notice the alert of {opened}."),
    "alert.joined": N_("Another report joined the open alert."),
    "alert.ladder": N_("The ladder of this alert: {rungs}. {each} for each step."),
    "alert.on_leave": N_("{who} was on leave. {other} stood in."),
    "alert.on_leave_alone": N_("{who} was on leave. No stand-in was entered."),
    "alert.rung_empty": N_("There was nobody to call as “{rung}”. We skipped this step."),
    "alert.rung": N_("It was the turn of “{rung}”: {people}."),
    "alert.last_resort": N_(
        "It was the turn of “{rung}”: an address of the agency or of IT support."
    ),
    "alert.taken": N_("{who} took the alert."),
    "alert.read": N_("{who} read that {child} had called again."),
    "alert.lapsed": N_("{who} no longer had the alert: their time with it was over."),
    "alert.held": N_("The search began. The person who has the alert keeps it for longer."),
    "alert.handed_over": N_("The alert went on to others."),
    "alert.answered": N_("The alert waits for a person to confirm that all is well."),
    "attempt.logged": N_("{who} logged an attempt: {attempt_way} · {target} · {came}."),
    "alert.closed": N_("{who} closed the alert: {outcome}."),
    "alert.closed_itself": N_("The alert closed: {outcome}."),
    "alert.closed_sealed": N_("{who} closed the alert. How it ended is sealed."),
    "approval.overtaken": N_("A request to a second person no longer fitted. Nothing was done."),
    # What was sent.
    "sent.open": N_("{kind} for {to}, {channel}: waiting to be sent."),
    "sent.no_way": N_("{kind} for {to}: not sent. We know no address of theirs."),
    "sent.no_address": N_("{kind} for {to}: not reached, there is no address of theirs."),
    "sent.waits": N_("{kind} for {to}, {channel}: waits until {ready}."),
    "sent.withheld": N_("{kind} for {to}, {channel}: not sent."),
    "sent.accepted": N_("{kind} for {to}, {channel}: accepted."),
    "sent.failed": N_("{kind} for {to}, {channel}: {result}."),
    "sent.nowhere": N_("{kind} for {to}, {channel}: not delivered."),
    "sent.shown": N_("{kind} for {to}, {channel}: shown on the device."),
    "sent.withdrawn": N_("{kind} for {to}, {channel}: cancelled."),
    "sent.cut": N_("More messages than we tell here were sent. Choose a shorter time."),
    "server.told": N_("We told IT support of a fault: {fault}."),
}
BECAUSE: Mapping[str, str] = {
    "plan": N_("Planned: reminders at {before}, {due} and {again}; late at {late}."),
    "late_at": N_("Late at {late}."),
    "tier": N_("Watch level {tier}, policy version {policy}."),
    "page": N_("The risk at which we called adults was {page}. In the policy it is {written}."),
    "tier_unknown": N_("Which watch level applied was not stored at that time."),
    "call": N_("Unless someone answers, we call adults: {call}. The reason then: {why}."),
    "settled": N_("That settled the check-in due {due}."),
    "early": N_("No check-in was open yet: we kept it, and it settled none."),
    "old": N_("It came too late to tell how {child} was by then."),
    "vouches": N_("In the {tier} level this counts as seen, and the check-in stays open."),
    "holds": N_("In the {tier} level this only puts off the call to adults."),
    "softens": N_("In the {tier} level this puts off the call to adults a little."),
    "nothing": N_("In the {tier} level this settles no check-in."),
    "none_open": N_("No check-in was open."),
    "waited": N_("{child} said it at {said}. It arrived later, when the phone was online."),
    "words": N_("In their words: “{words}”"),
    "word_no_answer": N_("That is no answer to a check-in."),
    "word_waited": N_("They said it at {said}. It arrived later, when the device was online."),
    "word_file": N_("{by} handed in their register."),
    "word_raised": N_("It made it {times} times as likely that {child} had gone."),
    "word_lowered": N_("It made it {times} times less likely that {child} had gone."),
    "word_weightless": N_("It changed nothing about when we call adults."),
    "about_late": N_("The check-in due {due} was late."),
    "why": N_("Why: {why}."),
    "misses": N_("In all, {misses} check-ins were missed."),
    "fact_answered": N_("Last answer: {answered}."),
    "fact_never": N_("{child} had never answered."),
    "fact_app": N_("App last opened: {app}."),
    "fact_asked": N_("Carer asked: {asked}."),
    "fact_push": N_("The phone had shown no reminder since {push}."),
    "weighed": N_("What weighed, the heaviest first: {weighed}"),
    "reason": N_("Why: {reason}."),
    "attempt": N_("Attempt {n}."),
    "left": N_("The person who had it has left."),
    "right_ended": N_("The person who had it has no right to it any more."),
    "moved_agency": N_("Another agency has the child."),
}
# Why adults are called, by the code in the alert or at the round: a part of a sentence.
WHYS: Mapping[str, str] = {
    "carer_silent": N_("the carer did not answer in time"),
    "ceiling": N_("the longest silence that the level allows"),
    "grace_over": N_("nobody answered in time"),
    "misses": N_("too many check-ins missed in a row"),
    "not_met": N_("nobody has met the child for too long"),
    "not_here": N_("the home said that the child was not there"),
    "not_seen": N_("an adult could not find the child"),
    "no_carer": N_("there is no carer to ask first"),
    "unusual": N_("a silence as long as this is unusual for the child"),
    "said": N_("an adult reported it"),
    "said_help": N_("the child asked for help"),
    CARD_HELP: N_("someone asked for help with the child's card, PIN not checked"),
    "said_talk": N_("the child asked to talk"),
}
LAST_RESORT, OUTSIDE, SERVER = "last_resort", "outside", "server"
_TO: Mapping[str, str] = {
    LAST_RESORT: N_("the last resort"),
    OUTSIDE: N_("a person outside the agency"),
}


def _table(table: Mapping[str, str]) -> Callable[[str, str], str]:
    return lambda code, language: gettext(language, table[code]) if code in table else code


_CODES: Mapping[str, Callable[[str, str], str]] = {
    "tier": _table({tier.value: words[0] for tier, words in TIERS.items()}),
    "cause": _table(TITLES),
    "wish": _table(TITLES),
    "outcome": _table({outcome.value: words[0] for outcome, words in OUTCOMES.items()}),
    "kind": _table(KINDS),
    "result": _table(RESULTS),
    "role": _table({role.value: words for role, words in ROLES.items()}),
    "rung": _table({rung.value: rung.label for rung in Rung}),
    "way": _table(WAYS),
    "why": _table(WHYS),
    "to": _table(_TO),
    "who": _table({SERVER: N_("our server")}),
    "attempt_way": _table({way.value: words for way, words in attempt_rules.WAYS.items()}),
    "target": _table({target.value: words for target, words in attempt_rules.TARGETS.items()}),
    "came": _table({came.value: words for came, words in attempt_rules.RESULTS.items()}),
    "reason": reason_word,
    "channel": channel_word,
}
_CODES_OF_MANY = {"rungs": "rung"}


_Near = tuple[datetime, datetime]
# Less than a day each, so that a time without its day means one moment.
_A_DAY, _BEFORE, _AFTER = timedelta(hours=25), timedelta(hours=10), timedelta(hours=14)
_NOT_NEAR = (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def _near(event: Event) -> _Near:
    """A time so near to what happened is told without its day."""
    return event.at - _BEFORE, event.at + _AFTER


class Reader(msgspec.Struct, frozen=True):
    """Who reads: their language, the clock of the child, and what they call people."""

    language: str
    zone: ZoneInfo
    name: Callable[[UUID], str]
    begin: datetime  # Of what is told. The answer tells times of the day from here on without it.
    child_id: UUID

    def answer(self, answer: Answer) -> str:
        """Why there was an alert, or none."""
        near = (self.begin, self.begin + _A_DAY)
        nears = (_NOT_NEAR if code in BEFORE_ALL else near for code in answer.codes)
        return " ".join(
            self._fill(ANSWERS[code], answer.values, near)
            for code, near in zip(answer.codes, nears, strict=True)
        )

    def sentence(self, event: Event) -> str:
        """What happened."""
        return self._fill(SENTENCES[event.code], event.values, _near(event))

    def because(self, event: Event) -> str:
        """Why, or what is known beside it; empty where there is nothing to add."""
        near = _near(event)
        return " ".join(self._fill(BECAUSE[key], event.values, near) for key in event.because)

    def _fill(self, msgid: str, values: Mapping[str, Value], near: _Near) -> str:
        words = {name: self._shown(name, value, near) for name, value in values.items()}
        text = gettext(self.language, msgid, child=self.name(self.child_id), **words)
        return text[:1].upper() + text[1:]

    def _at(self, at: datetime, near: _Near) -> str:
        """A moment: the time alone where it lies near, else with the day."""
        if near[0] <= at <= near[1]:
            return format_time(self.language, at, self.zone)
        return format_moment(self.language, at, self.zone)

    def _shown(self, name: str, value: Value, near: _Near) -> str:
        if isinstance(value, datetime):
            return self._at(value, near)
        if isinstance(value, timedelta):
            return format_span(self.language, value)
        if isinstance(value, UUID):
            return self.name(value)
        if isinstance(value, Fact):
            return said(value, self.language, partial(self._at, near=near))
        if isinstance(value, tuple) and name == "weighed":
            return " ".join(self._shown(name, fact, near) for fact in value)
        if isinstance(value, tuple):
            each = _CODES_OF_MANY.get(name, name)
            return format_list(self.language, [self._shown(each, item, near) for item in value])
        if isinstance(value, str) and name in _CODES:
            return _CODES[name](value, self.language)
        return str(value)


def people_in(events: Iterable[Event], more: Mapping[str, Value]) -> set[UUID]:
    """Everyone named in these, and in the values of the answer."""
    return {
        item
        for values in (more, *(event.values for event in events))
        for value in values.values()
        for item in (value if isinstance(value, tuple) else (value,))
        if isinstance(item, UUID)
    }
