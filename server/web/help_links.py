"""Which section of a guide the link "Help" of a desk page leads to.

Each role reads its own guide (desk/help/guide.py). A row says the sections for the pages whose
path begins so, and the first row that fits counts; "*" is one part of a path. A role without a
section in a row hardly gets there, and begins where its guide says what it may do.
"""

import re
from functools import cache
from typing import Final

HELP: Final = "/desk/help"

# Guardians have no guide of their own: what they may do is what a caseworker does, and less.
GUIDE_OF: Final = {
    "caseworker": "caseworker",
    "supervisor": "supervisor",
    "guardian": "caseworker",
    "carer": "carer",
    "advocate": "advocate",
    "administrator": "administrator",
    "oversight": "oversight",
}
BEGINNING: Final = {
    "caseworker": "each-day",
    "supervisor": "what-you-may-do",
    "carer": "where-you-sign-in",
    "advocate": "what-you-are-there-for",
    "administrator": "roles",
    "oversight": "what-you-see",
}
_COLUMNS: Final = ("caseworker", "supervisor", "carer", "administrator", "advocate", "oversight")

_REACH = "how-we-reach-you"
_NEW, _DAILY = ("a-new-child", "what-you-may-do"), ("each-day", "what-you-may-do")
_GONE = ("a-child-is-missing", "in-a-search")
_BACK = (*_GONE, "when-a-child-comes-back")
_BROKEN = ("a-child-who-is-not-assigned-to-you", "a-page-was-opened-in-an-emergency")
_RETURN = ("a-child-is-back", "in-a-search")
_CARED = "where-you-sign-in"
_SIGN_IN = "how-you-sign-in"
_ADVOCATE = "what-you-are-there-for"
SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    # The path, and the sections for caseworkers, supervisors, carers, administrators, advocates,
    # oversight.
    ("/desk/", (*_DAILY, _CARED, "roles", _ADVOCATE, "what-you-see")),
    ("/desk/again", ("the-first-day", _REACH, _REACH, _REACH, _REACH, _SIGN_IN)),
    ("/desk/admin", ("a-new-child", "what-you-may-do", "", "the-first-day")),
    ("/desk/areas", ("", "", "", "", "", "what-you-see")),
    ("/desk/alerts", ("an-alert", "in-an-alert")),
    ("/desk/away", (*_DAILY, _CARED, "roles", "what-you-see-and-what-you-do-not")),
    ("/desk/approvals", ("endings", "the-policy")),
    ("/desk/children/new", ("a-new-child", "what-you-may-do", "", "the-first-day")),
    ("/desk/children/*/absences", _DAILY),
    ("/desk/children/*/account", _GONE),
    ("/desk/children/*/advocacy", ("", "", "", "", _ADVOCATE)),
    ("/desk/children/*/advocate", _NEW),
    ("/desk/children/*/birthday", _NEW),
    ("/desk/children/*/calendar", _DAILY),
    ("/desk/children/*/check-in", (*_DAILY, _CARED)),
    ("/desk/children/*/devices", ("endings", "what-you-may-do")),
    ("/desk/children/*/emergency", _BROKEN),
    ("/desk/children/*/flags", _DAILY),
    ("/desk/children/*/found", _BACK),
    ("/desk/children/*/home", _NEW),
    ("/desk/children/*/invite", _NEW),
    ("/desk/children/*/looks", _DAILY),
    ("/desk/children/*/missing", (*_GONE, _CARED, "", "if-you-are-worried")),
    ("/desk/children/*/names", _NEW),
    ("/desk/children/*/observation", (*_DAILY, _CARED)),
    ("/desk/children/*/pack", (*_NEW, _CARED)),
    ("/desk/children/*/pauses", _DAILY),
    ("/desk/children/*/placement", ("endings", "what-you-may-do")),
    ("/desk/children/*/paper", (*_DAILY, _CARED, "", "messages")),
    ("/desk/children/*/people", _NEW),
    ("/desk/children/*/plan", _DAILY),
    ("/desk/children/*/project", (*_DAILY, _CARED, "", "messages")),
    ("/desk/children/*/quarantine", _DAILY),
    ("/desk/children/*/questions", _DAILY),
    ("/desk/children/*/rhythm", _NEW),
    ("/desk/children/*/safety", _DAILY),
    ("/desk/children/*/season", _DAILY),
    ("/desk/children/*/school", _DAILY),
    ("/desk/children/*/sighting", (*_DAILY, _CARED, "", "if-you-are-worried")),
    ("/desk/children/*/sign", _NEW),
    ("/desk/children/*/tier", _NEW),
    ("/desk/children/*/ties", (*_NEW, "", "the-first-day")),
    ("/desk/children/*/transfer", ("endings", "transfers")),
    ("/desk/children/*/trusted", ("each-day", "people-the-child-named")),
    ("/desk/children/*/turns", _DAILY),
    ("/desk/children/*/witnesses", _DAILY),
    ("/desk/children/*/why", ("an-alert", "in-an-alert")),
    ("/desk/children/*/without-app", _NEW),
    ("/desk/children/*", _DAILY),
    ("/desk/children", ("find-a-child", "find-a-child", _CARED, "roles", _ADVOCATE)),
    ("/desk/drills", ("", "drills", "", "rota-and-drills")),
    ("/desk/dues", (*_DAILY, "", "", _ADVOCATE)),
    ("/desk/duty", ("the-first-day", "the-rota", "", "rota-and-drills")),
    ("/desk/episodes/*/found", _BACK),
    ("/desk/episodes/*/interview", _RETURN),
    ("/desk/episodes/*/summary", _RETURN),
    ("/desk/episodes", _GONE),
    ("/desk/find", ("find-a-child", "find-a-child", _CARED, "roles", _ADVOCATE)),
    ("/desk/filter", (*_DAILY, _CARED, "roles", _ADVOCATE)),
    ("/desk/front", ("a-new-child", "what-you-may-do", "the-front-desk", "roles", _ADVOCATE)),
    ("/desk/glass", _BROKEN),
    ("/desk/handovers", _GONE),
    ("/desk/homes", ("roll-calls", "roll-calls", "roll-call")),
    ("/desk/indicators", ("", "the-policy", "", "templates-figures")),
    ("/desk/live", (*_DAILY, _CARED, "roles", _ADVOCATE)),
    ("/desk/me", ("the-first-day", _REACH, _REACH, _REACH, _REACH, _SIGN_IN)),
    ("/desk/load", ("", "workload")),
    ("/desk/patterns", (*_GONE, "what-you-see-and-what-you-do-not", "roles", _ADVOCATE)),
    ("/desk/people/accounts", ("", "", "", "sign-in")),
    ("/desk/people/agency", ("", "", "", "the-first-day")),
    ("/desk/people/channels", ("", "", "", "channels")),
    ("/desk/people/children/import", ("", "", "", "children-from-a-list")),
    ("/desk/people/children/*/looks", ("", "", "", "who-looked")),
    ("/desk/people/children", ("", "", "", "the-first-day")),
    ("/desk/people/homes/*/roll-call", ("", "roll-calls", "", "roll-calls")),
    ("/desk/people/homes", ("", "", "", "the-first-day")),
    ("/desk/people/new", ("", "", "", "the-first-day")),
    ("/desk/people/last-resort", ("", "what-you-may-do", "", "the-first-day")),
    ("/desk/people/second-keys", ("", "", "", "sign-in")),
    ("/desk/people/*/leaving", ("", "", "", "a-person-leaves")),
    ("/desk/people/*", ("", "", "", "sign-in")),
    ("/desk/people", ("", "", "", "the-first-day")),
    ("/desk/policies", ("each-day", "the-policy")),
    ("/desk/quality", ("each-day", "the-policy")),
    ("/desk/reports", ("each-day", "the-policy", "", "templates-figures")),
    ("/desk/roll-calls", ("", "roll-calls")),
    ("/desk/texts", _DAILY),
    ("/desk/rota", ("the-first-day", "the-rota", "", "rota-and-drills")),
    ("/desk/rounds", (*_DAILY, _CARED, "roles", _ADVOCATE)),
    ("/desk/searches", (*_RETURN, _CARED, "roles", _ADVOCATE)),
    ("/desk/settings", ("the-first-day", _REACH, _REACH, _REACH, _REACH, _SIGN_IN)),
    ("/desk/templates", ("", "what-you-may-do", "", "templates-figures")),
    ("/desk/witnesses", _DAILY),
    ("/desk/tasks", (*_DAILY, _CARED, "roles", "how-we-reach-you")),
    ("/desk/test", ("the-first-day", "drills", _REACH, "rota-and-drills", _REACH)),
    ("/desk/transfers", ("a-new-child", "transfers")),
)


def help_link(path: str, role: str) -> str:
    """Where "Help" on this page leads a person of this role in the agency."""
    guide = GUIDE_OF[role]
    row = section_row(path)
    return f"{HELP}#{row.get(guide) or BEGINNING[guide]}" if row is not None else HELP


def section_row(path: str) -> dict[str, str] | None:
    """The sections for this page by guide, or None where the table does not know the page."""
    rows = (row for row, begins in _rows() if begins.match(path))
    return next(rows, None)


@cache
def _rows() -> tuple[tuple[dict[str, str], re.Pattern[str]], ...]:
    return tuple(
        # Not zip(strict): a short row says nothing of the last roles.
        (dict(zip(_COLUMNS, sections, strict=False)), _pattern(path))
        for path, sections in SECTIONS
    )


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\*", "[^/]+") + r"(?![\w-])")
