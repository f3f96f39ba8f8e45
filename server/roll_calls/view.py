"""What the pages of a roll call show of each child. Reads rows, and writes none."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace
from starlette.requests import Request

from server.i18n import N_, format_list, gettext
from server.people.access import Roles, called_about, now_of
from server.people.children_access import children_by_ties, children_for
from server.people.models import Person
from server.people.rules import Action, may
from server.policy.roll_call import Word
from server.roll_calls.access import Entrance
from server.roll_calls.calling import Calling, Contact, calling_of
from server.roll_calls.form import Given, row_of
from server.roll_calls.models import RollCall
from server.roll_calls.reading import Line, Sheet
from server.roll_calls.rules import Spoken, path_of
from server.roll_calls.words import LAST_TIME, SUMS, WORDS, follows, stays_open
from server.watch.carer.away import told_people
from server.watch.forecast import as_it_stands
from server.watch.models import Watch
from server.watch.wording import when
from server.web.rendering import language_of

# Those who are not here come first.
_ORDER = {Word.NOT_HERE: 0, Word.UNKNOWN: 1, None: 2, Word.EXCUSED: 3, Word.HERE: 4}


_UNTOUCHED = Given()


class Told(msgspec.Struct, frozen=True):
    """What one person said of a child."""

    word: str
    by: str
    at: datetime
    until: datetime | None = None


class Row(msgspec.Struct, frozen=True):
    """One child. `stands`: the word that is so if nobody touches the row. `says`: what was said, in
    one line. `field`: under which name a fault of the row is told. `contacts`: who to call about
    them; `alert`: the page of the open alert, where the reader may open it."""

    id: UUID
    name: str
    initials: str
    field: str
    stands: str
    is_asked: bool
    says: str
    told: Sequence[Told]
    differs: bool
    pass_until: datetime | None
    given: Given = _UNTOUCHED
    follows: str = ""
    missing: str = ""
    href: str = ""
    is_unknown: bool = False
    contacts: Sequence[Contact] = ()
    alert: str = ""
    number: int | None = None
    sent: str = ""  # Who was sent a message that they are not here.
    is_searched: bool = False  # They are reported missing: `missing` then says who to call.


def rows_of(lines: Iterable[Line], language: str, zone: ZoneInfo, now: datetime) -> list[Row]:
    """A row for each line."""
    return [_row(line, language, zone, now) for line in lines]


def _row(line: Line, language: str, zone: ZoneInfo, now: datetime) -> Row:
    told = []
    if line.said is not None and line.at is not None:
        word = gettext(language, WORDS[line.said])
        told.append(Told(word, line.by or "", line.at, line.until_at))
    others = [Told(gettext(language, WORDS[each.word]), each.by, each.at) for each in line.others]
    stands = Word.EXCUSED if line.is_on_pass else Word.HERE
    return Row(
        line.child_id,
        line.name,
        line.initials,
        row_of(line.child_id),
        (line.said or stands).value,
        not line.is_said,
        _says(line, language, zone, now),
        [*told, *others],
        any(each.word != line.said for each in line.others),
        line.pass_until,
        is_unknown=line.said is Word.UNKNOWN,
        number=line.number,
    )


def _says(line: Line, language: str, zone: ZoneInfo, now: datetime) -> str:
    if line.said is not None and line.at is not None:
        word, time = gettext(language, WORDS[line.said]), when(language, line.at, zone, now)
        # Behind "away with permission" a time alone reads as its end.
        sentence = N_("{word}, said {time}") if line.said is Word.EXCUSED else N_("{word}, {time}")
        return gettext(language, sentence, word=word, time=time)
    if line.pass_until is not None:
        until = when(language, line.pass_until, zone, now)
        return gettext(language, N_("Agreed absence until {time}"), time=until)
    return _said_before(line.before, language, zone, now) if line.before is not None else ""


def _said_before(before: Spoken, language: str, zone: ZoneInfo, now: datetime) -> str:
    """So that nobody says "here" of a child who was out an hour ago, without a thought."""
    if before.until_at is not None:
        until = when(language, before.until_at, zone, now)
        return gettext(language, N_("Last time: with permission until {time}"), time=until)
    return gettext(language, LAST_TIME[before.word])


def by_worry(lines: Iterable[Line]) -> list[Line]:
    """The same with those who are not here first."""
    return sorted(lines, key=lambda line: _ORDER[line.said or _unsaid(line)])


def _unsaid(line: Line) -> Word | None:
    return Word.EXCUSED if line.is_on_pass else None


def sum_of(sheet: Sheet, language: str) -> str:
    """How many are here, not here, away with permission and unknown, of those with an answer."""
    answered = [line for line in sheet.lines if line.is_said]
    many = Counter(line.said or Word.EXCUSED for line in answered)
    told = [
        gettext(language, SUMS[word], n=many[word])
        for word in SUMS
        if many[word] or word is Word.HERE
    ]
    return gettext(language, N_(", ")).join(told)


def still_unknown(sheet: Sheet) -> list[str]:
    """The names of the children with "don't know" as the word that counts."""
    return [line.name for line in sheet.lines if line.said is Word.UNKNOWN]


# Of these an alert may still be open, from an earlier "not here".
_CALMER = (Word.HERE, Word.EXCUSED)


async def with_what_follows(
    request: Request,
    seat: Entrance,
    rows: Sequence[Row],
    lines: Sequence[Line],
    roll_call: RollCall | None,
) -> list[Row]:
    """The same rows; of each child who is not here with what happens then and who to call, and
    with the pages that the reader may open: of the alert, and to report them missing. The same of
    each child who is here after all, while the alert about them is open."""
    of = {line.child_id: line for line in lines if line.was_away or line.said in _CALMER}
    if not of:
        return list(rows)
    around = await _around(request, seat, of, roll_call)
    return [around.filled(row, of[row.id]) if row.id in of else row for row in rows]


class _Around(msgspec.Struct, frozen=True):
    """What is known about these children beside the roll call, and what the reader may open."""

    seat: Entrance
    language: str
    now: datetime
    calling: Mapping[UUID, Calling]
    watches: Mapping[UUID, Watch]
    by_ties: Mapping[UUID, Roles]
    called: Collection[UUID]  # The alerts to which the reader was called.
    may_report: Collection[UUID]
    told: Mapping[UUID, list[str]]  # Who was to hear of it, and what became of that.

    def filled(self, row: Row, line: Line) -> Row:
        """The row with what follows from its word."""
        is_away, of_child = line.said is Word.NOT_HERE, self.calling[row.id]
        if is_away:
            seen = as_it_stands(self.watches.get(row.id))
            told = follows(seen, self.language, self.seat.zone, self.now)
        elif of_child.is_open_after(was_away=line.was_away):
            told = stays_open(line.said, row.name, of_child.contacts, self.language)
        else:
            return row
        held = self.by_ties.get(row.id, frozenset())
        sees = may(held, Action.ALERT_SEE)
        alert = next((a for a in of_child.alerts if sees or a.id in self.called), None)
        return replace(
            row,
            follows=told,
            contacts=of_child.contacts,
            alert=f"/desk/alerts/{alert.id}" if alert is not None else "",
            href=f"/desk/children/{row.id}" if may(held, Action.HISTORY_SEE) else row.href,
            missing=self._missing(row.id) if is_away or of_child.is_searched else "",
            sent=" ".join(self.told.get(row.id, ())) if is_away else "",
            is_searched=of_child.is_searched,
        )

    def _missing(self, child_id: UUID) -> str:
        """Where the reader reports this child: as everyone with a right to them, or else because
        they work here."""
        if child_id in self.may_report:
            return f"/desk/children/{child_id}/missing"
        home = path_of(self.seat.home.id)
        return f"{home}/{child_id}/missing" if self.seat.is_worker else ""


async def _around(
    request: Request, seat: Entrance, of: Mapping[UUID, Line], roll_call: RollCall | None
) -> _Around:
    language, now, me = language_of(request), now_of(request), seat.visitor.id
    away = [id_ for id_, line in of.items() if line.said is Word.NOT_HERE]
    return _Around(
        seat,
        language,
        now,
        calling=await calling_of(of, seat.home.agency_id, me, language, now),
        watches={watch.child_id: watch for watch in await Watch.filter(child_id__in=away)},
        by_ties=await children_by_ties(request),
        called=await called_about(request),
        may_report=await children_for(request, Action.EPISODE_OPEN, among=away) if away else (),
        told=await _told(roll_call, away, language),
    )


_SENT = N_("We sent a message to {names}.")
_WAITS = N_("Our message to {names} has not gone out yet.")
_LOST = N_("We could not reach {names}. Call them.")
_BY_STATE = {"done": _SENT, "failed": _LOST, "withheld": _LOST}


async def _told(
    roll_call: RollCall | None, away: Collection[UUID], language: str
) -> dict[UUID, list[str]]:
    """In sentences, who was to hear of each child, and what became of the message to them."""
    if roll_call is None or not away:
        return {}
    told = await told_people(roll_call.id, away)
    people = {person for each in told.values() for person in each}
    names = dict(await Person.filter(id__in=list(people)).values_list("id", "name"))
    sentences: dict[UUID, list[str]] = {}
    for child_id, messages in told.items():
        states = {id_: _BY_STATE.get(message.state, _WAITS) for id_, message in messages.items()}
        sentences[child_id] = [
            gettext(language, sentence, names=format_list(language, of_state))
            for sentence in (_LOST, _WAITS, _SENT)
            if (of_state := [names[id_] for id_ in states if states[id_] is sentence])
        ]
    return sentences
