"""Makes the children of a try, by the code that it is run with (that of the release, before any
upgrade): `python -m tests.upgrades.peopling URL HOW_MANY HISTORY EVERY_S GRACE_S`. Prints them."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.cluster.history import History
from tests.cluster.product import Agreed, populate


async def main(url: str, how_many: str, path: str, every_s: str, grace_s: str) -> None:
    history = History(Path(path))
    children = await populate(url, int(how_many), history, Agreed(int(every_s), int(grace_s)))
    history.close()
    print(json.dumps([asdict(child) for child in children]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
