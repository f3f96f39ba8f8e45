"""The last rounds of a child as small marks, in a drawing and in words."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby

from markupsafe import Markup, escape

from server.i18n import N_, gettext
from server.watch.facts import ROUNDS, Mark

MARK_WORDS: Mapping[str, str] = {
    Mark.ANSWERED: N_("answered"),
    Mark.LATE: N_("answered late"),
    Mark.SEEN: N_("seen by an adult"),
    Mark.MISSED: N_("not answered"),
    Mark.AWAY: N_("away"),
    Mark.OPEN: N_("open"),
}
# Each kind has a shape of its own: a bar, half a bar, a broken one, a square, a dash, a frame.
_SHAPES: Mapping[str, str] = {
    Mark.ANSWERED: "M{x} 2v12",
    Mark.LATE: "M{x} 9v5",
    Mark.SEEN: "M{x} 2v4m0 4v4",
    Mark.MISSED: "M{m} 6h4v4h-4z",
    Mark.AWAY: "M{m} 8h4",
    Mark.OPEN: "M{m} 3h4v10h-4z",
}
_STEP = 6


@lru_cache(maxsize=4096)
def strip(marks: str, language: str, *, alone: bool = False) -> Markup:
    """The marks as one drawing, with the sum of them in words for those who cannot see it.

    `alone`: one mark beside its word, which needs no other.
    """
    if not marks:
        return Markup("")
    paths: dict[str, str] = {}
    many = len(marks) if alone else ROUNDS
    for place, mark in enumerate(marks, many - len(marks)):
        x = place * _STEP + 3
        paths[mark] = paths.get(mark, "") + _SHAPES[mark].format(x=x, m=x - 2)
    drawn = "".join(f'<path class="{mark}" d="{path}"/>' for mark, path in paths.items())
    label = f'role="img" aria-label="{escape(marks_in_words(marks, language))}"'
    what = 'class="one strip" aria-hidden="true"' if alone else f'class="strip" {label}'
    return Markup(  # noqa: S704 - made of our own letters; the label is escaped
        f'<svg {what} viewBox="0 0 {many * _STEP} 16">{drawn}</svg>'
    )


def marks_in_words(marks: str, language: str) -> str:
    """ "Last 28 check-ins: 26 answered, 1 answered late, 1 not answered"."""
    separator = gettext(language, N_(", "))
    parts = separator.join(
        gettext(language, N_("{n} {what}"), n=marks.count(mark), what=_mark_word(mark, language))
        for mark in MARK_WORDS
        if mark in marks
    )
    return gettext(language, N_("Last {n} check-ins: {parts}"), n=len(marks), parts=parts)


def marks_one_by_one(marks: str, language: str) -> str:
    """Every round in a word, equal ones together: "24 answered, 1 not answered, 3 answered"."""
    separator = gettext(language, N_(", "))
    return separator.join(
        gettext(language, N_("{n} {what}"), n=len(list(run)), what=_mark_word(mark, language))
        for mark, run in groupby(marks)
    )


def _mark_word(mark: str, language: str) -> str:
    return gettext(language, MARK_WORDS[mark])
