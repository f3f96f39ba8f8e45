"""What each glyph of a line reads as, and how much room it has."""

import re
import unicodedata
from itertools import groupby, pairwise

import msgspec

from server.plan.paper.runs import Glyph, Run

_OF_WORDS = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No"))
# Characters that order a line and break it are no part of the text.
UNREAD = frozenset(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
# Letters of which some are drawn in parts: those of South and South-East Asia.
_IN_PARTS = re.compile("[\u0900-\u0dff\u1000-\u109f\u1780-\u17ff]")
# Two runs of one line may be so far apart (of the size): kerning, and the shift of a mark.
GAP = 0.3


class Share(msgspec.Struct):
    """What a glyph reads as: nothing (it is drawn as a shape), or the last of these texts, of which
    those before it are put there unseen."""

    texts: list[str]
    left: float = 0.0
    width: float = 0.0
    """On the page, in points."""


def shares_of(runs: list[Run]) -> dict[int, Share]:
    """The share of each glyph in the text of its cluster, by the identity of the glyph."""
    glyphs = [glyph for run in runs for glyph in run.glyphs]
    home = {id(glyph): run for run in runs for glyph in run.glyphs}
    shares: dict[int, Share] = {id(glyph): Share([]) for glyph in glyphs}
    clusters: list[list[Glyph]] = []
    for glyph in glyphs:
        if clusters and _belongs(clusters[-1], glyph, home):
            clusters[-1].append(glyph)
        else:
            clusters.append([glyph])
    last = None
    for at, cluster in enumerate(clusters):
        if not _is_of_another(clusters, at):
            last = _share(cluster, home, shares, last)
    _side_by_side(glyphs, home, shares)
    return shares


def _is_of_another(clusters: list[list[Glyph]], at: int) -> bool:
    """Whether these are marks of a cluster beside, drawn after what follows it."""
    text = clusters[at][0].text
    if len(text) < 2 or any(glyph.width for glyph in clusters[at]):
        return False
    beside = clusters[max(at - 2, 0) : at] + clusters[at + 1 : at + 3]
    return any(glyph.width and glyph.text == text for each in beside for glyph in each)


def _belongs(cluster: list[Glyph], glyph: Glyph, home: dict[int, Run]) -> bool:
    first = cluster[0]
    if glyph.text != first.text or glyph.font != first.font:
        return False
    wide = {member.code for member in cluster if member.width}
    if glyph.code in wide:
        return False
    if home[id(glyph)] is home[id(first)] and 0 != glyph.span != first.span != 0:
        return False
    if glyph.width == 0 or not wide:
        return True
    # Only in scripts from left to right does one cluster have several letters side by side, and
    # only in some of these one letter several parts.
    is_several = len(first.text) > 1 or _IN_PARTS.match(first.text) is not None
    return is_several and home[id(glyph)].side != "R"


def _share(
    cluster: list[Glyph], home: dict[int, Run], shares: dict[int, Share], last: Glyph | None
) -> Glyph | None:
    """Give out the text of a cluster; what was read last before it, and then with it."""
    text = cluster[0].text
    if len(cluster) > 1 or len(text) > 1 or text in UNREAD:
        text = "".join(char for char in text if char not in UNREAD)
    carriers = [glyph for glyph in cluster if glyph.width][: len(text)]
    is_rtl = home[id(cluster[0])].side == "R"
    if not text:
        return last
    if not carriers and last is not None and _is_beside(last, cluster[0], home, shares):
        # What is drawn in the room of another letter is read with it.
        carriers, text = [last], "".join(shares[id(last)].texts) + text
    carriers = carriers or cluster[:1]
    if is_rtl:
        # Programs turn a line letter by letter: each needs room of its own.
        shares[id(carriers[0])].texts = list(text)
        return carriers[0]
    for glyph, char in zip(carriers, text, strict=False):
        shares[id(glyph)].texts = [char]
    shares[id(carriers[-1])].texts = [text[len(carriers) - 1 :]]
    return carriers[-1]


def _is_beside(last: Glyph, glyph: Glyph, home: dict[int, Run], shares: dict[int, Share]) -> bool:
    is_one_way = home[id(last)].side == home[id(glyph)].side
    return is_one_way and not shares[id(last)].texts[-1].isspace()


def _side_by_side(glyphs: list[Glyph], home: dict[int, Run], shares: dict[int, Share]) -> None:
    """Each takes the room up to the next one: where two overlap a line is read as two, and where
    they are apart a word is."""
    read = [glyph for glyph in glyphs if shares[id(glyph)].texts]
    for glyph in read:
        share = shares[id(glyph)]
        share.left = home[id(glyph)].x + glyph.x
        share.width = glyph.width * glyph.size / 1000
    read.sort(key=lambda glyph: shares[id(glyph)].left)
    for glyph, after in pairwise(read):
        share = shares[id(glyph)]
        room = shares[id(after)].left - share.left
        if room <= share.width + GAP * glyph.size:
            share.width = room


def _kind(texts: list[str]) -> str:
    return unicodedata.category(texts[-1][-1]) if texts[-1] else ""


def close(runs: list[Run], shares: dict[int, Share]) -> None:
    """Poppler's programs give a mark at the end of a direction to the other one: there, an unseen
    sign of its own direction is read after it."""
    for side, group in groupby(runs, lambda run: run.side):
        glyphs = [glyph for run in group for glyph in run.glyphs]
        texts = [shares[id(glyph)].texts for glyph in glyphs if shares[id(glyph)].texts]
        last = next((each for each in reversed(texts) if _kind(each) in _OF_WORDS), [""])
        if _kind(last) == "Mn":
            if side == "R":
                last.append("\u200f")
            else:
                last[-1] += "\u200e"
