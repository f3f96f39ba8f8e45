"""The first load of /app/ on a phone that has never been here: bytes and requests on the wire.

All of it until nothing more is fetched: page, scripts, styles, icons, and what the worker takes for
later. In each language, and the largest counts.
"""

import json
from collections.abc import Sequence
from typing import Any

from tests.bench.phone import phones

KB, REQUESTS, SCRIPT_KB = 80, 10, 40
LOCALES = ("en-GB", "fr-FR", "ar")


def measure(locales: Sequence[str] = LOCALES) -> dict[str, Any]:
    """The figure: the largest of the languages."""
    found = []
    with phones() as make:
        for locale in locales:
            phone = make(locale)
            phone.wire.clear()
            phone.page.goto(phone.app)
            phone.page.wait_for_selector("h1")
            phone.settle()
            wire = phone.wire
            found.append((wire.size, len(wire.fetched), wire.scripts))
            phone.context.close()
    size, requests, scripts = (max(one[place] for one in found) for place in range(3))
    return {
        "what": "first load of `/app/` on the wire",
        "shown": f"{size / 1000:.0f} kB, {requests} requests, JavaScript {scripts / 1000:.0f} kB",
        "goal": f"≤ {KB} kB, ≤ {REQUESTS} requests, JavaScript ≤ {SCRIPT_KB} kB",
        "bytes": size,
        "requests": requests,
        "script_bytes": scripts,
        "by_language": dict(zip(locales, found, strict=True)),
        "is_reached": size <= KB * 1000 and requests <= REQUESTS and scripts <= SCRIPT_KB * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
