"""Every file that is made of what is measured."""

from collections.abc import Sequence
from pathlib import Path

from tools import docs
from tools.frontier import drawing, measuring
from tools.frontier.figures import worlds
from tools.frontier.measured import Line
from tools.frontier.page import blocks

PAGE, PICTURES = Path("docs/frontier.md"), Path("docs/pictures")
MEASURE = "run `python -m tools.frontier measure` to its end"


def drawn(lines: Sequence[Line]) -> dict[Path, str]:
    """Each file that is made of what is measured: the pictures and the page. ValueError where a
    world is missing."""
    every = {one.name: one for one in worlds(lines)}
    missing = sorted(set(measuring.WORLDS) - set(every))
    if missing:
        raise ValueError(f"not measured yet, {MEASURE}: {', '.join(missing)}")
    for kind in ("week", "world", "curve"):
        with_what = {(line["policy"], line["code"]) for line in lines if line["of"] == kind}
        if len(with_what) > 1:
            raise ValueError(f"measured with more than one policy or code, {MEASURE}: {kind}")
    files = {PICTURES / "worlds-key.svg": drawing.key()}
    if points := [line for line in lines if line["of"] == "curve"]:
        files[PICTURES / "roll-calls.svg"] = drawing.curve(points)
    for line in lines:
        if line["of"] == "week":
            name = line["world"]
            picture = drawing.picture(line, every.get(name))
            files[PICTURES / f"world-{name}.svg"] = picture
    page = PAGE.read_text(encoding="utf-8")
    for name, body in blocks(lines).items():
        page = docs.filled(page, name, body)
    return {**files, PAGE: page}
