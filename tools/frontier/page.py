"""The tables of the worlds in docs/frontier.md, from the measured file."""

from collections.abc import Callable, Iterator, Sequence

from server.policy.budget import CHILDREN_A_WORKER
from server.simulation.reports import fairness
from server.simulation.reports.fairness import Gap
from server.simulation.worlds.table import WORLDS
from tools.docs import NO, table
from tools.frontier import figures as goals
from tools.frontier.figures import Figures, all_of, false_alone, share, worlds
from tools.frontier.measured import Line

FEW = fairness.FEW


def blocks(lines: Sequence[Line]) -> dict[str, str]:
    """Each block of the page by its name."""
    every = worlds(lines)
    whole = all_of(every)
    rows = [*_false(every, whole), *_told(every, whole), *_asked(every, whole)]
    return {
        "answers": answers(every, whole),
        "pictures": pictures(lines, every),
        "reached": reached(rows),
        "worlds": by_world(every, whole),
        "fairness": fair(every, whole),
        "roll-calls": curve(lines),
    }


# --- the answers in sentences

_WEEKS_A_MONTH = 30.4375 / 7


def answers(every: Sequence[Figures], whole: Figures) -> str:
    """What a manager asks first."""
    worst, runs = max(every, key=lambda world: world.false), len(whole.line["runs"])
    least_told = min(world.told for world in every)
    for_one = whole.line["false"] / max(whole.line["told"], 1)
    sentences = [
        "**Does it warn?** Of 100 simulated children who were still away after 24 hours, adults"
        f" had been called about {whole.told * 100:.0f}; in the worst world about"
        f" {least_told * 100:.0f}.",
        f"**What does it cost?** {_a_week(whole.false)} false alarms a week for a worker with"
        f" {CHILDREN_A_WORKER} children, {_a_week(worst.false)} in the worst world"
        f" (`{worst.name}`). Most alarms are false: {for_one:.0f} for each absence told in time.",
        *_worse(whole),
        f"**How much was simulated?** {runs} runs in {len(every)} worlds, each of"
        f" {whole.children // runs} children for {whole.line['days']} days;"
        f" {whole.children:,} children.",
    ]
    return "\n".join(f"- {sentence}" for sentence in sentences)


_PAIRS = (
    ("home", "flat", "home"),
    ("carer", "without", "with"),
    ("answers", "seldom", "nearly always"),
)


def _worse(whole: Figures) -> Iterator[str]:
    """Which children fare worse; nothing where a world has none of them."""
    classes = {(of.kind, of.name): of for of in whole.classes()}
    pairs = [(classes.get((kind, x)), classes.get((kind, y))) for kind, x, y in _PAIRS]
    times = [
        f"{more.false_a_month / less.false_a_month:.1f} times"
        for more, less in pairs
        if more is not None and less is not None and less.false
    ]
    if len(times) < len(pairs):
        return
    flat, home = (classes["home", name] for name in ("flat", "home"))
    yield (
        f"**Who fares worse?** Children in flats have {times[0]} the false alarms of those in"
        f" homes, and {share(flat.told, flat.absences)} told against"
        f" {share(home.told, home.absences)}. Children without a carer have {times[1]} those of"
        f" others, and children who seldom answer {times[2]} those of children who nearly always"
        " do. Phone and language make no such difference."
    )


def _a_week(false_a_month: float) -> str:
    return f"{false_a_month * CHILDREN_A_WORKER / _WEEKS_A_MONTH:.1f}"


# --- the pictures


def pictures(lines: Sequence[Line], every: Sequence[Figures]) -> str:
    """A picture for each world, with the same in words for those who cannot see it."""
    by_name = {one.name: one for one in every}
    found = ["![What the marks of a week mean](pictures/worlds-key.svg)"]
    weeks = [line for line in lines if line["of"] == "week"]
    # The ordinary world has no figures, and stands first to compare with.
    for week in sorted(weeks, key=lambda line: line["world"] in by_name):
        name = week["world"]
        found.append(f"![{alternative(week, by_name.get(name))}](pictures/world-{name}.svg)")
    # Two stand side by side on a wide screen: two in a line here.
    pairs = [found[number : number + 2] for number in range(0, len(found), 2)]
    return "\n".join(" ".join(pair) for pair in pairs)


