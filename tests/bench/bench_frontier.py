"""The tables and the picture of the policy that ships, written to docs/frontier.md: what policies
tell and disturb. The worlds there are made by tools/frontier.

How it is measured is in frontier.py. It takes some minutes on two cores.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.frontier import (
    AS_SHIPPED,
    CARER,
    CHILDREN,
    DAYS,
    EACH,
    HABIT,
    PERIOD,
    POLICIES,
    SEEDS,
    Score,
    measured,
    median,
    within,
)
from tools.docs import filled, table

DOCS = Path("docs")
COLOURS = {PERIOD: "#8a6d3b", CARER: "#3b6d8a", HABIT: "#2e7d4f", EACH: "#777777"}
# One at a time, over the ranges of the domain study; the first is the cohort as it ships.
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("as it ships", {}),
    ("answers 60 % (Beta 3.6, 2.4)", {"ANSWERS": (3.6, 2.4)}),
    ("answers 84 % (Beta 5.04, 0.96)", {"ANSWERS": (5.04, 0.96)}),
    ("none go on answering when gone", {"COERCED": 0.0}),
    ("40 % go on answering when gone", {"COERCED": 0.4}),
    ("carers answer 60 % by day", {"CARER_ANSWERS_DAY": 0.6, "CARER_ANSWERS_NIGHT": 0.3}),
    ("carers cannot say 25 %", {"CARER_CANNOT_SAY": 0.25}),
    ("nobody answers when asked once more", {"CALLED": 0.0}),
    ("asked once more, as likely as a round", {"CALLED": 1.0}),
]
SENSITIVE_SEEDS = (6, 7)


@dataclass(frozen=True)
class Sizes:
    """How many children on which seeds, in how many of the settings, and where the pages are."""

    children: int = CHILDREN
    seeds: Sequence[int] = SEEDS
    settings: int = len(SETTINGS)
    sensitive_seeds: Sequence[int] = SENSITIVE_SEEDS
    docs: Path = DOCS


FULL = Sizes()


def measure(sizes: Sizes = FULL) -> dict[str, Any]:
    """The frontier and how it moves; writes the pages."""
    scores = measured([data for _, _, data in POLICIES], sizes.seeds, {}, sizes.children)
    rows = [
        (family, name, score) for (family, name, _), score in zip(POLICIES, scores, strict=True)
    ]
    ours = next(score for family, name, score in rows if (family, name) == (HABIT, AS_SHIPPED))
    best = {family: _best(rows, family, ours) for family in (PERIOD, CARER)}
    moved = _sensitivity(best, sizes)
    (sizes.docs / "pictures" / "frontier.svg").write_text(_picture(rows))
    figures = _figures(ours, {family: score for family, (_, score) in best.items()})
    page = sizes.docs / "frontier.md"
    text = page.read_text(encoding="utf-8")
    for name, body in _blocks(rows, ours, best, figures, moved).items():
        text = filled(text, name, body)
    page.write_text(text, encoding="utf-8")
    return {
        "what": "absences of 24 h and more told within 24 h, habit (simulated)",
        "shown": f"{within(ours.long, 24):.0%} at {ours.false_a_week:.1f} false pages a week",
        "goal": "4 times and 2 times the fixed policies, up to 4 false pages",
        "is_reached": all(figure[3] for figure in figures),
    }


Rows = Sequence[tuple[str, str, Score]]
Best = dict[str, tuple[str, Score]]
Figure = tuple[str, str, str, bool]


def _best(rows: Rows, family: str, ours: Score) -> tuple[str, Score]:
    """The best of a family that disturbs no more than a twentieth more than ours."""
    able = [
        (name, score)
        for kind, name, score in rows
        if kind == family and score.false_a_week <= ours.false_a_week * 1.05
    ]
    return max(able, key=lambda one: within(one[1].long, 24))


def _sensitivity(best: Best, sizes: Sizes) -> list[tuple[str, list[Score]]]:
    chosen = [(HABIT, AS_SHIPPED), *((family, name) for family, (name, _) in best.items())]
    data = [next(d for f, n, d in POLICIES if (f, n) == (family, name)) for family, name in chosen]
    return [
        (name, measured(data, sizes.sensitive_seeds, changed, sizes.children))
        for name, changed in SETTINGS[: sizes.settings]
    ]


def _figures(ours: Score, best: dict[str, Score]) -> list[Figure]:
    period, carer = best[PERIOD], best[CARER]
    long, late = within(ours.long, 24), median(ours.long)
    by_period = long / max(within(period.long, 24), 1e-9)
    by_carer = long / max(within(carer.long, 24), 1e-9)
    high = within(ours.high, 6)
    high_fixed = within(period.high, 6)
    worst = [max(rates) / max(min(rates), 1e-9) for kind in KINDS if (rates := _rates(ours, kind))]
    return [
        (
            "false pages per worker-week",
            f"{ours.false_a_week:.2f} ({20 * ours.said / ours.weeks:.2f} of them because the child"
            " itself called)",
            "≤ 4",
            ours.false_a_week <= 4,
        ),
        (
            "told within 24 h, against period and grace",
            f"{by_period:.1f} times",
            "≥ 4 times",
            by_period >= 4,
        ),
        (
            "the same, against asking at each miss",
            f"{by_carer:.1f} times",
            "≥ 2 times",
            by_carer >= 2,
        ),
        (
            "median delay of the long absences, those never told being the longest",
            f"{_h(late)} against {_h(median(period.long))}",
            "at most half",
            late <= median(period.long) / 2,
        ),
        (
            "high level: told within 6 h, against period and grace",
            f"{high:.0%} against {high_fixed:.0%}, of {len(ours.high)}",
            "≥ 3 times",
            high >= 3 * high_fixed,
        ),
        (
            "false pages of one class against another: phone, language, answers",
            ", ".join(f"{ratio:.1f} times" for ratio in worst),
            "≤ 2 times",
            max(worst) <= 2,
        ),
        (
            "questions to carers per child-week",
            f"{ours.asked_a_week:.2f}",
            "≤ 3",
            ours.asked_a_week <= 3,
        ),
    ]


def _rates(score: Score, kind: str) -> list[float]:
    return [
        false / weeks for name, (false, weeks) in score.classes.items() if name.startswith(kind)
    ]


def _h(hours: float) -> str:
    return "never" if hours == float("inf") else f"{hours:.1f} h"


# --- the blocks of the page


def _blocks(
    rows: Rows,
    ours: Score,
    best: Best,
    figures: list[Figure],
    moved: list[tuple[str, list[Score]]],
) -> dict[str, str]:
    compared = "; ".join(f"{family}: {name}" for family, (name, _) in best.items())
    head = ["family", "policy", "false pages a worker-week", "≥ 24 h: told in 24 h", "in 6 h"]
    return {
        "habit": "\n".join(
            [
                f"{CHILDREN} simulated children for {DAYS} days on each of the seeds"
                f" {', '.join(map(str, SEEDS))}: {len(ours.long)} absences of 24 hours and more,"
                f" {len(ours.high)} that began in the high level. Compared with: {compared}.",
                "",
                table(
                    ["what", "found", "to reach", ""],
                    [(what, found, goal, _said(ok)) for what, found, goal, ok in figures],
                ),
            ]
        ),
        "families": table(
            [
                *head,
                "median",
                "all: in 24 h",
                "high: in 6 h",
                "questions a child-week",
                "precision",
            ],
            [_row(family, name, score) for family, name, score in rows],
        ),
        "habit-classes": "; ".join(f"{kind}: {_classes(ours, kind)}" for kind in KINDS),
        "moved": table(
            ["cohort", "habit", PERIOD, CARER],
            [(name, *(_cell(score) for score in scores)) for name, scores in moved],
        ),
    }


KINDS = ("phone", "language", "answers")


def _classes(score: Score, kind: str) -> str:
    return ", ".join(
        f"{name.partition(': ')[2]} {false / weeks:.3f}"
        for name, (false, weeks) in sorted(score.classes.items())
        if name.startswith(kind)
    )


def _cell(score: Score) -> str:
    return f"{score.false_a_week:.1f}; {within(score.long, 24):.0%}"


def _said(ok: bool) -> str:
    return "reached" if ok else "falls short"


def _row(family: str, name: str, score: Score) -> list[str]:
    return [
        family,
        name,
        f"{score.false_a_week:.2f}",
        f"{within(score.long, 24):.0%}",
        f"{within(score.long, 6):.0%}",
        _h(median(score.long)),
        f"{within(score.every, 24):.0%}",
        f"{within(score.high, 6):.0%}",
        f"{score.asked_a_week:.2f}",
        f"{1 - score.false / max(score.pages, 1):.1%}",
    ]


# --- the picture

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 420, 64, 40, 56
MOST = 30.0  # False pages a worker-week at the right edge.


def _picture(rows: Rows) -> str:
    """Told within 24 hours, against false pages; the best is at the top on the left."""
    wide, high = WIDTH - LEFT - 24, HEIGHT - TOP - BOTTOM

    def x(false: float) -> float:
        return LEFT + wide * min(false / MOST, 1)

    def y(share: float) -> float:
        return TOP + high * (1 - share)

    marks = [
        f'<line x1="{LEFT}" x2="{WIDTH - 24}" y1="{y(n / 4):.0f}" y2="{y(n / 4):.0f}"'
        f' stroke="#ddd"/><text x="{LEFT - 8}" y="{y(n / 4) + 4:.0f}" text-anchor="end">'
        f"{25 * n} %</text>"
        for n in range(5)
    ]
    marks += [
        f'<text x="{x(n):.0f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{n}</text>'
        for n in range(0, 31, 5)
    ]
    for family, colour in COLOURS.items():
        dots = sorted(
            (x(score.false_a_week), y(within(score.long, 24)))
            for kind, _, score in rows
            if kind == family
        )
        marks += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="5" fill="{colour}"/>' for a, b in dots]
    for place, (family, colour) in enumerate(COLOURS.items()):
        at = LEFT + 8 + 168 * place
        marks.append(
            f'<circle cx="{at}" cy="18" r="5" fill="{colour}"/><text x="{at + 10}" y="22">'
            f"{family}</text>"
        )
    under = (
        "false pages a worker-week; told within 24 h, of the absences of 24 h and more; simulated"
    )
    marks.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{under}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="13" fill="#333"><title>The frontier</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>' + "".join(marks) + "</svg>\n"
    )


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
