"""Which request is a look at what is written about a child, and at which thing.

One table of every GET that is about a child (`tests/people/test_access_table.py` checks it: a route
that is in none of the three fails there). A write that shows something, as a form that was refused
does, is a look at the page above its path. `child_for` leaves the entry of a route in `LOOKS`. A
page in `OWN` leaves its own, since it knows better what it showed. One in `NO_LOOK` leaves none,
and says why. The child reads one line for each person, thing and hour.
"""

from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import HTTPConnection

# One line for each person and thing in this time, however often a page refreshes itself.
ONE_LOOK = timedelta(hours=1)

PROJECT, TALK = "look:project:see", "look:talk:see"
_API, _DESK = "/api/v1/children/{child_id}", "/desk/children/{child_id}"
_EPISODE = f"{_API}/episodes/{{episode_id}}"

LOOKS: Mapping[str, str] = {
    f"{_API}/project": PROJECT,
    f"{_API}/project/history": "look:project:history",
    f"{_API}/project.pdf": "look:project:paper",
    f"{_API}/project/wall": "look:project:paper",
    f"{_DESK}/paper": "look:project:paper",
    f"{_API}/project/whole": "look:project:file",
    f"{_API}/quarantine": "look:quarantine:see",
    f"{_DESK}/quarantine": "look:quarantine:see",
    f"{_API}/check-ins": "look:history:see",
    f"{_API}/watch": "look:watch:see",
    f"{_API}/milestones": "look:rhythm:see",
    f"{_API}/rhythm/proposals": "look:rhythm:see",
    f"{_API}/hours": "look:rhythm:see",
    f"{_API}/absences": "look:pause:see",
    f"{_API}/dues": "look:dues:see",
    f"{_API}/devices": "look:devices:see",
    f"{_DESK}/devices": "look:devices:see",
    f"{_API}/ties": "look:ties:see",
    f"{_DESK}/ties": "look:ties:see",
    f"{_API}/looks": "look:looks:see",
    f"{_DESK}/looks": "look:looks:see",
    "/desk/glass/{glass_id}": "look:looks:see",
    f"{_API}/episodes": "look:episode:see",
    _EPISODE: "look:episode:see",
    f"{_EPISODE}/handovers": "look:episode:see",
    f"{_EPISODE}/interview": "look:interview:see",
    f"{_API}/return-reasons": "look:interview:see",
    "/desk/episodes/{episode_id}/interview": "look:interview:see",
    "/desk/episodes/{episode_id}/interview/{group}": "look:interview:see",
    "/api/v1/alerts/{alert_id}": "look:alert:see",
    "/api/v1/approvals/{approval_id}": "look:approval:see",
    "/desk/approvals/{approval_id}": "look:approval:see",
    f"{_DESK}/plan": PROJECT,
    f"{_DESK}/people": "look:ties:see",
    f"{_DESK}/safety": "look:observation:see",
    f"{_DESK}/rhythm": "look:rhythm:see",
    f"{_DESK}/tier": "look:tier:set",
    f"{_DESK}/why": "look:alert:explain",
    f"{_DESK}/questions": "look:record:answer",
    f"{_DESK}/questions/{{record_question_id}}": "look:record:answer",
    f"{_DESK}/season": "look:rhythm:see",
    f"{_DESK}/school": "look:rhythm:see",
    f"{_DESK}/calendar": "look:rhythm:see",
    f"{_DESK}/pauses": "look:pause:see",
    f"{_DESK}/absences/{{absence_id}}": "look:pause:see",
    f"{_API}/flags": "look:flag:see",
    f"{_DESK}/flags": "look:flag:see",
    f"{_DESK}/flags/{{flag_id}}": "look:flag:see",
    f"{_DESK}/placement": "look:placement:change",
    f"{_DESK}/home": "look:placement:change",
    f"{_DESK}/birthday": "look:placement:change",
    f"{_DESK}/names": "look:placement:change",
    f"{_DESK}/advocate": "look:ties:see",
    f"{_DESK}/advocacy": "look:advocacy:see",
    f"{_DESK}/trusted": "look:trusted:see",
    f"{_DESK}/witnesses": "look:witness:see",
    f"{_DESK}/without-app": "look:without_app:see",
    f"{_DESK}/without-app/card": "look:without_app:see",
    f"{_DESK}/without-app/links/{{link_id}}": "look:without_app:see",
}

