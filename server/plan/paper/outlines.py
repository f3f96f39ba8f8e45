"""The shape of a glyph of an embedded TrueType font, as PDF draws a path.

Only what a font inside a PDF has: the tables `head`, `loca` and `glyf` (OpenType 1.9, chapters of
that name). Coordinates are in font units, `scale` of them make one em.
"""

import struct
from dataclasses import dataclass
from functools import cached_property

Point = tuple[float, float]
Marked = tuple[float, float, bool]
"""x, y, and whether the curve goes through it."""

_DEEPEST = 5


@dataclass(frozen=True)
class Outlines:
    """The outlines of one font program."""

    program: bytes

    @cached_property
    def _tables(self) -> dict[bytes, bytes]:
        count = struct.unpack_from(">4xH", self.program)[0]
        records = struct.iter_unpack(">4s4xII", self.program[12 : 12 + 16 * count])
        return {tag: self.program[place : place + length] for tag, place, length in records}

    @cached_property
    def scale(self) -> int:
        """Font units of one em."""
        return int(struct.unpack_from(">H", self._tables[b"head"], 18)[0])

    @cached_property
    def _places(self) -> tuple[int, ...]:
        is_long = struct.unpack_from(">h", self._tables[b"head"], 50)[0]
        table = self._tables[b"loca"]
        if is_long:
            return struct.unpack(f">{len(table) // 4}I", table)
        return tuple(2 * half for half in struct.unpack(f">{len(table) // 2}H", table))

    @property
    def count(self) -> int:
        """How many glyphs it has."""
        return len(self._places) - 1

    def path(self, glyph: int) -> bytes:
        """The operators that draw the glyph, without the one that fills it; none for a space."""
        return b" ".join(_drawn(contour) for contour in self._contours(glyph, 0) if contour)

    def _contours(self, glyph: int, depth: int) -> list[list[Marked]]:
        begin, end = self._places[glyph], self._places[glyph + 1]
        data = self._tables[b"glyf"][begin:end]
        if not data:
            return []
        count = struct.unpack_from(">h", data)[0]
        if count >= 0:
            return _simple(data, count)
        return self._composed(data, depth + 1) if depth < _DEEPEST else []

    def _composed(self, data: bytes, depth: int) -> list[list[Marked]]:
        contours: list[list[Marked]] = []
        at, more = 10, True
        while more:
            flags, glyph = struct.unpack_from(">HH", data, at)
            more = bool(flags & 0x20)
            (right, up), at = _moved(data, flags, at + 4)
            (a, b, c, d), at = _turned(data, flags, at)
            for contour in self._contours(glyph, depth):
                contours.append(
                    [(a * x + c * y + right, b * x + d * y + up, on) for x, y, on in contour]
                )
        return contours


def _moved(data: bytes, flags: int, at: int) -> tuple[Point, int]:
    words, are_offsets = flags & 0x1, flags & 0x2
    right, up = struct.unpack_from(">hh" if words else ">bb", data, at)
    return ((right, up) if are_offsets else (0, 0)), at + (4 if words else 2)


def _turned(data: bytes, flags: int, at: int) -> tuple[tuple[float, float, float, float], int]:
    if flags & 0x8:
        scale = struct.unpack_from(">h", data, at)[0] / 0x4000
        return (scale, 0, 0, scale), at + 2
    if flags & 0x40:
        wide, high = (number / 0x4000 for number in struct.unpack_from(">hh", data, at))
        return (wide, 0, 0, high), at + 4
    if flags & 0x80:
        a, b, c, d = (number / 0x4000 for number in struct.unpack_from(">hhhh", data, at))
        return (a, b, c, d), at + 8
    return (1, 0, 0, 1), at


def _simple(data: bytes, count: int) -> list[list[Marked]]:
    ends = struct.unpack_from(f">{count}H", data, 10)
    if not ends:
        return []
    at = 10 + 2 * count
    at += 2 + struct.unpack_from(">H", data, at)[0]
    flags, at = _flags(data, at, ends[-1] + 1)
    across, at = _coordinates(data, at, flags, short=0x2, same=0x10)
    along, at = _coordinates(data, at, flags, short=0x4, same=0x20)
    points: list[Marked] = [
        (x, y, bool(flag & 1)) for x, y, flag in zip(across, along, flags, strict=True)
    ]
    begins = [0, *(end + 1 for end in ends)]
    return [points[begin : end + 1] for begin, end in zip(begins, ends, strict=False)]


def _flags(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    flags: list[int] = []
    while len(flags) < count:
        flag, times = data[at], 1
        at += 1
        if flag & 0x8:
            times, at = data[at] + 1, at + 1
        flags += [flag] * times
    return flags, at


def _coordinates(
    data: bytes, at: int, flags: list[int], *, short: int, same: int
) -> tuple[list[int], int]:
    coordinates, value = [], 0
    for flag in flags:
        if flag & short:
            value += data[at] if flag & same else -data[at]
            at += 1
        elif not flag & same:
            value += struct.unpack_from(">h", data, at)[0]
            at += 2
        coordinates.append(value)
    return coordinates, at


def _drawn(contour: list[Marked]) -> bytes:
    """One contour, its quadratic curves as the cubic ones that PDF has."""
    points = _through(contour)
    x, y, _ = points[0]
    made = [b"%g %g m" % (x, y)]
    at = 1
    while at < len(points):
        right, up, on = points[at]
        if on:
            made.append(b"%g %g l" % (right, up))
            x, y, at = right, up, at + 1
            continue
        to_x, to_y, _ = points[at + 1]
        controls = (
            (x + 2 * right) / 3,
            (y + 2 * up) / 3,
            (to_x + 2 * right) / 3,
            (to_y + 2 * up) / 3,
        )
        made.append(b"%g %g %g %g %g %g c" % (*controls, to_x, to_y))
        x, y, at = to_x, to_y, at + 2
    return b" ".join([*made, b"h"])


def _through(contour: list[Marked]) -> list[Marked]:
    """The points with those in between that are only implied; it begins and ends on the curve."""
    full: list[Marked] = []
    for point, after in zip(contour, [*contour[1:], contour[0]], strict=True):
        full.append(point)
        if not point[2] and not after[2]:
            full.append(((point[0] + after[0]) / 2, (point[1] + after[1]) / 2, True))
    start = next((at for at, point in enumerate(full) if point[2]), 0)
    return [*full[start:], *full[:start], full[start]]
