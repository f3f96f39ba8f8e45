"""HTML from Jinja2 templates, in the reader's language, direction and zone.

"base.html" is in server/web/templates; "desk/board.html" is server/desk/templates/board.html, since
every room has a templates folder of its own. In a template:

    {{ _("Next: {time}", time=due_at|time) }}      {{ ngettext("{n} child", "{n} children", n) }}
    {{ due_at|moment }}  {{ since|ago }}           the last needs `now` in the context
    {% set desk = assets("src/desk.ts") %}         desk.script, desk.styles: the phone's build
    {{ static("print.css") }}                      a file of server/web/static

Everything is escaped; a placeholder may be Markup (a link), the sentence around it never is.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from server import i18n
from server.web import static_files
from server.web.help_links import help_link
from server.web.navigation import bar, place_of

SERVER = Path(__file__).parent.parent
UTC_ZONE = ZoneInfo("UTC")


class RoomLoader(BaseLoader):
    """Finds "room/name.html" in the room's own folder and "name.html" in server/web/templates."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Any]:
        """The text of the template, its file, and whether it is still the same."""
        room, _, name = template.rpartition("/")
        file = SERVER / (room or "web") / "templates" / name
        try:
            source = file.read_text(encoding="utf-8")
            changed_at = file.stat().st_mtime
        except OSError as fault:
            raise TemplateNotFound(template) from fault
        return source, str(file), lambda: file.exists() and file.stat().st_mtime == changed_at


def language_of(request: Request) -> str:
    """The reader's language: from their session, else from their browser."""
    chosen = getattr(request.state, "language", None)
    if chosen is not None:
        return i18n.supported_language(chosen)
    return i18n.negotiate(request.headers.get("accept-language"))


def zone_of(request: Request) -> ZoneInfo:
    """The time zone of the reader."""
    zone = getattr(request.state, "zone", None)
    return zone if isinstance(zone, ZoneInfo) else UTC_ZONE


FAULT_PAGE = "error.html"


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The template as an answer. `context` may override `language` and `zone`."""
    if template != FAULT_PAGE:
        # Whatever its status: a form that was refused is shown again.
        request.scope["waymark.shows"] = True
    language = language_of(request)
    variables = {"language": language, "zone": zone_of(request), **(context or {})}
    variables["dir"] = i18n.direction(variables["language"])
    return _templates().TemplateResponse(
        request, template, variables, status_code=status, headers=headers
    )


def render(template: str, context: Mapping[str, Any], language: str) -> str:
    """The template as text, where there is no request: for the body of a mail."""
    variables = {"zone": UTC_ZONE, **context, "language": language}
    variables["dir"] = i18n.direction(language)
    return environment().get_template(template).render(variables)


async def render_in_turns(template: str, context: Mapping[str, Any], language: str) -> Markup:
    """The same for a long part of a page: while it is made, other requests take their turns."""
    variables = {"zone": UTC_ZONE, **context, "language": language}
    variables["dir"] = i18n.direction(language)
    pieces = environment().get_template(template).generate(variables)
    made: list[str] = []
    while some := list(islice(pieces, _PIECES)):
        made += some
        await asyncio.sleep(0)
    return Markup("".join(made))  # noqa: S704


# The pieces of about twenty rows of a board, which take two milliseconds.
_PIECES = 1000


@cache
def environment() -> Environment:
    """The one Jinja environment, with our functions and filters."""
    env = Environment(
        loader=RoomLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        _=_gettext,
        gettext=_gettext,
        ngettext=_ngettext,
        assets=static_files.built,
        static=static_files.url,
        help_link=help_link,
        bar=bar,
        place_of=place_of,
        direction=i18n.direction,
        format_time=i18n.format_time,
        format_seconds=i18n.format_seconds,
        LANGUAGES=i18n.NAMES,
    )
    env.filters.update(
        time=_time, moment=_moment, day=_day, ago=_ago, span=_span, number=_number, iso=_iso
    )
    return env


@cache
def _templates() -> Jinja2Templates:
    return Jinja2Templates(env=environment())


def _language(context: Context) -> str:
    language = context["language"]
    # A template with another value under this name would be in English, without any error.
    assert isinstance(language, str)
    return language


@pass_context
def _gettext(context: Context, msgid: str, **values: Any) -> str | Markup:
    language = _language(context)
    if not any(isinstance(value, Markup) for value in values.values()):
        return i18n.gettext(language, msgid, **values)
    # One value is markup, so the sentence and all others are escaped before they meet it.
    sentence = str(escape(i18n.gettext(language, msgid)))
    escaped = {name: str(escape(value)) for name, value in values.items()}
    return Markup(i18n.fill(language, sentence, escaped))  # noqa: S704


@pass_context
def _ngettext(context: Context, singular: str, many: str, n: int, **values: Any) -> str:
    return i18n.ngettext(_language(context), singular, many, n, **values)


@pass_context
def _time(context: Context, when: datetime) -> str:
    return i18n.format_time(_language(context), when, context["zone"])


@pass_context
def _moment(context: Context, when: datetime) -> str:
    return i18n.format_moment(_language(context), when, context["zone"], context.get("now"))


@pass_context
def _day(context: Context, when: datetime) -> str:
    return i18n.format_day(_language(context), when, context["zone"], context["now"])


@pass_context
def _ago(context: Context, when: datetime) -> str:
    return i18n.format_ago(_language(context), context["now"] - when)


@pass_context
def _span(context: Context, delta: timedelta) -> str:
    return i18n.format_span(_language(context), delta)


@pass_context
def _number(context: Context, number: float) -> str:
    return i18n.format_number(_language(context), number)


def _iso(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")
