"""Adding many children at once: a file, its preview, and the progress."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.clock import known_zone
from server.errors import Refused, WaymarkError
from server.i18n import LANGUAGES, N_, gettext
from server.imports import bulk_import, import_csv
from server.imports.import_csv import Known, Read
from server.imports.models import Intake
from server.people.access import Visitor, agency_for, now_of
from server.people.desk_forms import id_of
from server.people.models import Agency
from server.people.rules import AgencyAction
from server.people.words import entered, form_fault
from server.web.csv_files import csv_answer
from server.web.rendering import language_of, page
from server.web.requests import form_body

PATH = "/desk/people/children/import"
# The preview shows so many children.
SHOWN = 10


async def ask(request: Request) -> Response:
    """The format of the file, and where to choose it."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _ask_page(request, visitor)


async def template(request: Request) -> Response:
    """The columns, to be filled in. With the mark by which Excel knows UTF-8."""
    await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    first, *others = import_csv.COLUMNS
    return csv_answer("children.csv", (f"\ufeff{first}", *others))


async def hand_in(request: Request) -> Response:
    """Read the file; no child is added yet."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    form = await form_body(request, files=1)
    try:
        data = await _file(form)
        parsed = await _read(_agency(visitor), data, now_of(request))
        id_ = id_of(entered(form, "id"), "id") or uuid4()
        row = await bulk_import.hand_in(visitor, _agency(visitor), parsed, id_, now_of(request))
    except Refused as fault:
        return await _ask_page(request, visitor, fault)
    finally:
        await form.close()
    return RedirectResponse(f"{PATH}/{row.id}", status_code=303)


async def _file(form: FormData) -> bytes:
    upload = form.get("list")
    if isinstance(upload, str) and upload.strip():
        return upload.encode()  # Typed as text: a test or a script may send it so.
    if not isinstance(upload, UploadFile) or not upload.size:
        raise Refused(N_("Choose the file with the list."), field="list")
    return await upload.read()


async def _read(agency_id: UUID, data: bytes, now: datetime) -> Read:
    agency = await Agency.get(id=agency_id)
    directory: Known = await bulk_import.known_of(
        agency_id, now.astimezone(known_zone(agency.zone)).date()
    )
    return await asyncio.to_thread(import_csv.read, data, directory)


async def look(request: Request) -> Response:
    """The preview, the progress, or the result."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    return await _look_page(request, visitor)


async def take_in(request: Request) -> Response:
    """Begin to add the children."""
    visitor = await agency_for(request, AgencyAction.PEOPLE_CHANGE)
    intake_id = request.path_params["intake_id"]
    try:
        await bulk_import.take_in(_agency(visitor), intake_id, now_of(request))
    except WaymarkError as fault:
        if fault.status == 404:
            raise
        return await _look_page(request, visitor, fault)
    return RedirectResponse(f"{PATH}/{intake_id}", status_code=303)


async def _ask_page(
    request: Request, visitor: Visitor, fault: WaymarkError | None = None
) -> Response:
    directory = await bulk_import.known_of(_agency(visitor), now_of(request).date())
    context: dict[str, Any] = {
        "id": uuid4(),
        "columns": import_csv.COLUMNS,
        "needed": import_csv.NEEDED,
        "tiers": ", ".join(import_csv.TIERS),
        "languages": ", ".join(LANGUAGES),
        "homes": directory.home_names,
        "workers": directory.worker_names,
        "most": import_csv.MOST_LINES,
        "error": form_fault(fault, language_of(request)) if fault is not None else None,
        "path": PATH,
    }
    return page(request, "imports/intake_ask.html", context, status=422 if fault else 200)


async def _look_page(
    request: Request, visitor: Visitor, fault: WaymarkError | None = None
) -> Response:
    row = await bulk_import.of_agency(_agency(visitor), request.path_params["intake_id"])
    language = language_of(request)
    total = row.count - row.known_count
    context: dict[str, Any] = {
        "row": row,
        "id": uuid4(),
        "path": PATH,
        "total": total,
        "lines": (row.lines or [])[:SHOWN] if row.state == bulk_import.LOOKING else [],
        "faults": _in_words(row.faults, language),
        "left_out": _in_words(row.left_out, language),
        "done": _done(row, total),
        "error": form_fault(fault, language) if fault is not None else None,
    }
    return page(request, "imports/intake.html", context, status=fault.status if fault else 200)


def _done(row: Intake, total: int) -> int:
    """How many lines are done."""
    return (
        row.place
        if row.state == bulk_import.TAKING
        else 0
        if row.state == bulk_import.LOOKING
        else total
    )


def _in_words(faults: list[dict[str, Any]] | None, language: str) -> list[tuple[int, str]]:
    return [
        (fault["line"], gettext(language, fault["text"], **fault["values"]))
        for fault in faults or []
    ]


def _agency(visitor: Visitor) -> UUID:
    assert visitor.agency_id is not None
    return visitor.agency_id


routes = [
    Route(PATH, ask, methods=["GET"]),
    Route(PATH, hand_in, methods=["POST"]),
    Route(f"{PATH}/template.csv", template, methods=["GET"]),
    Route(f"{PATH}/{{intake_id:uuid}}", look, methods=["GET"]),
    Route(f"{PATH}/{{intake_id:uuid}}", take_in, methods=["POST"]),
]
