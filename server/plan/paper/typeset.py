"""Typesets a page: a source, its data, the fonts of the lock file, and text that can be copied."""

import json
from functools import partial
from pathlib import Path
from typing import Any, Final

from server.plan.paper.fonts import families, fonts, has
from server.plan.paper.scripts import settable

# Sources read shared code from there.
_ROOT: Final = Path(__file__).parents[2]
# These are for Typst, and no words.
_NAMES: Final = frozenset({"language", "lang", "dir"})


def typeset(source: Path, data: dict[str, Any], **inputs: str) -> bytes:
    """The PDF. `data` has its language (`language`) and people's words, which are data for Typst
    and never source; further `inputs` are handed over as they are."""
    # Libraries for PDF take a twentieth of the start, and most processes never set a page. Several
    # threads set pages: an import in the function waits where another one has begun it.
    import typst

    from server.plan.paper.textlayer import mend

    words = json.dumps(_prepared(data, data["language"]), ensure_ascii=False)
    made: bytes = typst.compile(
        str(source),
        root=str(_ROOT),
        format="pdf",
        font_paths=fonts(),
        sys_inputs={"data": words, "fonts": json.dumps(families(words)), **inputs},
    )
    return mend(made)


def _prepared(value: Any, language: str) -> Any:
    """The same data with every text ready to be typeset."""
    if isinstance(value, str):
        return settable(value, language, has)
    if isinstance(value, list):
        return list(map(partial(_prepared, language=language), value))
    if isinstance(value, dict):
        return {
            name: entry if name in _NAMES else _prepared(entry, language)
            for name, entry in value.items()
        }
    return value
