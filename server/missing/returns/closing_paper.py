"""The summary of a return as a PDF, in the reader's language."""

from pathlib import Path
from typing import Any

from server.i18n import direction
from server.missing.returns.closing import Line, Section
from server.plan.paper.scripts import isolated, paragraphs
from server.plan.paper.typeset import typeset

_SOURCE = Path(__file__).with_name("closing.typ")


def pdf(
    title: str,
    lead: str,
    sections: list[Section],
    line: dict[str, Any],
    *,
    language: str,
    footer: str,
) -> bytes:
    """The pages. `line`: the line of time, as for paper. People's words are data for Typst, never
    source."""
    data = {
        "language": language,
        "is_rtl": direction(language) == "rtl",
        "title": title,
        "lead": lead,
        "line": line,
        "sections": [_section(section, language) for section in sections],
        "footer": footer,
    }
    return typeset(_SOURCE, data)


def _section(section: Section, language: str) -> dict[str, Any]:
    return {
        "title": section.title,
        "none": section.none,
        "lines": [_line(line, language) for line in section.lines],
    }


def _line(line: Line, language: str) -> dict[str, Any]:
    return {
        "text": line.text,
        "facts": [[label, isolated(value, language)] for label, value in line.facts],
        "words": paragraphs(line.words, language),
        "by": isolated(line.by, language),
    }
