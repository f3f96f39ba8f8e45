"""What search, copying and screen readers find in a PDF that Typst made.

Typst draws each line from left to right, and marks each glyph of a cluster as the whole cluster: a
letter with two marks reads as three letters, and a line from right to left reads backwards, in
pieces. This module draws every such line anew, at the same places, in the order in which it is
read. What is left over (a mark, a part of a vowel) is drawn as a shape, which nobody reads; a
character without a glyph of its own is read with its letter from left to right, and is put beside
it, unseen, from right to left.

Programs that read a PDF differ. Those of Chrome sort a line by position and turn text from right to
left themselves; Poppler's do it letter by letter, by the room of each; others read in the order of
the file. One letter at a time, in the order of reading, each where the one before ends, is what all
of them understand.
"""

import io
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

import structlog
from pypdf import PdfReader
from pypdf.generic import (
    DictionaryObject,
    NameObject,
    NumberObject,
    PdfObject,
)

from server.i18n import direction
from server.plan.paper.embedded import MAPPED, Font, stream
from server.plan.paper.runs import Glyph, Run, read_run
from server.plan.paper.shares import GAP, UNREAD, Share, close, shares_of

log = structlog.get_logger(__name__)

# One run of glyphs as Typst writes it: its place, its colour, its text.
_RUN = re.compile(rb"q 1 0 0 -1 (\S+) (\S+) cm([^\n]*)\nBT(.*?)\nET\nQ\n", re.DOTALL)
# What is between two runs of one line.
_BETWEEN = re.compile(rb"(?:EMC)?/Span<</MCID \d+[^\n]*>>BDC\n")
_LANGUAGE = re.compile(rb"/MCID \d+[^\n]*?/Lang\(([\w-]+)\)[^\n]*>>BDC\n$")
_PREVIOUS = re.compile(rb"startxref\s+(\d+)")
# Widths that differ by less (in thousandths of the size) are the same.
_ABOUT = 15


def mend(made: bytes) -> bytes:
    """The same pages with a text layer that can be read. Pages with an unexpected structure stay as
    they are: one that reads badly is better than none."""
    try:
        return _mended(made)
    except Exception:
        log.exception("text layer not mended")
        return made


def _mended(made: bytes) -> bytes:
    reader = PdfReader(io.BytesIO(made))
    root: Any = reader.root_object
    language = str(root.get("/Lang", "en"))
    if direction(language) == "ltr" and not any(map(_needs_it, reader.pages)):
        return made
    # The setting is about the pages of a book; but some programs turn each line of such a document.
    root.get("/ViewerPreferences", {}).pop("/Direction", None)
    changed: dict[int, PdfObject] = {reader.trailer.raw_get("/Root").idnum: root}
    font_by_number: dict[int, Font] = {}
    for page in reader.pages:
        fonts = _fonts(page, font_by_number)
        content: Any = page["/Contents"].get_object()
        lines = b"".join(_lines(content.get_data(), fonts, language))
        changed[page.raw_get("/Contents").idnum] = stream(lines)
    size = int(cast(int, reader.trailer["/Size"]))
    for number, font in enumerate((font for font in font_by_number.values() if font.added), size):
        changed |= font.extended(number)
    return _appended(made, changed, reader)


def _fonts(page: Any, font_by_number: dict[int, Font]) -> dict[str, Font]:
    """The fonts of a page by their names there; those of earlier pages are known."""
    fonts = {}
    for name, font in page["/Resources"].get("/Font", {}).items():
        if font.idnum not in font_by_number:
            font_by_number[font.idnum] = Font(font.get_object())
        fonts[name[1:]] = font_by_number[font.idnum]
    return fonts


def _appended(made: bytes, changed: dict[int, PdfObject], reader: PdfReader) -> bytes:
    """The document with these objects in place of those of their numbers (ISO 32000-2, 7.5.6)."""
    whole = io.BytesIO()
    whole.write(made)
    places = {}
    for number, pdf_object in changed.items():
        places[number] = whole.tell()
        whole.write(b"%d 0 obj\n" % number)
        pdf_object.write_to_stream(whole)
        whole.write(b"\nendobj\n")
    begin = whole.tell()
    entries = b"".join(b"%d 1\n%010d 00000 n \n" % place for place in sorted(places.items()))
    trailer = DictionaryObject(reader.trailer)
    size = max(int(cast(int, trailer["/Size"])), max(places) + 1)
    trailer[NameObject("/Size")] = NumberObject(size)
    trailer[NameObject("/Prev")] = NumberObject(int(_PREVIOUS.findall(made)[-1]))
    whole.write(b"xref\n0 0\n%strailer\n" % entries)
    trailer.write_to_stream(whole)
    whole.write(b"\nstartxref\n%d\n%%%%EOF\n" % begin)
    return whole.getvalue()