_PACK = "by the seal of the pack, with the reason that was given"
OWN: Mapping[str, str] = {
    f"{_API}/observations": "look:observation:see",
    f"{_API}/pack": _PACK,
    f"{_API}/pack.pdf": _PACK,
    f"{_API}/pack.txt": _PACK,
    f"{_API}/pack/photos": _PACK,
    f"{_API}/pack/photos/{{photo_id}}": _PACK,
    f"{_DESK}/pack": _PACK,
    f"{_DESK}/pack/versions": _PACK,
    f"{_DESK}/pack/group/{{group}}": _PACK,
    f"{_DESK}/pack/photos": _PACK,
    _DESK: "look:history:see",
    f"{_DESK}/emergency": "as every look by a broken glass: look:child:see",
    f"{_DESK}/account": "look:account:see",
    f"{_DESK}/sign": "look:sign:agree",
    "/api/v1/alerts": "look:alert:see",
    "/api/v1/patterns": "look:episode:see",
    "/desk/patterns": "look:episode:see",
    "/desk/alerts/{alert_id}": "look:alert:see",
    "/desk/alerts/{alert_id}/numbers": "look:alert:numbers",
    "/desk/alerts/{alert_id}/sealed": "look:sign:agree",
    "/desk/alerts/{alert_id}/together": "look:alert:see",
    "/desk/rounds": "look:history:see",
    "/desk/searches": "look:episode:see",
    "/desk/episodes/{episode_id}": "look:episode:see",
    "/desk/episodes/{episode_id}/enter/{act}": "look:episode:see",
    "/desk/episodes/{episode_id}/summary": "look:episode:see",
    "/desk/episodes/{episode_id}/summary.pdf": "look:episode:see",
    "/desk/handovers/{passing_id}": "look:episode:see",
    "/api/v1/transfers/{transfer_id}/package": "look:package",
    "/desk/transfers/{transfer_id}/package": "look:package",
    "/desk/transfers/{transfer_id}/package.json": "look:package",
}

