"""A day's use of the app that a phone has: four openings and two check-ins, on the wire."""

import json
from typing import Any

from tests.bench.phone import phone

KB = 20
OPENINGS, CHECK_INS = 4, 2


def measure(openings: int = OPENINGS, check_ins: int = CHECK_INS) -> dict[str, Any]:
    """The figure: all that came to the phone in the day."""
    with phone() as child:
        child.pair()
        child.wire.clear()
        for opening in range(openings):
            child.close_page()
            child.open()
            child.settle()
            if opening < check_ins:
                child.check_in()
                child.settle()
        size, requests = child.wire.size, len(child.wire.fetched)
        sent = sum(one.path == "/api/v1/check-ins" for one in child.wire.fetched)
        assert sent == check_ins, f"{sent} check-ins went over the wire"
    return {
        "what": "a day's use after that (four openings, two check-ins), on the wire",
        "shown": f"{size / 1000:.0f} kB in {requests} requests",
        "goal": f"≤ {KB} kB",
        "bytes": size,
        "requests": requests,
        "is_reached": size <= KB * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