def _needs_it(page: Any) -> bool:
    """Whether anything on it is read from right to left, or has clusters of several glyphs."""
    data = page["/Contents"].get_object().get_data()
    if b"/ReversedChars" in data or b"/ActualText" in data:
        return True
    maps = (font["/ToUnicode"].get_data() for font in page["/Resources"].get("/Font", {}).values())
    return any(_is_special(text) for each in maps for _, text in MAPPED.findall(each))


def _is_special(text: bytes) -> bool:
    chars = bytes.fromhex(text.decode()).decode("utf-16-be", "replace")
    return any(
        unicodedata.bidirectional(char) in ("R", "AL", "AN") or unicodedata.category(char)[0] == "M"
        for char in chars
    )


# --- lines


def _lines(data: bytes, fonts: dict[str, Font], language: str) -> Iterator[bytes]:
    row: list[Run] = []
    # Marks so far below or above that only the letter after them tells which line they are in.
    marks: list[Run] = []
    at = 0
    for match in _RUN.finditer(data):
        between = data[at : match.start()]
        at = match.end()
        tagged = _LANGUAGE.search(between)
        own = tagged[1].decode() if tagged else language if between else ""
        run = read_run(match, fonts, own or (row[-1].language if row else language))
        run.before = between
        goes_on = bool(row) and (not between or _BETWEEN.fullmatch(between) is not None)
        if goes_on and _is_level(row[-1], run):
            row += [*marks, run]
            marks = []
        elif goes_on and not any(glyph.width for glyph in run.glyphs):
            marks.append(run)
        else:
            if not goes_on:
                row, marks = row + marks, []
            yield from _row(row, fonts)
            row, marks = [*marks, run], []
    yield from _row(row + marks, fonts)
    yield data[at:]


def _is_level(before: Run, run: Run) -> bool:
    return abs(before.y - run.y) < run.size


def _row(row: list[Run], fonts: dict[str, Font]) -> Iterator[bytes]:
    """The runs of one height, which may be lines of several columns."""
    drawn: dict[int, bytes] = {}
    for line in _lines_of(row):
        places = [number for number, run in enumerate(row) if run in line]
        drawn.update(zip(places, _line(line, fonts), strict=True))
    for number, run in enumerate(row):
        yield run.before
        yield drawn[number]


def _lines_of(row: list[Run]) -> list[list[Run]]:
    """Its lines, from left to right. Typst draws runs of one direction from left to right, but each
    of these where it is in the text."""
    stretches: list[list[Run]] = []
    for run in row:
        if stretches and _goes_on(stretches[-1][-1], run):
            stretches[-1].append(run)
        else:
            stretches.append([run])
    lines: list[list[Run]] = []
    for stretch in sorted(stretches, key=lambda runs: runs[0].x):
        if lines and _goes_on(lines[-1][-1], stretch[0]):
            lines[-1] += stretch
        else:
            lines.append(stretch)
    return lines


def _goes_on(run: Run, after: Run) -> bool:
    """Whether the second run follows the first directly."""
    is_beside = run.x - 0.05 <= after.x <= run.end + GAP * run.size
    return is_beside and after.x >= run.end - 2 * run.size


def _line(line: list[Run], fonts: dict[str, Font]) -> list[bytes]:
    """What draws the runs of a line, in their order in the file: each takes the place of another
    one, and so the number of the marked content there. The tree of the document then has them in
    the order of reading as well."""
    if not _is_to_be_mended(line):
        return [run.raw for run in line]
    ordered = _in_order(line)
    shares = shares_of(ordered)
    if any(font.is_rtl for font in fonts.values()):
        close(ordered, shares)
    return [b"".join(_drawn(run, shares, fonts)) for run in ordered]


