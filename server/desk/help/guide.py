"""The guides of the desk's Help: Markdown in `guides`, one folder a language, as parts of a page.

A section has the same anchor in every language, made from its English heading, so that a link into
a guide holds whatever its reader reads. Raw HTML in a guide is shown as text.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

import msgspec
from markupsafe import Markup

from server.web.help_links import HELP

GUIDES: Final = ("caseworker", "supervisor", "carer", "advocate", "administrator", "oversight")
FOLDER: Final = Path(__file__).parent / "guides"

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(rf"({'|'.join(GUIDES)})\.md(#[\w-]+)?")


class Section(msgspec.Struct, frozen=True):
    anchor: str
    title: str


class Guide(msgspec.Struct, frozen=True):
    """One guide in one language: its title, its sections in order, and the rest as HTML."""

    name: str
    title: str
    sections: tuple[Section, ...]
    body: Markup


def source(name: str, language: str) -> str:
    """The guide as it is written."""
    return (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")


@cache
def anchors(name: str) -> tuple[str, ...]:
    """The anchors of a guide's sections, in order."""
    return tuple(_slug(title) for title in _HEADING.findall(source(name, "en")))


@cache
def guide(name: str, language: str) -> Guide:
    """The guide, ready to be shown."""
    text = source(name, language)
    title, _, rest = text.removeprefix("# ").partition("\n")
    titles = zip(anchors(name), _HEADING.findall(rest), strict=True)
    sections = tuple(Section(anchor, title) for anchor, title in titles)
    return Guide(name, title, sections, Markup(html(rest, anchors(name))))  # noqa: S704


def html(text: str, ids: Sequence[str] = ()) -> str:
    """Our Markdown as HTML: the second-level headings get these ids, in order."""
    # Not at the start: most processes show no guide, and these take their time.
    from markdown import Markdown
    from markdown.extensions.tables import TableExtension

    made = Markdown(extensions=[TableExtension()], output_format="html")
    made.preprocessors.deregister("html_block")
    made.inlinePatterns.deregister("html")
    # After "inline" (20), which makes the links.
    made.treeprocessors.register(_Places(ids), "places", 15)
    return str(made.convert(text))


class _Places:
    """Gives headings their anchors, leads links to pages of the Help, lets wide tables scroll."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = ids

    def run(self, root: Element) -> None:
        for id_, heading in zip(self.ids, root.iter("h2"), strict=bool(self.ids)):
            heading.set("id", id_)
        for link in root.iter("a"):
            _lead(link)
        for head in root.iter("th"):
            head.set("scope", "col")


def _lead(link: Element) -> None:
    within = _LINK.fullmatch(link.get("href", ""))
    if within:
        link.set("href", f"{HELP}/{within[1]}{within[2] or ''}")
        return
    # The other documents are not on this server: their names stay as words.
    link.tag, link.attrib = "span", {}


def _slug(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def labels(name: str, language: str) -> Iterator[tuple[str, str]]:
    """Each bold label with the anchor of its section ("" before the first)."""
    begin, *parts = re.split(r"^## .+$", source(name, language), flags=re.MULTILINE)
    for anchor, part in (("", begin), *zip(anchors(name), parts, strict=True)):
        for label in re.findall(r"\*\*(.+?)\*\*", part, re.DOTALL):
            yield anchor, re.sub(r"\n *", " ", label)
