"""What must hold of a whole history, whatever broke: pure, and it reads everything.

It knows when a child fell silent from the answers alone: each says when the next one is due. So it
believes neither the alerts nor the rounds that the database holds, and compares both with it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

from tests.cluster.history import Event, of_kind, rows

THANKED = (200, 201)
# An answer that the phone takes as "never": it would ask the child.
FOR_GOOD = frozenset({400, 403, 404, 405, 410, 413, 415, 422})
# Longer without a thanked check-in is an outage. What falls into one may be told so much later.
OUTAGE_S = 5.0
# A message may have been in the air when the child answered.
IN_THE_AIR_S = 5.0


@dataclass(frozen=True)
class Terms:
    """What was agreed with the children: seconds from due to late, and from late to told."""

    grace_s: float
    told_within_s: float


@dataclass(frozen=True)
class Violation:
    """Something that must not be."""

    what: str
    about: str
    why: str


@dataclass(frozen=True)
class Silence:
    """From the moment at which a child was late to their next answer (None: it never came)."""

    child: str
    late: float
    until: float | None

    @property
    def over(self) -> float:
        return self.until if self.until is not None else float("inf")


class Story:
    """A history, and what follows from it; each part is worked out once."""

    def __init__(self, events: Sequence[Event], terms: Terms) -> None:
        self.events = events
        self.terms = terms

    @cached_property
    def kept(self) -> dict[str, Event]:
        """The check-ins that the database holds at the end."""
        return {row["id"]: row for row in rows(self.events, "check_in")}

    @cached_property
    def thanks(self) -> list[Event]:
        return [e for e in of_kind(self.events, "answered") if e["status"] in THANKED]

    @cached_property
    def ends_at(self) -> float:
        """When the load ended: what became late after that nobody had to wait for."""
        return max((event["at"] for event in of_kind(self.events, "said")), default=0.0)

    @cached_property
    def outages(self) -> list[tuple[float, float]]:
        """Times in which no child was thanked, though children tried."""
        moments = sorted(event["at"] for event in self.thanks)
        return [(one, two) for one, two in pairwise(moments) if two - one > OUTAGE_S]

    @cached_property
    def silences(self) -> list[Silence]:
        """Every silence of every child, by their answers alone."""
        answers: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for row in rows(self.events, "check_in"):
            answer = row["answer"]
            moments = at_of(answer["received_at"]), at_of(answer["next_due_at"])
            answers[row["child"]].append(moments)
        found, grace = [], self.terms.grace_s
        for child in of_kind(self.events, "child"):
            # Before their first answer they are asked as the watch says that was made for them.
            received = [(child["at"], child["due"]), *sorted(answers[child["child"]])]
            for (_, due), (at, _) in pairwise(received):
                if at > due + grace:
                    found.append(Silence(child["child"], due + grace, at))
            found.append(Silence(child["child"], received[-1][1] + grace, None))
        return found

    @cached_property
    def calls(self) -> dict[str, list[Event]]:
        """What arrived at the caseworker of each child about an alert."""
        kinds = {row["id"]: row["kind_of"] for row in rows(self.events, "message")}
        child_at = {event["worker"]: event["child"] for event in of_kind(self.events, "child")}
        found: dict[str, list[Event]] = defaultdict(list)
        for event in of_kind(self.events, "arrived"):
            child = child_at.get(event["to"])
            if child is not None and kinds.get(event["message"]) == "alert":
                found[child].append(event)
        return found

    def told_of(self, silence: Silence) -> list[Event]:
        """The calls that arrived while this silence lasted."""
        return [e for e in self.calls[silence.child] if silence.late <= e["at"] <= silence.over]

    def allowed_until(self, late: float) -> float:
        """When it must have been told: outages that overlap move that on by their length."""
        until = late + self.terms.told_within_s
        for begin, end in self.outages:
            if begin < until and end > late:
                until += end - max(begin, late)
        return until


def check(story: Story) -> list[Violation]:
    """Every breach of what Waymark promises, in this whole history."""
    looks = (
        _lost, _unconfirmed, _two_answers, _refused, _untold, _told_twice, _told_for_nothing,
        _doubled_at_the_wire, _doubled_rows, _ghosts, _rounds,
    )  # fmt: skip
    return [violation for look in looks for violation in look(story)]


# --- check-ins


def _lost(story: Story) -> Iterator[Violation]:
    for event in story.thanks:
        if event["id"] not in story.kept:
            yield Violation("lost", event["id"], f"thanked for at {event['at']}, and not stored")


def _unconfirmed(story: Story) -> Iterator[Violation]:
    thanked = {event["id"] for event in story.thanks}
    for event in of_kind(story.events, "said"):
        if event["id"] not in thanked:
            yield Violation("unconfirmed", event["id"], "said, and never thanked for")


def _two_answers(story: Story) -> Iterator[Violation]:
    first: dict[str, Any] = {}
    for event in story.thanks:
        earlier = first.setdefault(event["id"], event["answer"])
        if earlier != event["answer"]:
            yield Violation("two answers", event["id"], f"{earlier} and {event['answer']}")
    for id_, answer in first.items():
        stored = story.kept[id_]["answer"] if id_ in story.kept else answer
        if stored != answer:
            yield Violation("two answers", id_, f"said {answer}, stored {stored}")


def _refused(story: Story) -> Iterator[Violation]:
    for event in of_kind(story.events, "answered"):
        code = event["answer"].get("code") if isinstance(event["answer"], dict) else None
        if event["status"] in FOR_GOOD or (event["status"] == 409 and code == "id_reused"):
            yield Violation("refused", event["id"], f"{event['status']} {code}: a good check-in")


# --- silences


def _untold(story: Story) -> Iterator[Violation]:
    for silence in story.silences:
        until = story.allowed_until(silence.late)
        # Nobody has to be told of a silence that ended in time, nor of one that outlives the run.
        if silence.over <= until or until > story.ends_at:
            continue
        after = [e["at"] - silence.late for e in story.told_of(silence)]
        if not after or min(after) > until - silence.late:
            told = f"told {min(after):.1f} s after" if after else "never told"
            why = f"late at {silence.late:.1f}, {until - silence.late:.1f} s allowed; {told}"
            yield Violation("untold", silence.child, why)


def _told_twice(story: Story) -> Iterator[Violation]:
    """One silence is one alert, and its first rung one message."""
    for silence in story.silences:
        told = {event["message"] for event in story.told_of(silence)}
        if len(told) > 1:
            yield Violation("told twice", silence.child, f"late at {silence.late:.1f}: {told}")


def _told_for_nothing(story: Story) -> Iterator[Violation]:
    of_child: dict[str, list[Silence]] = defaultdict(list)
    for silence in story.silences:
        of_child[silence.child].append(silence)
    for child, arrivals in story.calls.items():
        for event in arrivals:
            lasting = of_child[child]
            if not any(s.late <= event["at"] <= s.over + IN_THE_AIR_S for s in lasting):
                yield Violation("told for nothing", child, f"{event['message']} at {event['at']}")


# --- messages


def explained(events: Sequence[Event]) -> Counter[str]:
    """How often a message was sent again because what became of the try before is not known. The
    contract allows that: it has the same Message-ID, and a mail program shows it once."""
    unknown: Counter[str] = Counter()
    for row in rows(events, "delivery"):
        unknown[row["message"]] += row["result"] != "accepted"
    return unknown


def _doubled_at_the_wire(story: Story) -> Iterator[Violation]:
    unknown = explained(story.events)
    arrived = Counter((e["message"], e["to"]) for e in of_kind(story.events, "arrived"))
    for (message, to), times in arrived.items():
        if times - 1 > unknown[message]:
            yield Violation("doubled", message, f"{times} times at {to}, and no try that failed")


def _doubled_rows(story: Story) -> Iterator[Violation]:
    about = Counter(
        (row["subject"], row["kind_of"], row["rung"], row["turn"], row["to"], row["channel"])
        for row in rows(story.events, "message")
    )
    for key, times in about.items():
        if times > 1:
            yield Violation("doubled", str(key[0]), f"{times} messages of one kind, rung and turn")
    open_alerts = Counter(
        row["child"] for row in rows(story.events, "alert") if row["closed_at"] is None
    )
    for child, times in open_alerts.items():
        if times > 1:
            yield Violation("doubled", child, f"{times} open alerts")


def _ghosts(story: Story) -> Iterator[Violation]:
    """A message that went out and is in no row: what sent it was not committed, or got lost."""
    stored = {row["id"] for row in rows(story.events, "message")}
    for event in of_kind(story.events, "arrived"):
        if event["message"] not in stored:
            yield Violation("ghost", event["message"], f"at {event['to']}, and in no row")


def _rounds(story: Story) -> Iterator[Violation]:
    alerted = {r["child"] for r in rows(story.events, "alert") if r["closed_at"] is None}
    for row in rows(story.events, "round"):
        if row["state"] in ("answered", "answered_late") and row["settled_by"] not in story.kept:
            yield Violation("round", row["id"], f"{row['state']} by an answer that is not stored")
        is_old = story.allowed_until(at_of(row["late_at"])) < story.ends_at
        if row["state"] == "open" and is_old:
            yield Violation("round", row["id"], "late long ago, and still open")
        if row["state"] == "late" and is_old and row["child"] not in alerted:
            yield Violation("round", row["id"], "late and unanswered, and there is no open alert")


def at_of(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 moment."""
    return datetime.fromisoformat(text).timestamp()
