"""What a start reads, and what it leaves for later."""

import gc
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.starting import late, uncollected
from tests.test_layers import FILES, SERVER

# Each is a tenth of a start or a few hundredths of it, and one kind of request needs it.
LATE = (
    "webpush",
    "OpenSSL",
    "webauthn.helpers",
    "pydantic",
    "jwt.algorithms",
    "segno.writers",
    "typst._typst",
    "PIL._imaging",
    "aiosmtplib",
)


def loaded_after(script: str) -> set[str]:
    """The modules that a new process has after these lines."""
    lines = f"import sys\n{script}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_a_process_that_serves_reads_no_library_that_one_request_in_thousands_needs() -> None:
    roots = "from server import app, checking, serving, ticker; from server.demo import commands"
    starting = "from server.starting import importing_rooms"
    loaded = loaded_after(f"{starting}\nwith importing_rooms(): {roots}\napp.routes()")
    assert "server.desk.pages" in loaded
    assert not {*LATE} & loaded


def test_a_ticker_alone_reads_no_page_and_the_web_alone_no_ticker() -> None:
    assert "server.app" not in loaded_after("from server import serving, ticker")
    assert "apscheduler" not in loaded_after("from server import app, serving")


def test_a_command_reads_the_rooms_of_no_other_command() -> None:
    script = (
        "from server.__main__ import main\ntry: main(['serve', '--help'])\nexcept SystemExit: 0"
    )
    loaded = loaded_after(script)
    assert "server.settings" in loaded
    assert not {"tortoise", "server.app", "server.why.commands"} & loaded


def test_a_library_is_read_when_it_is_first_used_and_missed_at_once() -> None:
    script = "from server.starting import late\nlibrary = late('tomllib')\n"
    assert "tomllib._parser" not in loaded_after(script)
    assert "tomllib._parser" in loaded_after(f"{script}library.loads('a = 1')")
    assert late("sys") is sys
    with pytest.raises(ImportError, match="no_such_library"):
        late("no_such_library")


# A library that cannot be read the first time, as where no file descriptor is free.
HARD = """
import pathlib, threading
folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))
from server.starting import late
library = late("hard")
"""


def run_with(folder: Path, source: str, script: str) -> None:
    """Runs the script in a new process, where `library` is a late one with this source."""
    (folder / "hard.py").write_text(source)
    subprocess.run(
        [sys.executable, "-c", f"import sys\n{HARD}{script}", str(folder)], check=True, timeout=60
    )


def test_a_library_whose_first_reading_fails_is_read_the_next_time(tmp_path: Path) -> None:
    source = """
import pathlib, sys
mark = pathlib.Path(sys.argv[1], "tried")
if not mark.exists():
    mark.touch()
    raise OSError("Too many open files")
half = 0.5
"""
    script = (
        "try: library.half\nexcept OSError: pass\nelse: sys.exit(1)\nassert library.half == 0.5"
    )
    run_with(tmp_path, source, script)


def test_a_library_that_several_threads_ask_for_at_once_is_read_once(tmp_path: Path) -> None:
    source = """
import pathlib, sys
pathlib.Path(sys.argv[1], "read").open("a").write("once")
for number in range(200_000):  # The others come while it is being read.
    pass
half = 0.5
"""
    script = """
asked, seen = threading.Barrier(4), []
def ask():
    asked.wait()
    seen.append(library.half)
threads = [threading.Thread(target=ask) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert seen == [0.5] * 4
assert (folder / "read").read_text() == "once"
"""
    run_with(tmp_path, source, script)


def test_the_collector_is_as_before_when_a_block_without_it_ends() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_frozen_value_is_a_struct_where_it_needs_nothing_that_only_a_dataclass_has() -> None:
    """The class of a dataclass is compiled anew at each start: half a millisecond."""
    usual = "@dataclass(frozen=True, slots=True"
    found = {path.relative_to(SERVER).as_posix() for path in FILES if usual in path.read_text()}
    # A key that is never printed, and offers that are stored by `asdict`.
    assert found == {"notify/channels/vapid.py", "plan/goal_templates/rules.py"}


def test_what_was_imported_is_left_alone_by_the_collector() -> None:
    script = "import gc\nfrom server.starting import importing_rooms\nwith importing_rooms(): 0"
    kept = "\nif gc.get_freeze_count() > 10_000: sys.modules['kept'] = None"
    assert "kept" in loaded_after(script + kept)


def test_no_model_has_comments_that_the_orm_would_have_read() -> None:
    """`server/starting.py` keeps it from looking for them."""
    models = [path for path in FILES if "models" in path.name or "partitions" in path.name]
    assert len(models) > 30
    assert not [path for path in models if re.search(r"^\s*#:", path.read_text(), re.MULTILINE)]
