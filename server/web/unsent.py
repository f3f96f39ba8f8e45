"""A form that came after its session had ended: the page that says so still has what was typed."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.errors import Unauthenticated, WaymarkError
from server.web.requests import form_body
from server.web.responses import page_again

# Such a field is typed anew: no page shows it.
_SECRET: Final = frozenset({"password", "old", "code", "pin", "credential"})
_FORM: Final = "application/x-www-form-urlencoded"


class Unsent(msgspec.Struct, frozen=True):
    """What came: each field with its value, and of those the ones a person wrote in words.
    `has_secret`: a code or a password came too, and is left out."""

    fields: list[tuple[str, str]]
    words: list[str]
    has_secret: bool


async def unsent_page(request: Request, fault: Unauthenticated) -> Response | None:
    """The page from which the form can be sent again after signing in; None where it was none of
    the desk's, had a file in it, or little more than a secret."""
    if request.method != "POST" or not request.url.path.startswith("/desk/"):
        return None
    unsent = await _unsent(request)
    if unsent is None:
        return None
    context = {"path": request.url.path, "query": request.url.query, "unsent": unsent}
    return page_again(request, "unsent.html", context, fault)


async def _unsent(request: Request) -> Unsent | None:
    if not request.headers.get("content-type", "").lower().startswith(_FORM):
        return None
    try:
        form = await form_body(request)
    except WaymarkError:
        return None
    came = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    fields = [(name, value) for name, value in came if name not in _SECRET]
    words = [value for _, value in fields if " " in value.strip()]
    has_secret = len(fields) < len(came)
    if has_secret and not words:
        return None
    return Unsent(fields, words, has_secret)
