"""What a policy that weighs more than each miss knows of a child in a replay."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from server.policy.learned import Source
from server.policy.model import Policy
from server.policy.slots import slot
from server.simulation.outcomes import Child
from server.simulation.weeks.truths import Truths
from server.watch.machine.habit import REMEMBERED
from server.watch.machine.standing import Change, What
from server.watch.signals.rules import Answer, Rows, changed, that_ask

# Of so many answers a signal may be worked out: four months of four a day.
_MOST_ANSWERS = 480
# In Python 3.11 a name is read five times as fast as a member of an enum.
_OPENED, _LATE, _JOIN = What.OPENED, What.LATE, What.JOIN


class Learning:
    """Keeps what is known of each child, as far as the policy asks for it."""

    def __init__(self, policy: Policy, truths: Truths) -> None:
        self._truths = truths
        self.learns = any(tier.steps.doubt for tier in policy.tiers.values())
        self.asking = that_ask(policy.signals) if self.learns else {}

    def learn(self, child: Child, now: datetime, before: datetime, *, answers: bool) -> None:
        """The rounds `before` this one are over now, and tell what is usual; a round that was open
        when an adult saw the child tells nothing."""
        if not self.learns:
            return
        late = [due for due in child.late if due < before]
        current = child.standing.due_at
        is_over = child.standing.opens_at <= now and current < before
        if answers and self.asking:
            dues = [*late, *([current] if is_over else [])]
            child.answers += [Answer(due, _in_minutes(now - due)) for due in dues]
            child.answers = child.answers[-_MOST_ANSWERS:]
        for due in late:
            self._over(child, due, is_answered=False)
        child.late[: len(late)] = []
        if answers and is_over:
            self._over(child, current, is_answered=True)

    def back(self, child: Child, now: datetime) -> None:
        """The child is not looked for any more."""
        if self._truths.is_on:
            self._truths.back(child, now)

    def _over(self, child: Child, due_at: datetime, *, is_answered: bool) -> None:
        if self._truths.is_on:
            self._truths.said(child, Source.CHILD, due_at, is_found=is_answered)
        habit, at = child.terms.knowledge.habit, slot(due_at, child.terms.zone)
        habit.over(at, is_answered=is_answered)
        child.past.append((at, is_answered))
        if len(child.past) > REMEMBERED:
            at, is_answered = child.past.popleft()
            habit.over(at, is_answered=is_answered, n=-1)

    def know(self, child: Child, **told: Any) -> None:
        """Evidence for policies that weigh more than each miss."""
        evidence = child.terms.knowledge
        if not self.learns:
            return
        # Most often it is what is known already, and a copy of the terms takes its time.
        for name, what in told.items():
            if getattr(evidence, name) != what:
                child.terms = replace(child.terms, knowledge=replace(evidence, **told))
                return

    def know_no_looks(self, child: Child, until: datetime) -> None:
        """A sign that settles: what was looked for before it weighs nothing any more."""
        evidence = child.terms.knowledge
        if evidence.unseen or evidence.words:
            unseen = tuple(at for at in evidence.unseen if at > until)
            looks = tuple(look for look in evidence.looks if look.at > until)
            seen = tuple(look for look in evidence.seen if look.at > until)
            self.know(child, unseen=unseen, looks=looks, seen=seen)

    def heed_signals(self, child: Child) -> None:
        """Whether a signal that asks will hold when the round is late, by what is known so far."""
        standing = child.standing
        if not self.asking or standing.missed_due_at is not None:
            return
        late_at = standing.due_at + child.terms.steps.grace
        rows = Rows(answers=child.answers, moods=child.moods, signs=child.signs)
        self.know(child, drifts=bool(changed(rows, self.asking, late_at)))

    def remember(self, child: Child, changes: Iterable[Change]) -> None:
        """Rounds that opened or were late. One that joins an open alert is no habit of the child's
        that a report may count."""
        watched = child.watched
        for change in changes:
            if change.what is _OPENED:
                watched.rounds += 1
            elif change.what is _LATE:
                watched.misses += 1
                if self.learns:
                    child.late.append(change.due_at)
            elif change.what is _JOIN:
                watched.rounds -= 1
                watched.misses -= 1


def _in_minutes(span: timedelta) -> timedelta:
    """Whole minutes, as a database has them that rounds."""
    return (span + timedelta(seconds=30)) // timedelta(minutes=1) * timedelta(minutes=1)
