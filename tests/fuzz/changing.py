"""Examples that a decoder takes, changed a little: what it has to survive.

Bytes drawn at random stop at the first look. What was good and has a few places changed gets deep
into a decoder.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

MOST_BYTES = 60_000
# What decoders stumble over: ends of numbers and of texts, halves of characters, depth, length.
PIECES = [
    b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b'"', b"'",
    b"\r", b"\n", b"\r\n", b"\t", b",", b";", b"=", b"-", b"--", b"+", b"0", b"-1", b"1e999",
    b"9" * 40, b"9" * 5_000, b"NaN", b"Infinity", b"null", b"true", b"[]", b"{}", b'""', b"%00",
    b"%", b"a" * 3_000, b"[" * 3_000, b'{"a":' * 3_000, b"a = [" * 300, b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59Z", b"2026-02-30", "٣".encode(), "\u202e".encode(), "²".encode(),
    b"=cmd|' /C calc'!A0", b"../../etc/passwd", b"wm1.AAAA", b"\x7f\xff\xff\xff", b"\x80\x00",
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the examples with up to eight changes; now and then bytes at random."""
    data = draw(st.sampled_from(list(seeds)))
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=300))
    for _ in range(draw(st.integers(0, 8))):
        data = _changed_once(draw, data)
    return data[:MOST_BYTES]


def _changed_once(draw: st.DrawFn, data: bytes) -> bytes:
    begin = draw(st.integers(0, len(data)))
    end = min(len(data), begin + draw(st.sampled_from([0, 1, 1, 2, 4, 8, 40, 400, 10_000])))
    kind = draw(st.sampled_from(["piece", "piece", "byte", "bit", "twice", "out", "move"]))
    if kind == "piece":
        return data[:begin] + draw(st.sampled_from(PIECES)) + data[end:]
    if kind == "byte":
        return data[:begin] + draw(st.binary(max_size=4)) + data[end:]
    if kind == "bit" and begin < len(data):
        flipped = data[begin] ^ (1 << draw(st.integers(0, 7)))
        return data[:begin] + bytes([flipped]) + data[begin + 1 :]
    if kind == "twice":
        return data[:end] + data[begin:end] + data[end:]
    if kind == "move":
        rest = data[:begin] + data[end:]
        place = draw(st.integers(0, len(rest)))
        return rest[:place] + data[begin:end] + rest[place:]
    return data[:begin] + data[end:]