def alternative(week: Line, figures: Figures | None) -> str:
    """A picture in words."""
    marks = [what for life in week["lives"] for _, what in life["marks"]]
    called = [what for life in week["lives"] for _, what in life["called"]]
    due = marks.count("answered") + marks.count("missed")
    away = sum(bool(life["away"]) for life in week["lives"])
    says = (
        f"World {week['world']}, simulated. {WORLDS[week['world']].says} A week of"
        f" {len(week['lives'])} children: {marks.count('answered')} of {due} check-ins answered;"
        f" “not here” at {_number(marks.count('not_here'), 'roll call')}; {away} away; adults"
        f" called {_number(len(called), 'time')}, {called.count('false')} of them a false alarm."
    )
    if figures is None:
        return says
    return (
        f"{says} All weeks from the seventh on: {figures.false:.2f} false alarms a child-month;"
        f" {share(figures.line['told'], figures.absences)} told within 24 hours."
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


# --- what was asked for

Row = tuple[str, str, str, str]


def reached(rows: Sequence[Row]) -> str:
    """Each figure against what was to be reached."""
    return table(["what", "found", "to reach", ""], rows)


def _false(every: Sequence[Figures], whole: Figures) -> Iterator[Row]:
    figures: tuple[tuple[str, Callable[[Figures], float], float], ...] = (
        ("false alarms a child-month, from week seven on", lambda one: one.false, goals.FALSE),
        ("the same, in the first six weeks", lambda one: one.first, goals.FIRST_FALSE),
    )
    for what, of, goal in figures:
        worst = max(every, key=of)
        found = f"{of(whole):.2f}; worst {of(worst):.2f} (`{worst.name}`)"
        within = sum(of(one) <= goal for one in every)
        above = len(every) - within
        says = f"**missed** in {above} of {len(every)} worlds" if above else "reached"
        yield what, found, f"≤ {goal} in each world", says
    yield (
        "high watch level: false alarms in a month at that level",
        f"{whole.high:.1f}",
        f"≤ {goals.HIGH_FALSE:.0f}",
        _says(whole.high <= goals.HIGH_FALSE),
    )


def _told(every: Sequence[Figures], whole: Figures) -> Iterator[Row]:
    line = whole.line
    yield (
        "told within 24 hours, of those still away then",
        share(line["told"], whole.absences),
        f"≥ {goals.TOLD:.0%}",
        _says(whole.told >= goals.TOLD, whole.absences),
    )
    worst = min(every, key=lambda one: one.told)
    yield (
        "the same, in the worst world",
        f"{share(worst.line['told'], worst.absences)} (`{worst.name}`)",
        f"≥ {goals.WORST_TOLD:.0%}",
        _says(worst.told >= goals.WORST_TOLD, worst.absences),
    )
    classes = {one.name: one for one in whole.classes() if one.kind == "carer"}
    with_carer, without = classes["with"], classes["without"]
    yield (
        "told within 24 hours: children without a carer, against those with one",
        f"{share(without.told, without.absences)} against"
        f" {share(with_carer.told, with_carer.absences)}",
        "at least half",
        _says(without.share >= with_carer.share / 2, without.absences),
    )
    yield (
        "high level: told within 6 hours, of those still away then",
        share(line["high_told"], line["high_absences"]),
        f"≥ {goals.HIGH_TOLD:.0%}",
        _says(line["high_told"] >= goals.HIGH_TOLD * line["high_absences"], line["high_absences"]),
    )


def _asked(every: Sequence[Figures], whole: Figures) -> Iterator[Row]:
    worst = max(every, key=lambda one: one.questions)
    yield (
        "questions to carers a child-week",
        f"{whole.questions:.2f}; worst {worst.questions:.1f} (`{worst.name}`);"
        f" {whole.to_homes:.1f} more to homes about one child",
        f"≤ {goals.QUESTIONS:.0f}",
        _says(whole.questions <= goals.QUESTIONS),
    )
    yield (
        "roll calls of a home and day",
        f"{whole.calls:.1f}",
        f"≤ {goals.ROLL_CALLS}",
        _says(whole.calls <= goals.ROLL_CALLS),
    )


def _says(is_reached: bool, absences: float = FEW) -> str:
    if absences < FEW:
        return "too few to judge"
    return "reached" if is_reached else "**missed**"


# --- world by world

_COLUMNS: dict[str, Callable[[Figures], str]] = {
    "children": lambda one: f"{one.children}",
    "false alarms a child-month": lambda one: _marked(one.false, goals.FALSE),
    "in the first six weeks": lambda one: _marked(one.first, goals.FIRST_FALSE),
    "told within 24 hours": lambda one: share(one.line["told"], one.absences),
    "high: false alarms": lambda one: f"{one.high:.1f}",
    "questions to carers a week": lambda one: f"{one.questions:.1f}",
    "to homes": lambda one: f"{one.to_homes:.1f}",
}


def _marked(rate: float, goal: float) -> str:
    return f"{rate:.2f}" if rate <= goal else f"**{rate:.2f}**"


def by_world(every: Sequence[Figures], whole: Figures) -> str:
    """The figures of each world. Bold: more than was asked for."""
    rows = [[_named(one), *(of(one) for of in _COLUMNS.values())] for one in [*every, whole]]
    return table(["world", *_COLUMNS], rows)


def _named(one: Figures) -> str:
    return one.name if one.name == goals.ALL else f"`{one.name}`"


# --- fairness


def fair(every: Sequence[Figures], whole: Figures) -> str:
    """How far apart the classes of each kind are, and which fail."""
    rows = [
        [_named(one), *(_cell(one, kind) for kind in fairness.KINDS)] for one in [*every, whole]
    ]
    parts = [table(["world", *fairness.KINDS], rows), _verdict(every, whole), by_class(whole)]
    return "\n\n".join(parts)


def _cell(one: Figures, kind: str) -> str:
    """False alarms; told. In brackets: false alarms alone, where too few absences judge."""
    gaps = [gap for gap in one.gaps() if gap.more.kind == kind]
    if gaps:
        return "; ".join(_times(gap.times) for gap in gaps)
    alone = false_alone(one.classes(), kind)
    return NO if alone is None else f"({_times(alone)})"


def _times(times: float) -> str:
    if times <= fairness.MOST:
        return f"{times:.1f}"
    # Just above what is fair: not written as if it were fair.
    return f"**{times:.2f}**" if times < fairness.MOST + 0.05 else f"**{times:.1f}**"


def _verdict(every: Sequence[Figures], whole: Figures) -> str:
    judged = [one for one in every if one.gaps()]
    unfair = [one for one in every if one.unfair()]
    names = ", ".join(_named(one) for one in judged)
    found = (
        ["- Every world has enough absences to judge at least one kind of class."]
        if len(judged) == len(every)
        else [f"- Enough absences to judge at least one kind of class: {names or 'in no world'}."]
    )
    if unfair or whole.unfair():
        failing = [*unfair, *([whole] if whole.unfair() else [])]
        found.append(
            f"- **Not fair**: {'. '.join(f'{_named(one)}: {_gaps(one)}' for one in failing)}."
        )
    if judged and not unfair:
        found.append("- No class that is judged fails in a single world.")
    wide = {kind: sum(_is_wide(one, kind) for one in every) for kind in fairness.KINDS}
    together = {kind: false_alone(whole.classes(), kind) or 0 for kind in fairness.KINDS}
    alone = "; ".join(
        f"{kind} (in {worlds} of {len(every)} worlds; {together[kind]:.1f} times in all of them)"
        for kind, worlds in wide.items()
        if worlds or together[kind] > fairness.MOST
    )
    if alone:
        found.append(
            "- **By false alarms alone**, which can be counted without absences, one class has more"
            f" than twice as many as another: {alone}."
        )
    return "\n".join(found)


def _gaps(one: Figures) -> str:
    return "; ".join(map(_gap, one.unfair()))


def _gap(gap: Gap) -> str:
    what = "false alarms" if gap.what == "false pages" else gap.what
    return f"{what}, {gap.more.kind}: {gap.more.name} {gap.times:.1f} times {gap.less.name}"


def _is_wide(one: Figures, kind: str) -> bool:
    times = false_alone(one.classes(), kind)
    return times is not None and times > fairness.MOST


def by_class(whole: Figures) -> str:
    """Every class, all worlds together."""
    rows = []
    for kind in fairness.KINDS:
        classes = [one for one in whole.classes() if one.kind == kind]
        rows.append(
            [
                kind,
                ", ".join(f"{one.name} {one.false_a_month:.2f}" for one in classes),
                ", ".join(f"{one.name} {share(one.told, one.absences)}" for one in classes),
            ]
        )
    return table(["class", "false alarms a child-month", "told within 24 hours"], rows)


# --- the roll calls of a day


def curve(lines: Sequence[Line]) -> str:
    """None, two and three roll calls a day: a row each, with lower and higher odds."""
    points = {(line["roll_calls"], line["times"]): line for line in lines if line["of"] == "curve"}
    if not points:
        return NOT_MEASURED
    times = sorted({of for _, of in points})
    rows = [
        [_calls(calls), *(_point(points[calls, of]) for of in times)]
        for calls in sorted({calls for calls, _ in points})
    ]
    runs = [run.split() for run in next(iter(points.values()))["runs"]]
    are_shared = len({seed for _, seed in runs}) < len(runs)
    shared = " They share children, so they say less than their number." if are_shared else ""
    head = ["roll calls a day", *(f"{of:g} times the line" for of in times)]
    names = {name for name, _ in runs}
    says = (
        f"{len(runs)} runs, in {len(names)} of the worlds.{shared} False alarms a child-month; told"
        " within 24 hours:"
    )
    return f"{_CURVE}\n\n{says}\n\n{table(head, rows)}"


_CURVE = (
    "![None, two and three roll calls a day, simulated: the share told within 24 hours against the"
    " false alarms a child-month; the table has the same](pictures/roll-calls.svg)"
)
NOT_MEASURED = "Not measured yet: `python -m tools.frontier measure`."


def _calls(number: int) -> str:
    return str(number) if number else "none"


def _point(line: Line) -> str:
    return f"{line['false'] / line['months']:.2f}; {share(line['told'], line['absences'])}"
