"""The pages for people say what is: settings, calls, commands, rights, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.__main__ import NOT_YET
from server.app import routes
from server.missing.profile.photos import actions as photos
from server.people.rules import ALLOWED, Action, AgencyAction, Role, may_agency
from server.policy.model import SHIPPED
from server.setting_table import SETTINGS
from server.simulation.events import _DETAILS
from server.web.middleware import BODY_LIMIT, PHOTO_LIMIT
from server.web.openapi import ApiRoute
from tools import docs

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    path
    for folder in ("*.md", "docs/**/*.md", "pwa/*.md", "deploy/*.md")
    for path in ROOT.glob(folder)
    if "node_modules" not in path.parts
)


def _reference(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_the_blocks_are_current():
    assert docs.stale() == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_reference(setting):
    assert f"`{setting.name}`" in docs.body_of(_reference("settings"), "settings")
    assert setting.meaning.endswith(".")


def test_every_call_is_in_the_reference():
    told = set(re.findall(r"`([A-Z]+ /api/v1/\S+)`", docs.body_of(_reference("api"), "routes")))
    described = [route for route in routes() if isinstance(route, ApiRoute)]
    assert told == {f"{one.call.method} {one.path_format}" for one in described}


def test_every_exception_about_who_may_is_a_call():
    assert set(docs.BY_THE_THING) <= {f"{method} {path}" for method, path, _ in docs.calls()}


@pytest.mark.parametrize("name", ["backup", "restore", "person add", "serve", "agency list"])
def test_commands_are_in_the_reference(name):
    assert f"## `waymark {name}`" in docs.body_of(_reference("commands"), "commands")


@pytest.mark.parametrize(("name", "says", "parser"), docs.commands(), ids=lambda it: str(it)[:20])
def test_every_command_and_argument_says_what_it_does(name, says, parser):
    assert says.endswith("."), name
    arguments = docs.arguments_of(parser)
    assert [one.dest for one in arguments if not one.help] == []


def test_every_kind_of_event_is_in_the_reference():
    told = set(re.findall(r"`([a-z_]+)`", re.sub(r"\|[^|]*\|[^|]*\|$", "", _reference("replay"))))
    assert set(_DETAILS) <= told


def test_the_table_of_levels_has_the_grace_that_ships():
    text = (docs.ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    [told] = re.findall(r"\| late after \| (.+) \| (.+) \| (.+) \|", text)
    spans = [span.replace("m", " min").replace("h", " h") for span in _graces()]
    assert list(told) == spans, "docs/concepts.md: as it ships"


def _graces():
    return [SHIPPED[level]["grace"] for level in ("high", "mid", "low")]


def test_a_command_that_is_not_built_is_nowhere():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [name for name in NOT_YET if f"`waymark {name}" in text]


MADE = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_that_is_named_can_be_made(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {one or two for one, two in MADE.findall(page.read_text(encoding="utf-8"))}
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


COMMAND = re.compile(r"(?<!-u )waymark ((?:person|agency) [a-z]+|[a-z]+)(?=[ `\n])")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_block_of_code_names_is_one(page):
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    named = {name for part in code for name in COMMAND.findall(part)}
    known = {name for name, _, _ in docs.commands()}
    assert named - known - {name.partition(" ")[0] for name in known} == set()


@pytest.mark.parametrize(
    ("page", "most"),
    [
        ("README.md", 120),
        ("ARCHITECTURE.md", 220),
        ("CONTRIBUTING.md", 120),
        ("CHANGELOG.md", 400),
        ("docs/concepts.md", 180),
        ("docs/operate.md", 310),
        ("docs/alerts.md", 140),
        ("deploy/README.md", 120),
        ("docs/operate-database.md", 110),
        ("docs/operate-cluster.md", 210),
        ("docs/frontier.md", 190),
        ("docs/guide/caseworker.md", 100),
        ("docs/guide/supervisor.md", 100),
        ("docs/guide/carer.md", 100),
        ("docs/guide/administrator.md", 100),
        ("docs/guide/oversight.md", 100),
    ],
)
def test_a_page_is_short_enough_to_be_read(page, most):
    assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= most


def test_the_first_sentence_of_a_page_says_what_it_answers():
    asked = [
        page for page in PAGES if page.parent in (ROOT / "docs", ROOT / "docs" / "guide", REFERENCE)
    ]
    asked += [ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")]
    silent = [
        page.name
        for page in asked
        if not page.read_text(encoding="utf-8").split("\n\n")[1].startswith("This page ")
    ]
    assert silent == []


NOT_PLAIN = re.compile(r"\b(somebody|whoever|whom|at the most|let go)\b", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_in_plain_words(page):
    """What is printed from the code has the words of the code, and its own guard."""
    text = page.read_text(encoding="utf-8")
    written = re.sub(r"<!-- begin .*?<!-- end ", "", text, flags=re.DOTALL)
    assert NOT_PLAIN.findall(written) == []


# A page that a comment or a docstring sends its reader to.
MENTIONED = re.compile(r"[\w/.-]*\w\.md\b")
CODE = [
    path
    for folder in ("server", "tools", "migrations", "policies", "pwa/src")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".ts", ".tsx", ".css", ".toml", ".html", ".typ")
]


def test_every_page_that_code_mentions_exists():
    named = {
        (name, path.name)
        for path in CODE
        for name in MENTIONED.findall(path.read_text(encoding="utf-8"))
    }
    assert "docs/frontier.md" in {name for name, _ in named}
    assert sorted((name, by) for name, by in named if not (ROOT / name).exists()) == []


# `checkin/fast.py` in a page is server/checkin/fast.py.
WITHIN = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.py)`(?: `(?:([A-Z]\w+)\.)?([a-z]\w+)`)?")


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_what_a_page_names_within_a_room_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, _, function in WITHIN.findall(text):
        file = ROOT / "server" / name
        if (ROOT / name).exists() or not (ROOT / "server" / name.partition("/")[0]).is_dir():
            continue
        assert file.exists(), name
        assert not function or f"def {function}(" in file.read_text(encoding="utf-8"), name


def slug(title: str) -> str:
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    broken = [link for link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert broken == []
    for link in links:
        target, _, anchor = link.partition("#")
        if anchor:
            other = (page.parent / target) if target else page
            titles = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(title) for title in titles}, link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:server|tests|tools|pwa|docs|migrations)/[\w./-]+\.\w+)`", text))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_proxies_that_are_told_let_the_largest_request_through():
    """nginx counts in units of 1,024; a proxy that takes much more would only fill its disk."""
    told = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    (number,) = re.findall(r"client_max_body_size (\d+)m;", told)
    largest = max(BODY_LIMIT, PHOTO_LIMIT)
    assert photos.MOST_BYTES < largest <= int(number) * 1024**2 < largest * 1.2


DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda page: page.stem)
def test_every_decision_says_context_decision_and_consequences(record):
    text = record.read_text(encoding="utf-8")
    assert text.startswith(f"# {record.stem[:4]}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60, "one page"


def test_every_decision_is_in_the_index_once_and_numbers_have_no_gap():
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(([0-9][\w-]+\.md)\)", index) == [record.name for record in RECORDS]
    assert [record.stem[:4] for record in RECORDS] == [f"{n + 1:04}" for n in range(len(RECORDS))]


def test_pictures_are_there_and_light():
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    assert [file.stem for file in pictures] == [
        "alert",
        "desk",
        "phone-ar",
        "phone-dark",
        "phone-en",
    ]
    assert all(file.stat().st_size < 150_000 for file in pictures)


# --- who may what

C, W, S, G, K, A, R, V, X, B = (
    Role.CHILD,
    Role.CASEWORKER,
    Role.SUPERVISOR,
    Role.GUARDIAN,
    Role.CARER,
    Role.ADVOCATE,
    Role.ADMINISTRATOR,
    Role.OVERSIGHT,
    Role.CALLED,
    Role.GLASS,
)
# The table of the contract, as far as this release has what it speaks of: who may, and nobody else.
CONTRACT = {
    Action.CHECK_IN: {C},
    Action.CHECK_IN_FOR: {W, K},
    Action.SIGHTING_NOTE: {W, S, G, K, A, B},
    Action.RHYTHM_PROPOSE: {C, W, S},
    Action.RHYTHM_AGREE: {W, S},
    Action.ABSENCE_ASK: {C},
    Action.PAUSE: {W, S},
    Action.TIER_SET: {W, S},
    Action.RHYTHM_SEE: {C, W, S, G},
    Action.ALERT_SEE: {W, S, G, X, B},
    Action.ALERT_ACKNOWLEDGE: {W, S, X, B},
    Action.ALERT_CLOSE: {W, S, X},
    Action.GLASS_END: {S},
    Action.ALERT_EXPLAIN: {W, S},
    Action.QUESTION_ANSWER: {K},
    Action.EPISODE_OPEN: {W, S, G, K, A, X, B},
    Action.PACK_READ: {W, S, X, B},
    Action.PACK_CHANGE: {W, S},
    Action.PACK_HOME: {K},
    Action.ADVOCACY: {A},
    Action.ADVOCATE_INVITE: {W, S},
    Action.ADVOCATE_KEEP: {C},
    Action.INVITE: {W},
    Action.TIES_CHANGE: {S},
    Action.LOOKS_SEE: {C, W, S, G},
}
CONTRACT_AGENCY = {
    AgencyAction.AREA_SEE: {V},
    AgencyAction.PEOPLE_SEE: {R},
    AgencyAction.PEOPLE_CHANGE: {R},
    AgencyAction.TIES_CHANGE: {R},
    AgencyAction.POLICY_SEE: {W, S},
    AgencyAction.POLICY_CHANGE: {S},
    AgencyAction.GLASS_BREAK: {W, S},
}


@pytest.mark.parametrize("action", CONTRACT, ids=lambda action: action.value)
def test_rights_about_a_child_are_those_that_were_promised(action):
    assert {role for role in Role if action in ALLOWED[role]} == CONTRACT[action]


@pytest.mark.parametrize("action", CONTRACT_AGENCY, ids=lambda action: action.value)
def test_rights_about_the_agency_are_those_that_were_promised(action):
    assert {role for role in Role if may_agency(role, action)} == CONTRACT_AGENCY[action]


def test_the_rights_that_are_printed_are_those_that_are_asked():
    text = _reference("rights")
    printed = {}
    for line in docs.body_of(text, "rights").splitlines():
        first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if first.startswith("`"):
            who = zip(docs.COLUMNS, cells, strict=True)
            printed[first.strip("`")] = {role for role, cell in who if cell == "yes"}
    asked = {action.value: {r for r in Role if action in ALLOWED[r]} for action in Action}
    asked |= {a.value: {r for r in Role if may_agency(r, a)} for a in AgencyAction}
    assert printed == asked


# --- the tool


def test_a_page_without_its_block_is_refused():
    with pytest.raises(ValueError, match="one block settings"):
        docs.filled("nothing here", "settings", "| a |")


def test_what_stands_around_a_block_stays(tmp_path):
    page = "before\n<!-- begin x -->\nold\n<!-- end x -->\nafter\n"
    assert docs.filled(page, "x", "n\\1ew") == page.replace("old", "n\\1ew")


def test_a_bar_in_a_cell_is_no_border():
    assert docs.table(["a"], [["x|y"]]).splitlines()[-1] == r"| x\|y |"


def test_a_guide_copy_a_person_changed_by_hand_is_stale_until_the_tool_writes_it(
    tmp_path, monkeypatch
):
    copy, source = next(iter(docs.COPIES.items()))
    for name, text in ((copy, "# Changed\n"), (source, "# A guide\n")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "PAGES", {})
    monkeypatch.setattr(docs, "COPIES", {copy: source})
    assert docs.stale() == [
        f"{copy}: a copy of {source}, and not current: python -m tools.docs write"
    ]
    docs.write()
    assert docs.stale() == []
    assert (tmp_path / copy).read_text() == "# A guide\n"
