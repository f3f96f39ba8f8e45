"""A font inside a PDF, and new codes for its glyphs, so that one glyph can be copied as several
texts."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any

from pypdf.generic import (
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
)

from server.plan.paper.outlines import Outlines

MAPPED = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4,})>")
_MOST_OF_ONE_MAP = 100


class Font:
    """A font of the document. A code has one text and one width: a glyph that needs another text or
    width gets another code."""

    def __init__(self, made: Any) -> None:
        self.made = made
        self.inner = made["/DescendantFonts"][0].get_object()
        self.texts = {
            int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be", "replace")
            for code, text in MAPPED.findall(made["/ToUnicode"].get_data())
        }
        self.widths = dict(_widths(self.inner.get("/W", [])))
        self.added: dict[tuple[int, str, float], int] = {}

    @cached_property
    def is_rtl(self) -> bool:
        """Whether any of it is read from right to left."""
        chars = chain.from_iterable(self.texts.values())
        return any(unicodedata.bidirectional(char) in ("R", "AL") for char in chars)

    @cached_property
    def outlines(self) -> Outlines:
        assert self.inner["/CIDToGIDMap"] == "/Identity", "a TrueType font, whose codes are glyphs"
        descriptor = self.inner["/FontDescriptor"].get_object()
        return Outlines(descriptor["/FontFile2"].get_object().get_data())

    def code(self, glyph: int, text: str, width: float) -> int:
        """A code that draws this glyph, reads as this text and has this width."""
        if self.texts.get(glyph) == text and self.widths.get(glyph, 0.0) == width:
            return glyph
        return self.added.setdefault((glyph, text, width), self.outlines.count + len(self.added))

    def extended(self, number: int) -> dict[int, PdfObject]:
        """The objects that changed with the new codes, by their number; `number` is free."""
        glyphs = [*range(self.outlines.count), *(glyph for glyph, *_ in self.added)]
        numbers = StreamObject()
        numbers.set_data(b"".join(glyph.to_bytes(2) for glyph in glyphs))
        self.inner[NameObject("/CIDToGIDMap")] = IndirectObject(number, 0, None)
        lines = []
        for (_, text, width), code in self.added.items():
            self.inner["/W"].extend([NumberObject(code), NumberObject(code), FloatObject(width)])
            lines.append(b"<%04x> <%s>\n" % (code, text.encode("utf-16-be").hex().encode()))
        old = self.made["/ToUnicode"].get_data()
        return {
            number: numbers.flate_encode(),
            self.made["/DescendantFonts"][0].idnum: self.inner,
            self.made.raw_get("/ToUnicode").idnum: stream(
                old.replace(b"endcmap", _maps(lines) + b"endcmap", 1)
            ),
        }


def _widths(entries: Any) -> Iterator[tuple[int, float]]:
    at = 0
    while at < len(entries):
        first, after = int(entries[at]), entries[at + 1]
        if isinstance(after, list):
            yield from ((first + number, float(width)) for number, width in enumerate(after))
            at += 2
        else:
            width = float(entries[at + 2])
            yield from ((code, width) for code in range(first, int(after) + 1))
            at += 3


def _maps(lines: list[bytes]) -> bytes:
    parts = [lines[at : at + _MOST_OF_ONE_MAP] for at in range(0, len(lines), _MOST_OF_ONE_MAP)]
    return b"".join(
        b"%d beginbfchar\n%sendbfchar\n" % (len(part), b"".join(part)) for part in parts
    )


def stream(data: bytes) -> StreamObject:
    """The data as a compressed object of a PDF."""
    plain = StreamObject()
    plain.set_data(data)
    return plain.flate_encode()