_LIST = (
    "a list of many children: a name, and whether somebody has to act. Whoever is on duty without a"
    " tie leaves one entry an hour at each child of it"
)
_FORM = "a form: the name of the child and what is asked, nothing that is written about them"
_OWN = "the child's own, in their own session"
_LINK = "by a signed link, which shows what its reader is asked and no more"
_LEADS = "it shows nothing, and leads on to a page that leaves its own"
NO_LOOK: Mapping[str, str] = {
    "/api/v1/children": _LIST,
    "/api/v1/dues": _LIST,
    "/api/v1/packs": _LIST,
    "/api/v1/transfers": _LIST,
    "/api/v1/transfers/{transfer_id}": "who gives and who takes: nothing of what is written",
    "/desk/": _LIST,
    "/desk/live": _LIST,
    "/desk/away": _LIST,
    "/desk/duty": _LIST,
    "/desk/glass": "a form, and the names of the children whose page the reader has opened by it",
    "/desk/front": _LIST,
    "/desk/find": _LIST,
    "/desk/homes/{home_id}/roll-call": _LIST,
    "/desk/homes/{home_id}/roll-call/list": _LIST,
    "/desk/homes/{home_id}/roll-call/{child_id}/missing": _FORM,
    "/desk/witnesses/{witness_id}": _LIST,
    "/desk/witnesses/{witness_id}/days": _LIST,
    "/desk/children": _LIST,
    "/desk/tasks": "the reader's own tasks, with the name of the child: as a list of many children",
    "/desk/transfers": _LIST,
    "/desk/transfers/{transfer_id}": "who gives and who takes: nothing of what is written",
    "/desk/people/children": _LIST,
    "/desk/people/children/{child_id}/looks": "who looked, without what they saw",
    "/desk/people/{person_id}/leaving": _LIST,
    "/desk/people/children/import/{intake_id}": "a list that somebody has just handed in",
    f"{_API}/project/live": "it says that something changed, never what",
    f"{_API}/project/templates": "what the agency offers to everybody",
    "/api/v1/project/templates": _OWN,
    "/api/v1/project": _OWN,
    "/api/v1/project.pdf": _OWN,
    "/api/v1/project/wall": _OWN,
    "/api/v1/project/whole": _OWN,
    "/api/v1/project/history": _OWN,
    "/api/v1/project/live": _OWN,
    "/api/v1/check-ins": _OWN,
    "/api/v1/milestones": _OWN,
    "/api/v1/rhythm/proposals": _OWN,
    "/api/v1/absences": _OWN,
    "/api/v1/trusted": _OWN,
    "/api/v1/witnesses": _OWN,
    "/api/v1/advocates": _OWN,
    "/api/v1/looks": _OWN,
    "/api/v1/record-questions": _OWN,
    "/api/v1/talk/read": _OWN,
    "/api/v1/why": _OWN,
    "/api/v1/me": _OWN,
    "/api/v1/me/devices": _OWN,
    "/api/v1/me/help": _OWN,
    "/api/v1/me/hours": _OWN,
    "/c/{token}": _OWN,
    "/front": _OWN,
    "/front/roll-call": _LIST,
    f"{_DESK}/turns": "a part of the child's page, which renews itself; the page leaves the entry",
    f"{_DESK}/project": "the name alone: the project comes by the API, which leaves its own",
    f"{_DESK}/check-in": _FORM,
    f"{_DESK}/sighting": _FORM,
    f"{_DESK}/observation": _FORM,
    f"{_DESK}/missing": _FORM,
    f"{_DESK}/found": _FORM,
    f"{_DESK}/invite": _FORM,
    f"{_DESK}/transfer": _FORM,
    "/desk/episodes/{episode_id}/found": _FORM,
    "/desk/episodes/{episode_id}/mail": _FORM,
    "/desk/episodes/{episode_id}/mail/{paper_id}": "how a mail fared; sending it was the look",
    "/desk/dues/{due_id}": _LEADS,
    "/q/{token}": _LINK,
    "/q/{token}/together": _LINK,
    "/ask/{asked}": _LINK,
    "/list/{list_token}": _LINK,
    "/join/{join_token}": _LINK,
}


# What a write shows that stands under no page of its own; None: a receipt of what was sent.
WRITES: Mapping[str, str | None] = {
    f"{_API}/check-ins": None,
    f"{_API}/observations": None,
    f"{_API}/missing": "look:alert:see",
    f"{_API}/rhythm": "look:watch:see",
    f"{_API}/tier": "look:watch:see",
    f"{_API}/rhythm/preview": "look:rhythm:see",
    f"{_DESK}/seasons/{{season_id}}/end": "look:rhythm:see",
}


def look_of(request: HTTPConnection) -> str | None:
    """What this request looks at, for the record; None where it leaves no entry here."""
    path = getattr(request.scope.get("route"), "path_format", "")
    if request.scope.get("method") == "GET":
        return LOOKS.get(path)
    return WRITES[path] if path in WRITES else _page_above(path)


def _page_above(path: str) -> str | None:
    """The look of the nearest page at or above this path. The child's own page is above all."""
    while path not in ("", _DESK):
        if path in NO_LOOK:
            return None
        if code := LOOKS.get(path) or OWN.get(path):
            return code if code.startswith("look:") else None
        path = path.rpartition("/")[0]
    return None
