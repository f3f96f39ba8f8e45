"""What may belong together, over the wire."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.reports.patterns_pages import LinkOut, read_links
from server.web.openapi import api
from server.web.responses import json_answer


class PatternsOut(msgspec.Struct):
    """Links to look at, about the children of the visitor: no verdict and no score."""

    links: list[LinkOut]


async def list_(request: Request) -> Response:
    """All of them, those about children first."""
    return json_answer(PatternsOut(await read_links(request)))


routes = [
    api("GET", "/api/v1/patterns", list_, "What may belong together", gives={200: PatternsOut})
]