def _is_to_be_mended(line: list[Run]) -> bool:
    if len({run.y for run in line}) > 1 or any(run.is_reversed or run.has_spans for run in line):
        return True
    glyphs = [glyph for run in line for glyph in run.glyphs]
    return any(
        glyph.width == 0 or glyph.text in UNREAD or _side(glyph.text) == "R" for glyph in glyphs
    )


def _in_order(line: list[Run]) -> list[Run]:
    """The runs as they are read, with the glyphs of each as they are read."""
    is_rtl = direction(line[0].language) == "rtl"
    for run in line:
        run.side = _side_of(run)
    sides = [_settled(line, at, is_rtl=is_rtl) for at in range(len(line))]
    for run, side in zip(line, sides, strict=True):
        if side == "R":
            run.glyphs.reverse()
    groups: list[list[Run]] = []
    for at, run in enumerate(line):
        if at and sides[at] == sides[at - 1]:
            groups[-1].append(run)
        else:
            groups.append([run])
        run.side = sides[at]
    ordered = [group[::-1] if group[0].side == "R" else group for group in groups]
    return [run for group in (reversed(ordered) if is_rtl else ordered) for run in group]


def _side_of(run: Run) -> str:
    if run.is_reversed:
        return "R"
    return _side("".join(glyph.text for glyph in run.glyphs))


@lru_cache(maxsize=4096)
def _side(text: str) -> str:
    kinds = {unicodedata.bidirectional(char) for char in text}
    if "L" in kinds:
        return "L"
    if kinds & {"R", "AL"}:
        return "R"
    return "E" if kinds & {"EN", "AN"} else "N"


def _settled(line: list[Run], at: int, *, is_rtl: bool) -> str:
    """The direction of a run; a run without one is read with its neighbours where they agree."""
    side = line[at].side
    if side != "N":
        return "R" if side == "R" else "L"
    left = next((run.side for run in reversed(line[:at]) if run.side != "N"), "")
    right = next((run.side for run in line[at + 1 :] if run.side != "N"), "")
    if not is_rtl:
        return "R" if (left, right) == ("R", "R") else "L"
    # From right to left, numbers beside each other are read in that order as well.
    return "L" if (left, right) == ("L", "L") else "R"


def _drawn(run: Run, shares: dict[int, Share], fonts: dict[str, Font]) -> Iterator[bytes]:
    texts, shapes = [], []
    for glyph in run.glyphs:
        share, font = shares[id(glyph)], fonts[glyph.font]
        if not share.texts:
            shapes.append(_shape(glyph, font))
            continue
        *unseen, last = share.texts
        step = share.width / len(share.texts)
        if unseen:
            # As narrow as the room of each, for programs that measure what is drawn.
            texts.append(b"3 Tr %.4g Tz " % (100 / len(share.texts)))
            width = _width(glyph, share.width)
            for number, char in enumerate(unseen):
                x = glyph.x + step * (len(unseen) - number)
                texts.append(_text(glyph, font.code(glyph.code, char, width), x))
            texts.append(b"0 Tr 100 Tz ")
        width = _width(glyph, step)
        texts.append(_text(glyph, font.code(glyph.code, last, width), glyph.x))
    yield b"q 1 0 0 -1 %g %g cm%s\n" % (run.x, run.y, run.style)
    yield b"BT 0 Tr %s\nET\n" % b"".join(texts)
    yield b"".join(shapes) + b"Q\n"


def _width(glyph: Glyph, width: float) -> float:
    """In thousandths of its size: its own where that is about right; another is a new code."""
    wanted = round(width / glyph.size * 1000, -1)
    return glyph.width if abs(wanted - glyph.width) < _ABOUT else wanted


def _text(glyph: Glyph, code: int, x: float) -> bytes:
    font = glyph.font.encode()
    return b"/%s %g Tf 1 0 0 -1 %.4f 0 Tm<%04X>Tj " % (font, glyph.size, x, code)


def _shape(glyph: Glyph, font: Font) -> bytes:
    path = font.outlines.path(glyph.code)
    if not path:
        return b""
    scale = glyph.size / font.outlines.scale
    return b"q %g 0 0 %g %g 0 cm %s f Q\n" % (scale, -scale, glyph.x, path)
