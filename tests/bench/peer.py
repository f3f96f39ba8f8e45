"""Healthchecks, the peer that watches over checks as we watch over children, for one benchmark.

It is no part of this project and no package: an engineer unpacks a release into a folder, makes an
environment for it (its `requirements.txt`; Python 3.12 or later) and names both:

    HEALTHCHECKS=folder HEALTHCHECKS_PYTHON=environment/bin/python python -m tests.bench told

Without them the benchmark says that it was not compared.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.load import cpu_seconds
from tests.bench.wire_times import Wire
from tests.postgres import Server

THREADS = 10
"""Of its sender, which has one unless it is told otherwise: more are faster, so it gets them."""
LONGEST_S = 600
_SEED = """
from hc.api.models import Channel, Check
from hc.accounts.models import Project
from django.contrib.auth.models import User
import json
user = User.objects.create(username="bench", email="bench@example.org")
project = Project.objects.create(owner=user)
spec = {"method_down": "POST", "url_down": "ORIGIN/told", "body_down": "$NAME is $STATUS",
        "headers_down": {}, "method_up": "GET", "url_up": "", "body_up": "", "headers_up": {}}
channel = Channel.objects.create(project=project, kind="webhook", value=json.dumps(spec))
checks = Check.objects.bulk_create([Check(project=project, name=f"c{n}") for n in range(MANY)])
channel.checks.set(checks)
"""
# One moment for all; the last ping is as far back as the time and the grace together.
_LATE = """
from datetime import UTC, datetime, timedelta
from hc.api.models import Check, Flip, Notification
moment = datetime.fromtimestamp(MOMENT, UTC)
Notification.objects.all().delete(); Flip.objects.all().delete()
Check.objects.update(status="up", last_ping=moment - timedelta(days=1, hours=1), n_pings=1,
                     alert_after=moment)
"""


@dataclass(frozen=True)
class Told:
    """What one run came to: seconds from the moment until the first and the last message was at
    the other end, and CPU microseconds of the process for each."""

    first_s: float
    last_s: float
    messages: int
    cpu_us: float


def is_there() -> bool:
    """Whether there is one to compare with."""
    return "HEALTHCHECKS" in os.environ


class Peer:
    """One that has a database on the same server."""

    def __init__(self, server: Server, wire: Wire, many: int) -> None:
        self._folder = Path(os.environ["HEALTHCHECKS"])
        self._python = os.environ["HEALTHCHECKS_PYTHON"]
        self._wire, self._many = wire, many
        server.create_database("peer")
        self._environ = os.environ | {
            "DB": "postgres",
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(server.port),
            "DB_NAME": "peer",
            "DB_USER": "postgres",
            "DEBUG": "False",
            "SECRET_KEY": "a secret of the benchmarks alone",
            "INTEGRATIONS_ALLOW_PRIVATE_IPS": "True",
        }
        self._do("migrate", "--verbosity", "0")
        self._shell(_SEED.replace("ORIGIN", wire.origin).replace("MANY", str(many)))

    def run(self) -> Told:
        """All checks late in one moment, until the last webhook was called."""
        self._wire.taken()
        moment = time.time() + 10
        self._shell(_LATE.replace("MOMENT", repr(moment)))
        with self._sending() as pid:
            times: list[float] = []
            cpu = cpu_seconds(pid)
            while len(times) < self._many:
                if time.time() > moment + LONGEST_S:
                    raise TimeoutError("the peer does not tell")
                time.sleep(0.2)
                times += self._wire.taken()
            cpu = cpu_seconds(pid) - cpu
        assert min(times) >= moment, "it told before the moment"
        return Told(min(times) - moment, max(times) - moment, len(times), cpu / self._many * 1e6)

    def _do(self, *words: str) -> None:
        command = [self._python, "manage.py", *words]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])

    def _shell(self, script: str) -> None:
        self._do("shell", "--verbosity", "0", "-c", script)

    @contextlib.contextmanager
    def _sending(self) -> Iterator[int]:
        command = [self._python, "manage.py", "sendalerts", "--num-workers", str(THREADS)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=self._folder, env=self._environ, stdout=quiet, stderr=quiet
        ) as process:
            try:
                yield process.pid
            finally:
                process.terminate()
                process.wait(60)
