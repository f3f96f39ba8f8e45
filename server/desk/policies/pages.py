"""What follows silence, at the desk: the numbers, a form for them, and what they would have done.

Before a change is adopted, the last month is replayed with both policies. It works without a
script.
"""

import asyncio
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.desk.policies import form as editing
from server.desk.policies.tables import asked, bars, heading, tables
from server.desk.policies.words import UNITS
from server.errors import Conflict, Refused, WaymarkError
from server.i18n import N_, format_span, gettext
from server.people.access import Visitor, agency_for, now_of
from server.people.models import Person
from server.people.rules import AgencyAction, Role, may_agency
from server.people.words import entered, form_fault
from server.policy import parser as policies
from server.policy.model import SHIPPED, Rung, Tier
from server.policy.models import Policy
from server.policy.parser import filled, merged
from server.policy.versions import content_of, versions_of
from server.simulation import history, lookback
from server.simulation.events import events_of
from server.simulation.trial import ONE
from server.watch import policy_change
from server.watch.rhythm import too_slow
from server.watch.wording import TIERS
from server.web.rendering import language_of, page
from server.web.requests import form_body

# What `parser.read` says of a policy that makes no sense, for the catalogs.
FAULTS = (
    N_("The carer's hours end before they begin."),
    N_("A duration in a policy can be up to 30 days."),
    N_("This would call adults before we ask the carer."),
    N_("We can ask a carer once an hour at most."),
    N_("This value is not valid here."),
    N_("An open app can only soften an alert."),
    N_("This number is not valid here."),
    N_("This would count for more than a professional's word."),
    N_("Choose between 2 and 1,000 children."),
    N_("Choose between 1 and 30 missed check-ins."),
    N_("A call can wait up to ten minutes for others."),
    N_(
        "No policy finds a child without false alarms. Write how many a worker can bear in a week:"
        " 0.1 or more."
    ),
    N_("Write how many false alarms a worker can bear in a week: 0.1 to 100."),
    N_("No watch level goes by the child's habit, so there is no number to adapt."),
)
# So many children are replayed while a person waits; of more, a sample.
MOST_CHILDREN = 300
# Policies that ship beside the default, to see what they would have done.
FOLDER = Path(__file__).parents[3] / "policies"
NAMES: Mapping[str, str] = {
    "each-miss": N_("Ask after each missed check-in"),
    "after-misses": N_("Call adults after 2 or 3 missed check-ins in a row"),
    "period-and-grace": N_("Simple: wait long, then call adults"),
    "ask-at-each-miss": N_("Simple: wait long, then ask the carer"),
    "roll-calls": N_("With roll calls of the homes"),
    "weighed": N_("With roll calls and a budget of false alarms"),
    "two-clocks": N_("With two clocks: heard and seen"),
    "witnesses": N_("With the words of schools, clubs and mentors"),
}
# Tables that no policy needs to have, and the file that has the numbers they begin with.
_ADDED: Mapping[str, str] = {"roll_call": "roll-calls", "witness": "witnesses"}


class Draft(msgspec.Struct, frozen=True):
    """What was typed, as it stands in the form and as data; and the version it is to replace."""

    typed: Mapping[str, str]
    new: Mapping[str, Any]
    old: Mapping[str, Any]
    base: int


class Looked(msgspec.Struct, frozen=True):
    """What two policies did, and over how much."""

    compared: lookback.Compared
    since: datetime
    children: int
    alerts: int
    everyone: int


async def show(request: Request) -> Response:
    """The numbers that hold, and the versions before them."""
    visitor = await agency_for(request, AgencyAction.POLICY_SEE)
    language = language_of(request)
    rows = await versions_of(_agency(visitor))
    content, version = await content_of(_agency(visitor))
    code = request.query_params.get("done", "")
    context = {
        "bars": bars(content, language),
        "tables": tables(content, language),
        "version": version,
        "versions": await _versions(rows, language),
        "shipped": [(name, name_of(name, language)) for name in shipped()],
        "opens": {file: f"&level={table}#{table}" for table, file in _ADDED.items()},
        "may_change": may_agency(Role(visitor.role), AgencyAction.POLICY_CHANGE),
        "sees_figures": may_agency(Role(visitor.role), AgencyAction.INDICATORS_SEE),
        "done": gettext(language, N_("These numbers apply from now on."))
        if code == "adopted"
        else None,
        "now": now_of(request),
    }
    return page(request, "desk/policies.html", context)


