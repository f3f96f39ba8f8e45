"""The grab pack under a passphrase, from the tap on "Send it" until it lies in the outbox and the
passphrase can be read out: through the whole application, PostgreSQL."""

import asyncio
import json
import statistics
import tempfile
import time
from typing import Any
from uuid import uuid4

import httpx2

from server.missing.search.models import Episode
from server.notify.models import Enclosure, Message
from tests.bench.bench_pack import PAGE_KB, PAGE_MS, RUNS, prepared
from tests.postgres import running

# Nobody listens there: what is measured ends at the outbox.
MAIL = {"WAYMARK_SMTP_URL": "smtp://127.0.0.1:1", "WAYMARK_MAIL_FROM": "planner@example.org"}
FORM = {"to": "police", "address": "desk@police.example.org", "copy": "police", "language": "en"}


async def _measure(url: str, folder: str, runs: int) -> tuple[list[float], int]:
    sent: list[float] = []
    async with (
        prepared(url, folder, **MAIL) as (app, child_id, token),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app),
            base_url="http://127.0.0.1:8000",
            headers={"accept": "text/html", "sec-fetch-site": "same-origin"},
            cookies={"s": token},
        ) as browser,
    ):
        episode = await Episode.get(child_id=child_id)
        for _ in range(runs):
            began = time.perf_counter()
            path = f"/desk/episodes/{episode.id}/mail"
            answer = await browser.post(path, data={"id": str(uuid4()), **FORM})
            sent.append(time.perf_counter() - began)
            assert answer.status_code == 303, answer.text
        assert await Message.filter(kind="paper").count() == runs
        files = await Enclosure.all()
        return sent, max(len(one.content) for one in files)


def measure(runs: int = RUNS) -> dict[str, Any]:
    """The figures: how long somebody waits for the passphrase, and how large the file is."""
    with tempfile.TemporaryDirectory() as folder, running(is_durable=True) as server:
        url = server.create_database("bench")
        sent, size = asyncio.run(_measure(url, folder, runs))
    median = statistics.median(sent) * 1e3
    return {
        "what": "the page of a grab pack under a passphrase, put into the outbox, PostgreSQL",
        "shown": f"{median:.0f} ms at the median; {size / 1e3:.0f} kB",
        "goal": f"≤ {PAGE_MS} ms; ≤ {PAGE_KB} kB",
        "pack_mail": round(median),
        "sent_ms": [round(one * 1e3) for one in sent],
        "size_kb": round(size / 1e3),
        "is_reached": median <= PAGE_MS and size <= PAGE_KB * 1e3,
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2, ensure_ascii=False))
