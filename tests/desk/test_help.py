"""The Help of the desk: its guides in every language, and the way there from every page."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from server.app import routes
from server.auth.rules import is_open_without_key
from server.desk.help import guide as guides
from server.desk.help.guide import GUIDES
from server.i18n import LANGUAGES, LOCALE_FOLDER, gettext
from server.people.actions import set_language
from server.web.help_links import BEGINNING, GUIDE_OF, HELP, SECTIONS, help_link, section_row
from tests.advocates.made import advocate
from tests.areas.made import oversight
from tests.cast import Cast
from tests.test_access import EXPECTED, IN, by_oversight, described
from tests.test_docs import NOT_PLAIN

ROOT = Path(__file__).resolve().parents[2]
# One of the cast for each role that has a guide.
READERS = {
    "caseworker": "tom",
    "supervisor": "ines",
    "carer": "sam",
    "advocate": "ruth",
    "administrator": "root",
    "oversight": "vera",
}
PAGES = [
    route.removeprefix("GET ")
    for route in described(routes())
    if route.startswith("GET /desk/") and HELP not in route
]
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def path_of(page: str) -> str:
    """The page with something in it for each variable part."""
    return re.sub(r"{\w+}", "0b9e4f3a-6a55-4c34-9a3e-0c7f31f8f3a1", page)


# --- what is written


def msgids() -> set[str]:
    po = LOCALE_FOLDER / "fr" / "LC_MESSAGES" / "waymark.po"
    with po.open("rb") as file:
        messages = read_po(file, locale="fr")
    # What the desk shows; the phone has words of its own.
    return {
        str(message.id)
        for message in messages
        if any(place.startswith("server/") for place, _ in message.locations)
    }


@pytest.mark.parametrize("name", GUIDES)
def test_every_bold_word_of_a_guide_is_a_label_of_the_desk(name: str) -> None:
    assert {label for _, label in guides.labels(name, "en")} - msgids() == set()


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", GUIDES)
def test_each_section_names_the_labels_as_the_screens_of_that_language_do(
    name: str, language: str
) -> None:
    wanted = Counter(
        (anchor, gettext(language, label)) for anchor, label in guides.labels(name, "en")
    )
    assert Counter(guides.labels(name, language)) == wanted


def shape(text: str) -> list[str]:
    """What each line is: a heading, a row, a step, a point or words; and the links in order."""
    kinds = re.findall(r"^(?:#+|\||\d+\.|-|>) ", text, re.MULTILINE)
    return [*kinds, *re.findall(r"\]\(([^)]+)\)", text)]


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_says_as_much_in_every_language(name: str, language: str) -> None:
    assert shape(guides.source(name, language)) == shape(guides.source(name, "en"))


@pytest.mark.parametrize("name", GUIDES)
def test_anchors_are_those_of_the_english_headings_in_every_language(name: str) -> None:
    assert len(set(guides.anchors(name))) == len(guides.anchors(name)) > 0
    for language in LANGUAGES:
        made = guides.guide(name, language)
        ids = re.findall(r'<h2 id="([^"]+)">', made.body)
        assert tuple(ids) == guides.anchors(name)
        assert [section.anchor for section in made.sections] == ids


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", GUIDES)
def test_every_link_of_a_guide_leads_to_a_section_of_the_help(name: str, language: str) -> None:
    links = re.findall(r'<a href="([^"]+)"', guides.guide(name, language).body)
    for link in links:
        path, _, anchor = link.partition("#")
        other = path.removeprefix(f"{HELP}/")
        assert other in GUIDES
        assert not anchor or anchor in guides.anchors(other)


@pytest.mark.parametrize("name", GUIDES)
def test_the_words_of_a_guide_are_those_of_its_language(name: str) -> None:
    french, arabic = guides.source(name, "fr"), guides.source(name, "ar")
    assert "'" not in french
    assert not re.search(r" [?!:;»]|« ", french), "no line may begin with a mark"
    assert "—" not in french + arabic
    assert not re.search(r"\b(tu|te|ton|ta|tes|toi)\b", french, re.IGNORECASE)
    assert not NOT_PLAIN.search(guides.source(name, "en"))
    assert not re.search(r"\w[,;?]", re.sub(r"`[^`]+`|\d,\d", "", arabic)), "Arabic has its own"


def test_markup_in_a_guide_is_shown_as_text_and_leads_nowhere() -> None:
    made = guides.html(
        "<script>alert(1)</script> & <b>x</b>\n\n<div onclick=x>y</div>\n\n"
        "[a](javascript:alert) [b](https://example.org) [c](carer.md#the-question) **d**"
    )
    assert not re.search(r"<(script|b|div)\b", made)
    assert "&lt;script&gt;" in made
    assert re.findall(r'href="([^"]*)"', made) == [f"{HELP}/carer#the-question"]
    assert "<strong>d</strong>" in made


def test_the_guides_go_along_with_an_installed_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [line] = re.findall(r'^"\*" = \[(.*)\]$', project, re.MULTILINE)
    assert '"guides/**"' in line
    for language in LANGUAGES:
        assert {file.stem for file in (guides.FOLDER / language).iterdir()} == set(GUIDES)


# --- the way there


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_desk_leads_each_role_to_a_section_of_its_guide(page: str) -> None:
    row = section_row(path_of(page))
    assert row is not None, "say in SECTIONS which section this page leads to"
    for role, guide in GUIDE_OF.items():
        path, _, anchor = help_link(path_of(page), role).partition("#")
        assert path == HELP
        assert anchor in guides.anchors(guide)


@pytest.mark.parametrize("page", PAGES)
def test_a_role_that_may_open_a_page_has_a_help_section_chosen_for_it(page: str) -> None:
    row = section_row(path_of(page)) or {}
    unsaid = [
        role for role, name in READERS.items() if _got(page, name) == IN and not row.get(role)
    ]
    assert unsaid == []


def _got(page: str, name: str) -> int:
    route = f"GET {page}"
    return by_oversight(route) if name == READERS["oversight"] else EXPECTED[route](name)


def test_every_row_of_the_table_is_the_first_for_some_page() -> None:
    used = {id(section_row(path_of(page))) for page in PAGES}
    assert len(used) == len(SECTIONS)


def test_a_path_that_is_no_page_leads_to_the_beginning_of_the_help() -> None:
    assert help_link("/desk/nowhere", "carer") == HELP
    assert help_link("/desk/rotation", "supervisor") == HELP
    assert help_link("/", "administrator") == HELP


def test_each_guide_begins_where_it_says() -> None:
    assert {guide for guide, anchor in BEGINNING.items() if anchor in guides.anchors(guide)} == {
        *GUIDES
    }


def test_the_help_is_open_before_a_second_key_is_set_up() -> None:
    assert is_open_without_key(HELP)
    assert is_open_without_key(f"{HELP}/caseworker")


# --- the pages


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", READERS)
async def test_help_opens_the_guide_of_ones_own_role_in_ones_own_language(
    cast: Cast, role: str, language: str
) -> None:
    name = READERS[role]
    await advocate(cast)
    await oversight(cast)
    await set_language(cast.actor(name), cast.persons[name].id, language, cast.clock())
    async with cast.client_as(name) as browser:
        shown = await browser.get(HELP)
    made = guides.guide(role, language)
    assert shown.status_code == 200
    assert f"<h1>{made.title}</h1>" in shown.text
    assert made.body in shown.text
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in shown.text
    for section in made.sections:
        assert f'<a href="#{section.anchor}">' in shown.text
    for other in GUIDES:
        assert (f'href="{HELP}/{other}"' in shown.text) is (other != role)


async def test_a_guardian_reads_the_guide_of_caseworkers(cast: Cast) -> None:
    async with cast.client_as("ada") as browser:
        shown = await browser.get(HELP)
    assert guides.guide("caseworker", cast.ada.language).body in shown.text


async def test_all_guides_are_open_to_everyone_at_the_desk_and_no_other_file_is(
    cast: Cast,
) -> None:
    async with cast.client_as("sam") as browser:
        for name in GUIDES:
            assert (await browser.get(f"{HELP}/{name}")).status_code == 200
        for name in ("operate", "caseworker.md", "..%2fcaseworker", "en", "CARER"):
            assert (await browser.get(f"{HELP}/{name}")).status_code == 404


async def test_the_head_of_a_page_leads_to_its_section(cast: Cast) -> None:
    for name, path, anchor in (
        ("tom", "/desk/", "each-day"),
        ("tom", "/desk/settings", "the-first-day"),
        ("ines", "/desk/rota", "the-rota"),
        ("sam", "/desk/front", "the-front-desk"),
        ("root", "/desk/people/channels", "channels"),
    ):
        async with cast.client_as(name) as browser:
            shown = (await browser.get(path)).text
        assert f'<a href="{HELP}#{anchor}" rel="help">' in shown


async def test_the_page_of_the_help_says_that_one_is_there(cast: Cast) -> None:
    async with cast.client_as("tom") as browser:
        shown = (await browser.get(f"{HELP}/supervisor")).text
    assert f'<a href="{HELP}" rel="help" aria-current="page">' in shown