async def edit(request: Request) -> Response:
    """The form, with the numbers that hold, or those of an earlier version."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    _, base = await content_of(_agency(visitor))
    name = request.query_params.get("from", "")
    if name in _ADDED.values():
        held, _ = await content_of(_agency(visitor))
        start = {**held, **_added(name, held)}
    elif name in shipped():
        start = shipped_content(name)
    else:
        start, _ = await content_of(_agency(visitor), _number(name))
    level = request.query_params.get("level", "")
    opened = level if level in {*Tier, "budget", *_ADDED} else ""
    return _form_page(request, editing.typed_of(start), start, base, opened=opened)


async def look(request: Request) -> Response:
    """What was typed, beside what holds: what changes, and what it would have done."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form = await form_body(request)
    old, base = await content_of(_agency(visitor))
    shape = _shape(old, form)
    typed = {name: entered(form, name) for name in editing.typed_of(shape)}
    try:
        new = _content(typed, shape)
    except Refused as fault:
        return _form_page(request, typed, shape, base, fault)
    if entered(form, "back"):
        return _form_page(request, typed, shape, base)
    return await _look_page(request, visitor, Draft(typed, new, old, base))


async def adopt(request: Request) -> Response:
    """From now on."""
    visitor = await agency_for(request, AgencyAction.POLICY_CHANGE)
    form, now = await form_body(request), now_of(request)
    old, base = await content_of(_agency(visitor))
    shape = _shape(old, form)
    typed = {name: entered(form, name) for name in editing.typed_of(shape)}
    try:
        new = _content(typed, shape)
    except Refused as fault:
        return _form_page(request, typed, shape, base, fault)
    why = entered(form, "why")
    try:
        id_, seen = _id(entered(form, "id")), _number(entered(form, "base"))
        if seen is None:
            raise Refused(N_("“{field}” is not valid here."), field="base")
        agency = _agency(visitor)
        adoption = policy_change.Adoption(id_, new, seen, why)
        await policy_change.adopt(visitor, agency, adoption, now)
    except WaymarkError as fault:
        # A reader who sees here that another person was faster also sees what differs from that
        # version.
        old, base = await content_of(_agency(visitor))
        draft = Draft(typed, new, old, base)
        return await _look_page(request, visitor, draft, why=why, fault=fault)
    return RedirectResponse("/desk/policies?done=adopted", status_code=303)


# --- reading


def shipped() -> dict[str, Path]:
    """The policies that ship as files, by their names."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def shipped_content(name: str) -> dict[str, Any]:
    """The data of one of them."""
    return merged(tomllib.loads(shipped()[name].read_text(encoding="utf-8")))


def name_of(name: str, language: str) -> str:
    """What people call one of them."""
    return gettext(language, NAMES[name]) if name in NAMES else name


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused(N_("“{field}” is not valid here."), field="id") from None


def _content(typed: Mapping[str, str], base: Mapping[str, Any]) -> dict[str, Any]:
    """The policy that was typed. Raises Refused, naming the field."""
    content = editing.read(typed, base)
    policies.read(content)
    return content


def _added(name: str, held: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of this file that the policy does not have yet."""
    tables = [table for table, file in _ADDED.items() if file == name and table not in held]
    return {table: shipped_content(name)[table] for table in tables}


def _shape(old: Mapping[str, Any], form: FormData) -> Mapping[str, Any]:
    """What the form asks for: the policy that holds and, where the form has them, the tables that
    no policy needs to have."""
    new = [file for table, file in _ADDED.items() if entered(form, f"{table}.holds_for")]
    return {**old, **{key: value for file in new for key, value in _added(file, old).items()}}


# --- looking back


async def _looked(
    agency_id: UUID, old: Mapping[str, Any], new: Mapping[str, Any], now: datetime
) -> Looked:
    """Both policies over the last month of the agency. Nothing else waits for it."""
    past = await history.read(agency_id, now - history.MONTH, now, MOST_CHILDREN)
    return await asyncio.to_thread(_replayed, past, old, new)


def _replayed(past: history.History, old: Mapping[str, Any], new: Mapping[str, Any]) -> Looked:
    with ONE:
        events = list(events_of(history.as_csv(past.events)))
        compared = lookback.compare(
            events, policies.read(old), policies.read(new), past.until, past.real
        )
    return Looked(compared, past.since, past.children, past.alerts, past.everyone)


async def _too_slow(agency_id: UUID, content: Mapping[str, Any]) -> int:
    """How many children have times that are too far apart for these numbers."""
    policy, watched = policies.read(content), await too_slow.how_watched(agency_id)
    return await asyncio.to_thread(too_slow.too_slow_for, policy, watched)


# --- pages


