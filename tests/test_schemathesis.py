"""The API does what its document says: schemathesis, from outside, as a stranger would run it.

tests/outside asks the same with a session for each call, on both databases; here is the command
line with its defaults, which also tries boundaries, methods that there are not, and calls in a row.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures import Database
from tests.serving import serving

# A rule of ours that spans fields, or that knows what the document cannot (which push services may
# be sent to), refuses with a 422 that the document declares: that is an answer, not a fault.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 422, 429]
"""
EXAMPLES = 6
PATIENCE_S = int(os.environ.get("WAYMARK_TEST_PATIENCE_S", "540"))
SEED = int(os.environ.get("WAYMARK_TEST_SEED", "1"))


@pytest.mark.drawn
@pytest.mark.long
@pytest.mark.parametrize("migrated", ["postgres"], indirect=True)
def test_the_api_does_what_its_document_says(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stream ends at once: a stranger who reads one to its end would wait for half an hour.
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG)
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    with serving(migrated.url, tmp_path) as served:
        done = subprocess.run(
            [
                program,
                f"--config-file={config}",
                "run",
                f"{served.url}/api/v1/openapi.json",
                f"--header=Authorization: {served.bearer('tom')['authorization']}",
                # It ends the very session that all other calls use.
                "--exclude-operation-id=delete_sessions",
                f"--max-examples={EXAMPLES}",
                "--workers=1",
                f"--seed={SEED}",
                "--no-color",
            ],
            capture_output=True,
            text=True,
            # Some 5,000 requests; pytest's own limit lies above.
            timeout=PATIENCE_S,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
