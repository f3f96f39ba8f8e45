"""The fonts of everything that is typeset, and the letters in them.

They come from the packages in the lock file and from the checkout (`typefaces/`, for scripts that
no package has), so the server's own fonts change nothing. A process reads their tables once, when a
page first needs them.
"""

import struct
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from server.plan.paper.scripts import east_asian

if TYPE_CHECKING:
    import typst

# Noto Sans for most scripts, with symbols and emoji; the same for Chinese, Japanese and Korean; an
# Arabic whose letters are one glyph each, so that search and copying find them.
_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk", "fontpkg_ibm_plex_sans_arabic")
_OWN = Path(__file__).with_name("typefaces")
# The first and the last to search; names in between are in alphabetical order.
_FIRST = ("Noto Sans", "IBM Plex Sans Arabic", "Noto Sans Arabic")
_LAST = ("Noto Emoji", "Noto Sans Symbols", "DejaVu Sans Mono")
# The last of them is in Typst itself: arrows, shapes, chess, dingbats.
_BUILT_IN = (
    (0x2190, 0x21FF),
    (0x25A0, 0x25FF),
    (0x2654, 0x265F),
    (0x2701, 0x275E),
    (0x2761, 0x27BE),
)
_EAST_ASIAN = "Noto Sans CJK"
_WANTED = ("Noto ", "IBM Plex Sans Arabic")
# Beyond it are only planes that no font here has.
_END = 0x40000


@cache
def fonts() -> "typst.Fonts":
    """The fonts, read once."""
    import typst  # As in `typeset`.

    return typst.Fonts(include_system_fonts=False, font_paths=_places())


def _places() -> list[Path]:
    specs = [find_spec(name) for name in _PACKAGES]
    assert all(specs), "the lock brings the fonts"
    places = [
        Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()
    ]
    return [*places, _OWN]


@cache
def _families() -> tuple[list[str], list[str]]:
    """The families in the order of the search, and those of East Asia."""
    names = {name for name in fonts().families() if name.startswith(_WANTED)}
    eastern = sorted(name for name in names if name.startswith(_EAST_ASIAN))
    between = sorted(names - {*_FIRST, *_LAST, *eastern})
    return [*_FIRST, *between, *_LAST], eastern


def families(text: str = "") -> list[str]:
    """The families in the order of the search for that text: Chinese, Japanese and Korean draw one
    sign in different ways."""
    order, eastern = _families()
    first = f"{_EAST_ASIAN} {east_asian(text)}"
    return [*order, *sorted(eastern, key=lambda name: name != first)]


def has(char: str) -> bool:
    """Whether any of the fonts has that letter."""
    point = ord(char)
    return point < _END and bool(_letters()[point])


@cache
def _letters() -> bytearray:
    """A one for each letter that a font has."""
    letters = bytearray(_END)
    # The faces of one collection have the same letters.
    paths = sorted({str(font.path) for font in fonts().fonts() if font.family.startswith(_WANTED)})
    for first, last in chain(_BUILT_IN, *(_ranges(Path(path)) for path in paths)):
        letters[first : last + 1] = b"\1" * (last + 1 - first)
    return letters


def _ranges(path: Path) -> Iterator[tuple[int, int]]:
    """The letters of a font, from its table `cmap`."""
    with path.open("rb") as file:
        head = file.read(16)
        start = struct.unpack(">I", head[12:])[0] if head[:4] == b"ttcf" else 0
        file.seek(start)
        count = struct.unpack(">4xH6x", file.read(12))[0]
        for tag, _, place, length in struct.iter_unpack(">4sIII", file.read(16 * count)):
            if tag == b"cmap":
                file.seek(place)
                yield from _mapped(file.read(length))


def _mapped(table: bytes) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">2xH", table)[0]
    places = {place for *_, place in struct.iter_unpack(">HHI", table[4 : 4 + 8 * count])}
    for place in places:
        form = struct.unpack_from(">H", table, place)[0]
        if form == 12:
            number = struct.unpack_from(">I", table, place + 12)[0]
            groups = table[place + 16 : place + 16 + 12 * number]
            for first, last, _ in struct.iter_unpack(">III", groups):
                yield first, min(last, _END - 1)
        elif form == 4:
            yield from _segments(table, place)


def _segments(table: bytes, place: int) -> Iterator[tuple[int, int]]:
    number = struct.unpack_from(">H", table, place + 6)[0] // 2
    numbers = f">{number}H"
    ends = struct.unpack_from(numbers, table, place + 14)
    begins = struct.unpack_from(numbers, table, place + 16 + 2 * number)
    # The last segment only says that it is the last.
    yield from ((first, last) for first, last in zip(begins, ends, strict=True) if first < 0xFFFF)
