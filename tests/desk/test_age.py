"""A page whose numbers come from a copy of the database says as of when they are."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.storage import replica
from server.web.rendering import page
from tests.cast import Cast


async def test_a_page_says_as_of_when_its_oldest_numbers_are(cast: Cast) -> None:
    now = cast.clock()

    async def old(request: Request) -> Response:
        of_request = replica.age.get()
        assert of_request is not None
        for seconds in map(int, request.query_params.getlist("behind")):
            of_request.add(now - timedelta(seconds=seconds))
        words = {"title": "", "detail": "", "see": None, "status": 200, "request_id": ""}
        return page(request, "error.html", words)

    cast.app.router.routes.insert(0, Route("/desk/old", old))
    async with cast.browser_as("ines") as ines:
        assert "As of" not in (await ines.get("/desk/old")).text
        text = (await ines.get("/desk/old?behind=3&behind=7&behind=5")).text
    # Noon in UTC, as read in Paris or Lisbon.
    assert ":59:53. What was entered since is not counted yet." in text
