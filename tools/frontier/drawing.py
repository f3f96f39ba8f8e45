"""A picture for each world: a week of one home, and what the policy came to there.

SVG of 360 units, so that the words can be read on a phone; on a wide screen two stand side by side.
A picture has its own ground, and is dark where the reader's screen is.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape
from textwrap import wrap

from server.simulation.reports.fairness import Gap
from server.simulation.worlds.table import WORLDS
from tools.frontier import figures as goals
from tools.frontier.figures import Figures
from tools.frontier.measured import Line

WIDTH, LEFT, RIGHT = 360, 12, 348
DAY_WIDE = (RIGHT - LEFT) / 7
ROW = 16
_MINUTES = 24 * 60
STYLE = (
    "text{fill:#333;font:13px sans-serif}.b{font-weight:bold}.s{font-size:11px}"
    ".g{fill:#fff}.l{stroke:#ddd}.t{fill:#eee}.w{fill:#f3c9c2}.v{fill:#dfe3e8}"
    ".a{fill:#2e7d4f}.m{fill:none;stroke:#8a6d3b;stroke-width:1.5}.h{stroke:#999}"
    ".n{fill:#8a6d3b}.r{fill:#1f4e79}.f{fill:#fff;stroke:#1f4e79;stroke-width:1.5}"
    ".k{stroke:#333;stroke-width:2}.p{fill:#3b6d8a}.c{fill:none;stroke:#3b6d8a;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{fill:#16191d}.l{stroke:#3a3f45}"
    ".t{fill:#2a2f35}.w{fill:#6b2f28}.v{fill:#39414a}.a{fill:#6cc391}.m{stroke:#d8b26e}"
    ".h{stroke:#888}.n{fill:#d8b26e}.r{fill:#8fc1ee}.f{fill:#16191d;stroke:#8fc1ee}"
    ".k{stroke:#ddd}.p{fill:#6fa8cc}.c{stroke:#6fa8cc}}"
)


def picture(week: Line, figures: Figures | None) -> str:
    """One world. Without figures only its week: nothing is measured there."""
    name = week["world"]
    head = [_text(LEFT, 22, f"{name} (simulated)", "b")]
    says = wrap(WORLDS[name].says, 50)
    head += [_text(LEFT, 40 + 16 * number, line) for number, line in enumerate(says)]
    top = 40 + 16 * len(says)
    strip, below = _week(week, top), top + 8 + ROW * len(week["lives"])
    if figures is None:
        return _svg(f"{name}, simulated", [*head, *strip], below + 8)
    bars, end = _figures(figures, below + 20)
    return _svg(f"{name}, simulated", [*head, *strip, *bars], end + 4)


def key() -> str:
    """What the marks of a week mean."""
    says = (
        ("answered", "check-in answered"),
        ("missed", "check-in missed"),
        ("here", "roll call: here, excused, or cannot say"),
        ("not_here", "roll call: not here"),
        ("real", "adults called, and the child was away"),
        ("false", "adults called: a false alarm"),
    )
    marks = [_text(LEFT, 24, "What the marks mean", "b")]
    for number, (mark, words) in enumerate(says):
        y = 34 + ROW * number
        marks += [_mark(mark, LEFT + 8, y), _text(LEFT + 24, y + 12, words)]
    y = 34 + ROW * len(says)
    for number, (name, words) in enumerate((("w", "away"), ("v", "on agreed leave"))):
        at = LEFT + 130 * number
        marks.append(f'<rect class="{name}" x="{at}" y="{y + 2}" width="16" height="12"/>')
        marks.append(_text(at + 24, y + 12, words))
    return _svg("What the marks of a week mean", marks, y + ROW + 8)


def curve(points: Sequence[Line]) -> str:
    """Told within 24 hours against false alarms: a line for each number of roll calls a day."""
    marks = [_text(LEFT, 22, "Roll calls a day (simulated)", "b")]
    top, high, left = 40, 160, 48
    most = max(1.5, *(line["false"] / line["months"] for line in points))
    for quarter in range(5):
        y = top + high * (1 - quarter / 4)
        marks.append(f'<line class="l" x1="{left}" x2="{RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>')
        marks.append(_text(left - 6, y + 4, f"{quarter * 25}%", "s", "end"))
    for third in range(4):
        x = left + (RIGHT - left) * third / 3
        marks.append(_text(x, top + high + 16, f"{most * third / 3:.1f}", "s", "middle"))
    for number, (calls, dash) in enumerate(((0, "2 3"), (2, "7 3"), (3, ""))):
        spots = [
            (
                left + (RIGHT - left) * line["false"] / line["months"] / most,
                top + high * (1 - line["told"] / max(line["absences"], 1)),
            )
            for line in sorted(points, key=lambda line: float(line["times"]))
            if line["roll_calls"] == calls
        ]
        at = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        marks.append(f'<polyline class="c" stroke-dasharray="{dash}" points="{at}"/>')
        marks += [f'<circle class="p" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in spots]
        x = LEFT + 100 * number
        ends = f'points="{x},{top + high + 52} {x + 30},{top + high + 52}"'
        marks.append(f'<polyline class="c" stroke-dasharray="{dash}" {ends}/>')
        marks.append(_text(x + 36, top + high + 56, str(calls or "none")))
    words = "told within 24 h, by false alarms a child-month"
    marks.append(_text(RIGHT, top + high + 34, words, "s", "end"))
    return _svg("Roll calls a day, simulated", marks, top + high + 68)


def _svg(title: str, marks: Sequence[str], high: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high:.0f}"'
        f' viewBox="0 0 {WIDTH} {high:.0f}" role="img"><title>{escape(title)}</title>'
        f'<style>{STYLE}</style><rect class="g" width="{WIDTH}" height="{high:.0f}"/>\n'
        + "\n".join(marks)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, name: str = "", anchor: str = "start") -> str:
    of = f' class="{name}"' if name else ""
    at = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{of}{at}>{escape(words)}</text>'


# --- a week


def _week(week: Line, top: float) -> Iterator[str]:
    """A row for each child, a column for each day."""
    monday, high = date.fromisoformat(week["monday"]), ROW * len(week["lives"])
    for number, life in enumerate(week["lives"]):
        y = top + 8 + ROW * number
        for name, spans in (("v", life["leave"]), ("w", life["away"])):
            for begin, until in spans:
                wide = max(_x(until) - _x(begin), 1)
                yield (
                    f'<rect class="{name}" x="{_x(begin):.1f}" y="{y}" width="{wide:.1f}"'
                    f' height="{ROW - 1}"/>'
                )
    for day in range(8):
        x = LEFT + DAY_WIDE * day
        ends = f'y1="{top - 2:.0f}" y2="{top + 8 + high}"'
        yield f'<line class="l" x1="{x:.1f}" x2="{x:.1f}" {ends}/>'
        if day < 7:
            yield _text(x + 3, top + 4, f"{monday + timedelta(days=day):%a %-d}", "s")
    for number, life in enumerate(week["lives"]):
        y = top + 8 + ROW * number
        for at, what in life["marks"] + life["called"]:
            yield _mark(what, _x(at), y)


def _x(minutes: float) -> float:
    return LEFT + DAY_WIDE * minutes / _MINUTES


def _mark(what: str, x: float, y: float) -> str:
    """One mark in the row that begins at `y`."""
    if what in ("answered", "missed"):
        return f'<circle class="{what[0]}" cx="{x:.1f}" cy="{y + 7}" r="3"/>'
    if what in ("real", "false"):
        points = f"{x - 5:.1f},{y + 14} {x + 5:.1f},{y + 14} {x:.1f},{y + 3}"
        return f'<polygon class="{what[0]}" points="{points}"/>'
    if what == "not_here":
        return f'<rect class="n" x="{x - 1.5:.1f}" y="{y + 1}" width="3" height="14"/>'
    return f'<line class="h" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 11}" y2="{y + 15}"/>'


# --- what the policy came to

MOST_FALSE = 2.0  # False alarms a child-month at the right edge.


def _figures(figures: Figures, top: float) -> tuple[list[str], float]:
    """Bars with their goals, and the classes that differ; and where they end."""
    of = figures
    told = goals.share(of.line["told"], of.absences)
    bars = (
        (f"False alarms a child-month: {of.false:.2f}", of.false / MOST_FALSE, goals.FALSE, "≤"),
        (f"in the first six weeks: {of.first:.2f}", of.first / MOST_FALSE, goals.FIRST_FALSE, "≤"),
        (f"Told within 24 hours: {told}", of.told, goals.TOLD, "≥"),
    )
    marks: list[str] = []
    for number, (words, share, goal, sign) in enumerate(bars):
        is_share = sign == "≥"
        aim = f"goal {sign} {goal:.0%}" if is_share else f"goal {sign} {goal}"
        at = goal if is_share else goal / MOST_FALSE
        marks += _bar(top + 34 * number, words, aim, share, at)
    top += 34 * len(bars)
    lines = _fairness(of)
    marks += [_text(LEFT, top + 16 * number, line) for number, line in enumerate(lines)]
    return marks, top + 16 * len(lines)


def _bar(y: float, words: str, aim: str, share: float, goal: float) -> list[str]:
    wide, filled = RIGHT - LEFT, (RIGHT - LEFT) * min(share, 1)
    x = LEFT + wide * goal
    return [
        _text(LEFT, y, words),
        _text(RIGHT, y, aim, "s", "end"),
        f'<rect class="t" x="{LEFT}" y="{y + 5:.0f}" width="{wide}" height="8"/>',
        f'<rect class="p" x="{LEFT}" y="{y + 5:.0f}" width="{filled:.1f}" height="8"/>',
        f'<line class="k" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 2:.0f}" y2="{y + 16:.0f}"/>',
    ]


def _fairness(figures: Figures) -> list[str]:
    gaps = figures.gaps()
    if not gaps:
        return ["Fairness: not judged, too few absences of a class."]
    judged = ", ".join(dict.fromkeys(gap.more.kind for gap in gaps))
    unfair = figures.unfair()
    found = [_gap(gap) for gap in unfair] or ["No class fares more than twice as badly."]
    return [
        line for words in (f"Fairness judged by: {judged}.", *found) for line in wrap(words, 52)
    ]


def _gap(gap: Gap) -> str:
    what = "false alarms" if gap.what == "false pages" else gap.what
    more, less = gap.more, gap.less
    return f"Not fair: {what}, {gap.times:.1f} times, {more.kind} {more.name} against {less.name}."
