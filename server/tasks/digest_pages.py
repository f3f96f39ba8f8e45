"""The reader's own tasks, to which the message of the day leads; and when that message comes."""

from datetime import time
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server.errors import Refused
from server.i18n import N_, gettext
from server.people.access import now_of, staff_of
from server.people.children_access import children_for
from server.people.models import Person
from server.people.rules import Action
from server.people.settings_pages import settings_page
from server.people.words import entered
from server.tasks.digest import LIST, set_digest
from server.tasks.own import AT_ONCE, own_tasks
from server.tasks.rules import Kind
from server.tasks.turns import WORDS, turns_of, until
from server.web.rendering import language_of, page
from server.web.requests import form_body, page_number, parts


async def show(request: Request) -> Response:
    """What I have to do, the most urgent first. A child's name is for those who may see them."""
    visitor, now, language = await staff_of(request), now_of(request), language_of(request)
    number = page_number(request)
    tasks, many = await own_tasks(visitor, number, now)
    turns = await turns_of(tasks, now)
    # A person who was told as a deputy may be none any more.
    tasks = [task for task in tasks if visitor.person_id in turns[task.id]]
    children = {task.child_id for task in tasks}
    seen = list(await children_for(request, Action.CHILD_SEE, among=children)) if children else []
    names = {person.id: person.name for person in await Person.filter(id__in=seen)}
    context: dict[str, Any] = {
        "lines": [
            {
                "id": task.id,
                "word": gettext(language, WORDS[Kind(task.kind)]),
                "name": names.get(task.child_id, ""),
                "until": until(Kind(task.kind), task.due_at, zone=task.zone),
                "is_over": task.slice().is_over(now),
            }
            for task in tasks
        ],
        "number": number,
        "pages": parts(many, AT_ONCE),
        "now": now,
    }
    return page(request, "tasks/own.html", context)


async def change_digest(request: Request) -> Response:
    """Change when the message of the day comes."""
    visitor = await staff_of(request)
    text = entered(await form_body(request), "digest_at")
    person = await Person.get(id=visitor.person_id)
    try:
        await set_digest(visitor, person, _time(text), now_of(request))
    except Refused as fault:
        return await settings_page(request, visitor, typed={"digest_at": text}, fault=fault)
    return RedirectResponse("/desk/settings?saved=digest", status_code=303)


def _time(text: str) -> time | None:
    try:
        chosen = time.fromisoformat(text) if text else None
    except ValueError:
        chosen = None
    if text and (chosen is None or chosen.tzinfo is not None):
        raise Refused(N_("Enter a time such as 08:00."), field="digest_at")
    return chosen.replace(second=0, microsecond=0) if chosen is not None else None


routes = [
    Route(LIST, show, methods=["GET"]),
    Route("/desk/settings/digest", change_digest, methods=["POST"]),
]
