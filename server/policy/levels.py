"""How much each kind of evidence counts, as data. Pure.

Child confirmed > seen by a professional > seen by the carer or the school > device active. A policy
says for each tier what each of them does to a silence:

- **settles**: the open check-ins are settled, and the silence begins anew from here;
- **vouches**: nothing is settled, and the longest silence counts from the moment at which someone
  saw the child (watch/machine/seen.py);
- **holds**: nothing is settled; the carer is asked again when the hold is over;
- **softens**: nothing is settled; adults are called a little later, once, and the carer is asked
  again before that;
- **nothing**: it is shown, and changes nothing.

What children say themselves in their app settles in every policy, so there is no row for it. A word
by SMS, a link, or a card with its PIN is the child's own too, but another person may have the word,
the link or the card: a policy says for each what it does. What only holds or softens never moves
the ceiling: the longest silence that anything may allow.
"""

from datetime import timedelta
from enum import StrEnum

import msgspec


class Way(StrEnum):
    """How an answer came to us. Kept with it for ever."""

    APP = "app"
    SMS = "sms"  # A word agreed beforehand, from an agreed number.
    LINK = "link"  # A page on any phone.
    CARD = "card"  # A card and its PIN, at the front desk of the home.
    VOICE = "voice"  # Said aloud to the carer beside the child, who passed it on.
    CARER = "carer"  # Given for the child by the carer.
    WORKER = "worker"  # Given for the child by the caseworker.


class Evidence(StrEnum):
    """Who or what says that the child is there, the strongest first."""

    CHILD = "child"
    CARD = "card"
    LINK = "link"
    SMS = "sms"
    PROFESSIONAL = "professional"
    SCHOOL = "school"
    CARER = "carer"
    APP_SEEN = "app_seen"  # The app was open: a person has the phone.


class Does(StrEnum):
    """What a kind of evidence does to a silence, the strongest first."""

    SETTLES = "settles"
    VOUCHES = "vouches"  # Only the word of an adult who says: I see the child.
    HOLDS = "holds"
    SOFTENS = "softens"
    NOTHING = "nothing"


# The ways by which the child speaks: an answer, and never a sighting by an adult.
OWN = frozenset({Evidence.CHILD, Evidence.CARD, Evidence.LINK, Evidence.SMS})

# How much an answer counts that came some way. What an adult passes on is that adult's word.
BY_WAY = {
    Way.APP: Evidence.CHILD,
    Way.SMS: Evidence.SMS,
    Way.LINK: Evidence.LINK,
    Way.CARD: Evidence.CARD,
    Way.VOICE: Evidence.CARER,
    Way.CARER: Evidence.CARER,
    Way.WORKER: Evidence.PROFESSIONAL,
}

# A phone in a person's hand is not a child who was seen: it may soften an alarm, and nothing else.
OF_A_PHONE = (Does.SOFTENS, Does.NOTHING)


# Whose word may vouch: the child speaks for themself, and what a professional sees settles.
MAY_VOUCH = (Evidence.CARER, Evidence.SCHOOL)


class Levels(msgspec.Struct, frozen=True):
    """What each kind of evidence does in one tier."""

    professional: Does
    school: Does
    carer: Does
    app_seen: Does
    sms: Does
    link: Does
    card: Does
    holds_for: timedelta  # How long evidence that holds puts off the next question to the carer.
    # How long after a late round, at most, evidence that softens puts off the call to adults.
    softens_for: timedelta

    @property
    def vouches(self) -> bool:
        """Whether the longest silence counts from when the child was seen."""
        return Does.VOUCHES in (self.carer, self.school)

    def does(self, evidence: Evidence) -> Does:
        """What this evidence does. What children say in their app always settles."""
        return Does.SETTLES if evidence is Evidence.CHILD else Does(getattr(self, evidence.value))


def too_strong(levels: Levels) -> Evidence | None:
    """Evidence that does more than a stronger kind does, or than its kind may; None if all is
    in order."""
    if levels.app_seen not in OF_A_PHONE:
        return Evidence.APP_SEEN
    rank = list(Does).index
    for evidence in (Evidence.SCHOOL, Evidence.CARER):
        if rank(levels.does(evidence)) < rank(levels.professional):
            return evidence
    for evidence in (Evidence.SCHOOL, Evidence.CARER, *OWN):
        if rank(levels.app_seen) < rank(levels.does(evidence)):
            return Evidence.APP_SEEN
    return None
