"""Runs of glyphs as Typst writes them into a PDF, read back."""

import re
from collections.abc import Iterator

import msgspec

from server.plan.paper.embedded import Font

_TOKEN = re.compile(
    rb"/Span<</ActualText(?:<(?P<hex>[0-9A-Fa-f]*)>|(?P<plain>\())"
    rb"|(?P<reversed>/ReversedChars BMC)|(?P<end>EMC)"
    rb"|/(?P<font>\S+) (?P<size>\S+) Tf|1 0 0 -1 (?P<x>\S+) \S+ Tm"
    rb"|(?P<string>\()|<(?P<codes>[0-9A-Fa-f]+)>|(?P<number>-?[\d.]+)(?=[(<\]\s-])"
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_BRACKET = re.compile(rb"\\.|[()]", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Glyph(msgspec.Struct, eq=False):
    """A glyph where it is drawn: `x` from the beginning of its run, `width` in thousandths."""

    font: str
    size: float
    code: int
    x: float
    width: float
    text: str
    span: int
    """Glyphs of one run that belong together have the same; 0 for none."""


class Run(msgspec.Struct, eq=False):
    """Glyphs that Typst drew in one go."""

    raw: bytes
    x: float
    y: float
    style: bytes
    language: str
    before: bytes = b""
    glyphs: list[Glyph] = msgspec.field(default_factory=list)
    is_reversed: bool = False
    has_spans: bool = False
    end: float = 0.0
    side: str = ""
    """R, L, E for numbers, N for what has no direction."""

    @property
    def size(self) -> float:
        return max((glyph.size for glyph in self.glyphs), default=0.0)


def read_run(match: re.Match[bytes], fonts: dict[str, Font], language: str) -> Run:
    """The glyphs of a run, each at its place."""
    run = Run(match[0], float(match[1]), float(match[2]), match[3], language)
    run.end = run.x
    data, at, x = match[4], 0, 0.0
    font, size, span, open_spans = "", 0.0, "", [""]
    number = 0
    while (token := _TOKEN.search(data, at)) is not None:
        at = token.end()
        kind = token.lastgroup
        if kind == "plain" or kind == "hex":
            encoded, at = _string(token, data, at)
            span, number = _decoded(encoded), number + 1
            open_spans.append("span")
            run.has_spans = True
        elif kind == "reversed":
            run.is_reversed = True
            open_spans.append("")
        elif kind == "end":
            if open_spans.pop() == "span":
                span = ""
        elif kind == "size":
            font, size = token["font"].decode(), float(token["size"])
        elif kind == "x":
            x = float(token["x"])
        elif kind == "number":
            x -= float(token["number"]) * size / 1000
        else:
            codes, at = _string(token, data, at)
            inside = number if "span" in open_spans else 0
            for glyph in _glyphs(codes, font, fonts[font]):
                glyph.size, glyph.x, glyph.span = size, x, inside
                glyph.text = span if inside else glyph.text
                x += glyph.width * size / 1000
                run.glyphs.append(glyph)
                # A mark is drawn behind the place where the line has come to.
                run.end = max(run.end, run.x + x)
    return run


def _string(token: re.Match[bytes], data: bytes, at: int) -> tuple[bytes, int]:
    """The string that a token is or begins, and where it ends."""
    if token.lastgroup in ("plain", "string"):
        return _literal(data, at)
    return bytes.fromhex(token[token.lastgroup or 0].decode()), at


def _glyphs(codes: bytes, name: str, font: Font) -> Iterator[Glyph]:
    for high, low in zip(codes[::2], codes[1::2], strict=True):
        code = high << 8 | low
        yield Glyph(name, 0.0, code, 0.0, font.widths.get(code, 0.0), font.texts.get(code, ""), 0)


def _decoded(encoded: bytes) -> str:
    return (
        encoded[2:].decode("utf-16-be") if encoded[:2] == b"\xfe\xff" else encoded.decode("latin-1")
    )


def _literal(data: bytes, at: int) -> tuple[bytes, int]:
    """The string in brackets that begins there, and where it ends."""
    begin, depth = at, 1
    while depth:
        bracket = _BRACKET.search(data, at)
        assert bracket is not None, "a string ends"
        at = bracket.end()
        depth += {b"(": 1, b")": -1}.get(bracket[0], 0)
    text = data[begin : at - 1]
    return (_ESCAPE.sub(_unescaped, text) if b"\\" in text else text), at


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes([int(escape, 8)]) if escape.isdigit() else _CONTROLS.get(escape, escape)
