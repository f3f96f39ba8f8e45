"""A watch level as one bar of silence: what happens when, if nobody answers. Pure.

`MARKS` and `PARTS` say what is drawn, as sums of the level's durations. The script of the page
(pwa/src/desk/silence.ts) gets them as data, and so moves what is drawn here.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from server.desk.policies import bar_words
from server.desk.policies import form as editing
from server.desk.policies.scale import BREAK, DAY, HOUR, MINUTE, SCALE, TICKS, Clock, place
from server.desk.policies.words import DURATION, SECONDS, USED
from server.i18n import direction, format_unit, gettext
from server.policy.bounds import BOUNDS
from server.policy.model import LONGEST


class Shape(StrEnum):
    """What brings adults in."""

    ASKS = "asks"  # The carer is asked at each miss, then adults are called.
    AT_ONCE = "at_once"  # Adults are called at each miss.
    WEIGHS = "weighs"  # How unusual the silence is for the child; on the bar is the latest moment.


class Mark(msgspec.Struct, frozen=True):
    """A moment: so many times each of these durations, by a clock. `field` is the duration that its
    handle changes; without one it has no handle."""

    code: str
    clock: Clock
    sum: Mapping[str, int]
    shapes: tuple[Shape, ...]
    icon: str
    field: str = ""
    is_low: bool = False  # Below the bar: so neighbours have room for a finger.


class Part(msgspec.Struct, frozen=True):
    """A stretch of the bar, from a mark or an end to another."""

    looks: str
    begin: str
    end: str
    shapes: tuple[Shape, ...]


_EACH = tuple(Shape)
MARKS: Sequence[Mark] = (
    Mark("remind_before", Clock.DUE, {"remind_before": -1}, _EACH, "bell", "remind_before"),
    Mark("remind_again", Clock.DUE, {"remind_again": 1}, _EACH, "bell", "remind_again", True),
    Mark("late", Clock.DUE, {"grace": 1}, _EACH, "late", "grace"),
    Mark(
        "last_call",
        Clock.DUE,
        {"grace": 1, "carer_window": 1, "last_call": -1},
        (Shape.ASKS,),
        "",
    ),
    Mark(
        "call",
        Clock.DUE,
        {"grace": 1, "carer_window": 1},
        (Shape.ASKS,),
        "phone",
        "carer_window",
        True,
    ),
    Mark(
        "carer",
        Clock.SIGN,
        {"ceiling": 1, "habit.ask_before": -1},
        (Shape.WEIGHS,),
        "home",
        "habit.ask_before",
        True,
    ),
    Mark("last_call_late", Clock.SIGN, {"ceiling": 1, "last_call": -1}, (Shape.WEIGHS,), ""),
    Mark("ceiling", Clock.SIGN, {"ceiling": 1}, _EACH, "phone", "ceiling"),
)
# Where the ladder begins, and so where the next rungs are counted from.
LADDER: Mapping[Shape, str] = {
    Shape.ASKS: "call",
    Shape.AT_ONCE: "late",
    Shape.WEIGHS: "ceiling",
}
PARTS: Sequence[Part] = (
    Part("reminds", "remind_before", "late", _EACH),
    Part("asks", "late", "call", (Shape.ASKS,)),
    Part("calls", "call", "due>", (Shape.ASKS,)),
    Part("calls", "late", "due>", (Shape.AT_ONCE,)),
    Part("weighs", "late", "due>", (Shape.WEIGHS,)),
    Part("weighs", "<sign", "carer", (Shape.WEIGHS,)),
    Part("asks", "carer", "ceiling", (Shape.WEIGHS,)),
    Part("calls", "ceiling", "sign>", _EACH),
)
# What the handles change, in the order of time; the form asks for these numbers first.
FIELDS = tuple(mark.field for mark in MARKS if mark.field)
_READ = dict.fromkeys([*(key for mark in MARKS for key in mark.sum), "each"])
_ENDS = {
    "<due": SCALE[Clock.DUE][0][1],
    "due>": SCALE[Clock.DUE][-1][1],
    "<sign": SCALE[Clock.SIGN][0][1],
    "sign>": SCALE[Clock.SIGN][-1][1],
}


class Level(msgspec.Struct, frozen=True):
    """What the bar needs of a level: its durations in seconds, and what brings adults in."""

    durations: Mapping[str, int | None]
    shape: Shape
    asks_carer: bool
    rungs: int
    misses: int | None = None

    def at(self, mark: Mark) -> int | None:
        """The moment of a mark, in seconds; None if it is not on the bar."""
        if self.shape not in mark.shapes or (mark.code == "carer" and not self.asks_carer):
            return None
        seconds = 0
        for key, times in mark.sum.items():
            duration = self.durations[key]
            if duration is None:
                return None
            seconds += times * duration
        # The child is asked once more only if there is time for it once they are late.
        is_gone = mark.code == "last_call" and seconds < (self.durations["grace"] or 0)
        return None if is_gone else seconds


def level_of(typed: Mapping[str, str], base: Mapping[str, str], tier: str) -> Level:
    """A level as it is typed in a form. What makes no sense there is as in `base`."""

    def value(key: str) -> str:
        return typed.get(f"{tier}.{key}", base.get(f"{tier}.{key}", "")).strip()

    durations = {key: _seconds(typed, f"{tier}.{key}") for key in _READ}
    for key, seconds in durations.items():
        if seconds is None and value(key):
            durations[key] = _seconds(base, f"{tier}.{key}")
    for key in FIELDS:
        durations[key] = durations[key] or _seconds(base, f"{tier}.{key}") or MINUTE
    misses = int(text) if (text := value("after_misses")).isdecimal() and len(text) < 3 else None
    asks_carer, weighs = value("asks_carer") != "no", value(f"habit.{USED}") == "yes"
    chosen = {value(f"rungs.{n + 1}") for n in range(editing.MOST_RUNGS)} - {""}
    shape = Shape.WEIGHS if weighs else Shape.ASKS if asks_carer else Shape.AT_ONCE
    return Level(
        durations,
        Shape.AT_ONCE if misses == 1 else shape,
        asks_carer,
        len(chosen) + 1,
        misses,
    )


def _seconds(typed: Mapping[str, str], name: str) -> int | None:
    match = DURATION.fullmatch(f"{typed.get(name, '').strip()}{typed.get(f'{name}.unit', '')}")
    return int(match[1]) * SECONDS[match[2]] or None if match else None


# --- what is drawn


class Pin(msgspec.Struct, frozen=True):
    """A mark as it is drawn. `x` None: it is not on the bar now. Places run with the language."""

    code: str
    x: float | None
    icon: str
    is_low: bool
    field: str


class Bar(msgspec.Struct, frozen=True):
    """Everything that is drawn of a level, in hundredths of the width, and said beside it."""

    tier: str
    pins: list[Pin]
    parts: list[tuple[str, float, float]]  # Its looks, where it begins, how wide it is.
    rungs: list[float]
    ticks: list[tuple[str, float, bool]]  # The label, its place, and whether it is fine.
    due: float
    gap: float
    sentences: list[tuple[str, str]]  # An icon, and what happens.
    model: str  # For the script of the page.


def bar_of(level: Level, tier: str, language: str) -> Bar:
    """A level as its bar, in the direction of a language."""
    is_rtl = direction(language) == "rtl"

    def turned(x: float, width: float = 0) -> float:
        return round(100 - x - width if is_rtl else x, 2)

    stretches = [(part.looks, *_stretch(part, level)) for part in PARTS if _has(part, level)]
    return Bar(
        tier=tier,
        pins=[
            Pin(mark.code, None if x is None else turned(x), mark.icon, mark.is_low, mark.field)
            for mark in MARKS
            for x in (_x(mark, level),)
        ],
        parts=[(looks, turned(x, width), width) for looks, x, width in stretches],
        rungs=[turned(x) for x in _rungs(level)],
        ticks=[
            (_label(seconds, language), turned(place(clock, seconds)), is_fine)
            for clock, seconds, is_fine in TICKS
        ],
        due=turned(place(Clock.DUE, 0)),
        gap=turned(BREAK),
        sentences=_sentences(level, language),
        model=_model(tier, language),
    )


def _label(seconds: int, language: str) -> str:
    if not seconds:
        return bar_words.due(language)
    size, unit = next((n, u) for n, u in _UNITS if not seconds % n)
    label = format_unit(language, seconds // size, unit, "narrow")
    # Among letters from the right, the minus would land behind its number.
    return f"{_LEFT_TO_RIGHT}{label}" if seconds < 0 and direction(language) == "rtl" else label


_LEFT_TO_RIGHT = "\u200e"
_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


def _x(mark: Mark, level: Level) -> float | None:
    seconds = level.at(mark)
    return None if seconds is None else place(mark.clock, seconds)


def _edge(name: str, level: Level) -> float | None:
    if name in _ENDS:
        return _ENDS[name]
    return _x(next(mark for mark in MARKS if mark.code == name), level)


def _has(part: Part, level: Level) -> bool:
    return level.shape in part.shapes


def _stretch(part: Part, level: Level) -> tuple[float, float]:
    """Where it begins, and how wide it is. Without a question to the carer, weighing goes on to the
    longest silence."""
    begin, end = _edge(part.begin, level), _edge(part.end, level)
    if end is None:
        end = _edge("ceiling", level)
    if begin is None or end is None:
        return 0.0, 0.0
    return round(begin, 2), round(max(end - begin, 0), 2)


def _rungs(level: Level) -> list[float]:
    """Where the next ones are called, if nobody takes it."""
    mark = next(mark for mark in MARKS if mark.code == LADDER[level.shape])
    first, each = level.at(mark), level.durations["each"]
    if first is None or each is None:
        return []
    return [place(mark.clock, first + n * each) for n in range(1, level.rungs)]


def _sentences(level: Level, language: str) -> list[tuple[str, str]]:
    """What happens, in the order of time."""
    lines = []
    for mark in MARKS:
        seconds = level.at(mark)
        if seconds is not None:
            own = level.durations[mark.field] if mark.field else level.durations["last_call"]
            text = bar_words.sentence(mark.code, level.shape, own or 0, seconds, language)
            lines.append((mark.icon or "bell", text))
        if mark.code == LADDER[level.shape] and level.durations["each"]:
            lines.append(("phone", bar_words.each(level.durations["each"], language)))
    if level.misses is not None and level.misses > 1:
        lines.append(("phone", bar_words.misses(level.misses, language)))
    return lines


def _model(tier: str, language: str) -> str:
    """What the script of the page needs, as JSON."""
    data: dict[str, Any] = {
        "tier": tier,
        "scale": SCALE,
        "ends": _ENDS,
        "marks": [
            {
                "code": mark.code,
                "clock": mark.clock,
                "sum": mark.sum,
                "shapes": mark.shapes,
                "field": mark.field,
                "low": mark.is_low,
                "says": bar_words.patterns(mark.code, language),
            }
            for mark in MARKS
        ],
        "parts": [
            {"looks": p.looks, "begin": p.begin, "end": p.end, "shapes": p.shapes} for p in PARTS
        ],
        "ladder": LADDER,
        "bounds": [
            {"within": b.within, "whole": b.whole, "words": gettext(language, b.words)}
            for b in BOUNDS
        ],
        "longest": LONGEST // timedelta(seconds=1),
        "rungs": editing.MOST_RUNGS,
    }
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
