"""What the word of a witness changes in a watch: of the home at a roll call. Pure."""

from dataclasses import replace
from datetime import datetime

from server.policy.roll_call import RollCall, Word
from server.watch.machine.alarms import weigh
from server.watch.machine.habit import Look
from server.watch.machine.standing import Standing, Terms, Why


def look(word: Word, roll_call: RollCall, terms: Terms, at: datetime) -> Look | None:
    """What a roll call tells of one child; None if it tells nothing."""
    ratio = roll_call.ratio(word, at.astimezone(terms.zone).time())
    if ratio == 1:
        return None
    return Look(at, ratio, at + roll_call.holds_for if ratio < 1 else None)


def heed(standing: Standing, terms: Terms, heard: Look, at: datetime) -> Standing:
    """A witness has spoken; where silences are weighed, `terms.knowledge` has it among its looks.
    An open alert stays open. A child who is not there need not have missed a check-in for adults to
    be called."""
    if standing.is_alerted:
        return standing
    if terms.steps.doubt is None:
        calls = heard.ratio > 1
        return replace(standing, alarm_at=at, alarm_why=Why.NOT_HERE) if calls else standing
    if heard.ratio < 1 and standing.missed_due_at is None and standing.alarm_at is None:
        return standing
    weighed = weigh(replace(standing, ask_at=None, alarm_at=None, alarm_why=None), terms, at)
    calls = weighed.alarm_at is not None and weighed.alarm_at <= at and heard.ratio > 1
    return replace(weighed, ask_at=None, alarm_why=Why.NOT_HERE) if calls else weighed