def _form_page(
    request: Request,
    typed: Mapping[str, str],
    content: Mapping[str, Any],
    base: int,
    fault: WaymarkError | None = None,
    opened: str = "",
) -> Response:
    language = language_of(request)
    context = {
        "parts": asked(content, typed, language),
        # Where the fault is, else the level that the reader came for, else the first one.
        "opened": (fault.field or "").partition(".")[0] if fault is not None else opened,
        "typed": typed,
        "fields": [field.name for field in editing.fields_of(content)],
        "units": [(code, gettext(language, word)) for code, word in UNITS.items()],
        "rungs": [(rung.value, gettext(language, rung.label)) for rung in Rung],
        "fixed": Rung.LAST_RESORT.value,
        "places": range(1, editing.MOST_RUNGS + 1),
        "switch": [("yes", gettext(language, N_("yes"))), ("no", gettext(language, N_("no")))],
        "base": base,
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now_of(request),
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/policy.html", context, status=status)


async def _look_page(
    request: Request,
    visitor: Visitor,
    draft: Draft,
    *,
    why: str = "",
    fault: WaymarkError | None = None,
) -> Response:
    language, now = language_of(request), now_of(request)
    changes = editing.differences(draft.old, draft.new, language)
    looked = await _looked(_agency(visitor), draft.old, draft.new, now) if changes else None
    context = {
        "changes": [(change, heading(change.table, language)) for change in changes],
        "looked": looked,
        "lines": _lines(looked.compared, language) if looked is not None else [],
        "shift": format_span(language, looked.compared.shift) if looked is not None else "",
        "real_shift": _real_shift(looked.compared, language) if looked is not None else "",
        "too_slow": await _too_slow(_agency(visitor), draft.new) if changes else 0,
        "typed": draft.typed,
        "base": draft.base,
        "id": uuid4(),
        "why": why,
        "is_behind": isinstance(fault, Conflict),
        "error": form_fault(fault, language) if fault is not None else None,
        "now": now,
    }
    status = fault.status if fault is not None else 200
    return page(request, "desk/policy_look.html", context, status=status)


def _lines(compared: lookback.Compared, language: str) -> list[tuple[str, str, str]]:
    """The table: what, by the policy that holds, by the other."""
    before, after = compared.before, compared.after

    def span(delta: timedelta | None) -> str:
        return format_span(language, delta) if delta is not None else "-"

    def line(word: str, current: object, other: object) -> tuple[str, str, str]:
        return (gettext(language, word), str(current), str(other))

    tiers = [
        (
            gettext(language, N_("… at watch level “{tier}”"), tier=gettext(language, words)),
            str(before.by_tier[tier]),
            str(after.by_tier[tier]),
        )
        for tier, (words, _) in TIERS.items()
    ]
    return [
        line(N_("Alerts to adults"), before.alerts, after.alerts),
        *tiers,
        line(N_("Questions to carers"), before.questions, after.questions),
        line(N_("Reminders to children"), before.reminders, after.reminders),
        line(N_("Reminders delayed by quiet hours"), before.waited, after.waited),
        line(N_("Silence until we call an adult"), span(before.silence), span(after.silence)),
        line(N_("Longest such silence"), span(before.longest), span(after.longest)),
    ]


def _real_shift(compared: lookback.Compared, language: str) -> str:
    """How much later, at worst, an adult is called about a child who had really gone."""
    shift = compared.real_shift
    if shift is None or abs(shift) < timedelta(minutes=1):
        return ""
    words = N_("up to {span} later") if shift > timedelta(0) else N_("at least {span} sooner")
    return gettext(language, words, span=format_span(language, shift))


async def _versions(rows: list[Policy], language: str) -> list[dict[str, Any]]:
    """Each version, the newest first: who, when, why, and what it changed."""
    people = {row.made_by for row in rows if row.made_by is not None}
    names = {person.id: person.name for person in await Person.filter(id__in=people)}
    contents = [*(filled(row.content) for row in rows), SHIPPED]
    return [
        {
            "version": row.version,
            "who": names.get(row.made_by, "") if row.made_by is not None else "",
            "at": row.made_at,
            "why": row.words or "",
            "changes": [
                (change, heading(change.table, language))
                for change in editing.differences(contents[place + 1], contents[place], language)
            ],
        }
        for place, row in enumerate(rows)
    ]


routes = [
    Route("/desk/policies", show, methods=["GET"]),
    Route("/desk/policies", adopt, methods=["POST"]),
    Route("/desk/policies/new", edit, methods=["GET"]),
    Route("/desk/policies/look", look, methods=["POST"]),
]
