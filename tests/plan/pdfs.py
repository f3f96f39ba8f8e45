"""What is on a PDF: its text as three programs read it, its glyphs, and where they stand."""

from __future__ import annotations

import io
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2
from pypdf import PdfReader
from pypdf.generic import ContentStream

from server.plan.paper.life_project import _SOURCE
from server.plan.paper.scripts import paragraphs
from server.plan.paper.typeset import typeset

# The order of a line, and its breaks: no part of what was written.
_UNREAD = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2066\u2067\u2068\u2069"))


def by_pdfium(made: bytes) -> str:
    """Everything that Chrome's program reads on it, line after line."""
    return "\n".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(made))


def by_pypdf(made: bytes) -> str:
    """Everything that pypdf reads on it."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


def by_poppler(made: bytes) -> str:
    """Everything that the programs of most Linux desktops read on it."""
    asked = ["pdftotext", "-enc", "UTF-8", "-", "-"]
    return subprocess.run(asked, input=made, capture_output=True, check=True).stdout.decode()


EXTRACTORS: dict[str, Callable[[bytes], str]] = {"pdfium": by_pdfium, "pypdf": by_pypdf}


# Poppler's programs say where the direction changes, and then put a space or a comma there on the
# wrong side of it: of them words are compared.
_BETWEEN_WORDS = re.compile(r"[\s\u200e\u200f\u202a-\u202e,\u060c]+")


def words_of(text: str) -> list[str]:
    """The words in their order, without commas."""
    compared = unicodedata.normalize("NFKC", text)
    return [word for word in _BETWEEN_WORDS.split(compared) if word]


def details(language: str, summary: list[str]) -> bytes:
    """The page of the details with these lines, and nothing else."""
    names = ("title", "summary", "situation", "plan_b", "importance", "agreements")
    data = {
        "language": language,
        "is_rtl": language == "ar",
        "title": "",
        "wall": None,
        "has_details": True,
        "name": "",
        "words": dict.fromkeys(names, ""),
        "facts": [],
        "summary": [part for line in summary for part in paragraphs(line, language)],
        "situation": [],
        "plan_b": [],
        "areas": [],
        "agreements": [],
        "note": None,
        "footer": "",
    }
    return typeset(_SOURCE, data)


def text_of(made: bytes) -> str:
    """Everything that can be read on it, in one line."""
    return " ".join(by_pdfium(made).split())


def plain(text: str) -> str:
    """A text for comparing: NFKC (presentation forms become letters), no bidi controls, no zero
    width breaks, and one space for every run of white space and line ends."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_UNREAD)).split())


def unspaced(text: str) -> str:
    """A text without white space: a long word may end a line anywhere."""
    return "".join(text.split())


def glyphs(made: bytes) -> list[int]:
    """The number of each glyph on it. 0 is the empty box, by which every font draws what it does
    not have."""
    reader = PdfReader(io.BytesIO(made))
    return [glyph for page in reader.pages for glyph in _glyphs(page, reader)]


def _glyphs(page: Any, reader: PdfReader) -> Iterator[int]:
    fonts = {
        name: font.get_object()["/DescendantFonts"][0].get_object().get("/CIDToGIDMap")
        for name, font in page["/Resources"].get("/Font", {}).items()
    }
    numbers: Any = None
    for operands, operator in ContentStream(page["/Contents"], reader, "bytes").operations:
        if operator == b"Tf":
            numbers = fonts[operands[0]].get_object()
        parts = operands[0] if operator == b"TJ" else operands if operator == b"Tj" else []
        for codes in (part for part in parts if isinstance(part, bytes)):
            for high, low in zip(codes[::2], codes[1::2], strict=True):
                yield _glyph(high << 8 | low, numbers)


def _glyph(code: int, numbers: Any) -> int:
    if numbers == "/Identity":
        return code
    table: bytes = numbers.get_data()
    return int.from_bytes(table[2 * code : 2 * code + 2])


def boxes(made: bytes, page: int = 0) -> list[tuple[str, float, float, float, float]]:
    """Each character with its box (left, bottom, right, top), in points from below."""
    text = pypdfium2.PdfDocument(made)[page].get_textpage()
    found = []
    for place in range(text.count_chars()):
        char = text.get_text_range(place, 1)
        if char.strip():
            found.append((char, *text.get_charbox(place)))
    return found


def beyond(made: bytes, left: float, right: float) -> list[str]:
    """The characters of all pages that stand outside of these sides, in points."""
    count = len(pypdfium2.PdfDocument(made))
    every = [box for page in range(count) for box in boxes(made, page)]
    return [char for char, begin, _, end, _ in every if begin < left or end > right]


def tags(made: bytes) -> list[tuple[str, str]]:
    """What a reader is told of its parts: the role of each, and the words of a picture."""
    return list(_tags(PdfReader(io.BytesIO(made)).root_object["/StructTreeRoot"]))


def _tags(node: Any) -> Iterator[tuple[str, str]]:
    node = node.get_object() if hasattr(node, "get_object") else node
    for each in node if isinstance(node, list) else []:
        yield from _tags(each)
    if isinstance(node, dict):
        if "/S" in node:
            yield str(node["/S"])[1:], str(node.get("/Alt", ""))
        yield from _tags(node.get("/K", []))
