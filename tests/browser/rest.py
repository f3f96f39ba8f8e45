"""The rest of the pages to look at: what is about one child, between people, and the doors."""

from __future__ import annotations

import re

from server.auth.second_factor import factors
from tests import test_access
from tests.advocates.made import advocate
from tests.areas.made import oversight
from tests.browser.further import Pages
from tests.cast import Cast


async def made(cast: Cast, route: str, who: str) -> tuple[str, str]:
    """That route with everything in it that it is about, as this person opens it."""
    path = route
    for name in re.findall(r"{(\w+)}", route):
        path = path.replace(f"{{{name}}}", str(await test_access.MAKERS[name](cast, who, path)))
    return who, path


async def pages(cast: Cast) -> Pages:
    """All of them."""
    await advocate(cast)
    await oversight(cast)
    await factors.begin_app(cast.eve.id, cast.clock())
    mia = "/desk/children/{child_id}"
    routes = {
        "advocate": ("tom", f"{mia}/advocate"),
        "what an advocate sees": ("ruth", f"{mia}/advocacy"),
        "board of an advocate": ("ruth", "/desk/"),
        "counts of an area": ("vera", "/desk/areas"),
        "joining as an advocate": ("tom", "/join/{join_token}"),
        "home of a child": ("tom", f"{mia}/home"),
        "birthday": ("tom", f"{mia}/birthday"),
        "calendar": ("tom", f"{mia}/calendar"),
        "season": ("tom", f"{mia}/season"),
        "school hours": ("tom", f"{mia}/school"),
        "who looked": ("tom", f"{mia}/looks"),
        "what was done, of an administrator": ("root", "/desk/people/children/{child_id}/looks"),
        "placement": ("tom", f"{mia}/placement"),
        "quarantine": ("tom", f"{mia}/quarantine"),
        "questions of the child": ("tom", f"{mia}/questions"),
        "question of the child": ("tom", f"{mia}/questions/{{record_question_id}}"),
        "flags": ("tom", f"{mia}/flags"),
        "flag": ("tom", f"{mia}/flags/{{flag_id}}"),
        "project": ("tom", f"{mia}/project"),
        "project on paper": ("tom", f"{mia}/paper"),
        "approval": ("ines", "/desk/approvals/{approval_id}"),
        "second person": ("ines", "/desk/policies/second-person"),
        "definitions": ("ines", "/desk/policies/definitions"),
        "app with codes": ("eve", "/desk/settings/second-key/app"),
        "help": ("tom", "/desk/help"),
        "roll call": ("sam", "/desk/homes/{home_id}/roll-call"),
        "roll call, only read": ("ines", "/desk/homes/{home_id}/roll-call"),
        "PIN for the front desk": ("sam", "/desk/homes/{home_id}/pin"),
        "list for the night": ("sam", "/desk/homes/{home_id}/roll-call/list"),
        "who works in a home": ("root", "/desk/people/homes/{home_id}/roll-call"),
        "roll calls of all homes": ("ines", "/desk/roll-calls"),
        "budget of false alarms": ("ines", "/desk/policies/budget"),
        "schools and clubs of a child": ("tom", f"{mia}/witnesses"),
        "school": ("tom", "/desk/witnesses/{witness_id}"),
        "days of a school": ("tom", "/desk/witnesses/{witness_id}/days"),
        "report by the home": ("sam", "/desk/homes/{home_id}/roll-call/{child_id}/missing"),
        "list of a school": ("nobody", "/list/{list_token}"),
        "questions together": ("sam", "/q/{token}/together"),
        "sign in": ("nobody", "/"),
        "link to sign in": ("nobody", "/sign-in/link/unknown"),
    }
    return {name: await made(cast, route, who) for name, (who, route) in routes.items()}
