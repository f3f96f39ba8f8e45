"""Write the locks (`python -m tools.locks write`) and say whether they are current (`... check`).

A lock pins every package, with the hashes of all its files, for every platform and every Python
from 3.11 on. Its head names a digest of the requirements that it was made from, so that checking
needs no network: whoever edits pyproject.toml changes the digest, and `make lock` brings the two
together again.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIGEST = re.compile(r"^# made from: sha256 ([0-9a-f]{64})$", re.MULTILINE)
# A host, a path, or anything else that would tie the lock to the machine where it was made.
FOREIGN = re.compile(r"://|^\s*-(?!-hash=)|\s@\s|(?:^|\s)/\w", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    file: str
    groups: tuple[str, ...]
    has_runtime: bool = True
    inside: str | None = None
    """Another lock whose pins this one repeats, so that tests run what is served."""


LOCKS = (
    Lock("requirements.txt", ("build",)),
    Lock("requirements-dev.txt", ("build", "dev"), inside="requirements.txt"),
    Lock("requirements-node.txt", ("node",), has_runtime=False),
    Lock("requirements-traces.txt", ("traces",), has_runtime=False, inside="requirements-dev.txt"),
)


def requirements(lock: Lock, project: dict[str, object]) -> list[str]:
    """The requirements that `lock` is made from, as pyproject.toml has them, includes resolved."""
    wanted: list[str] = []
    if lock.has_runtime:
        wanted += _table(project, "project")["dependencies"]
    for group in lock.groups:
        wanted += _group(group, _table(project, "dependency-groups"))
    return sorted(set(wanted))


def digest(wanted: list[str]) -> str:
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def faults(lock: Lock, text: str, wanted: list[str]) -> list[str]:
    """Everything that is wrong with a lock's text, in words; nothing for a good one."""
    found = []
    named = DIGEST.search(text)
    if named is None or named[1] != digest(wanted):
        found.append("was made from other requirements than pyproject.toml has now")
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    pins = re.findall(r"^([a-z0-9-]+)(?:\[[^]]*\])?==", body, re.MULTILINE)
    if FOREIGN.search(body):
        found.append("names a host, a path or an option of pip")
    if len(pins) != len(re.findall(r"==[^\n]*\\\n\s+--hash=sha256:", body)):
        found.append("has a package without hashes")
    names = {re.split(r"[\[<>=!~; ]", each)[0].lower().replace("_", "-") for each in wanted}
    found += [f"lacks {name}" for name in sorted(names - set(pins))]
    return found


def npm_faults(text: str) -> list[str]:
    """The same for the lock of the phone's app; `npm ci` itself compares it with package.json."""
    return ["names where packages are downloaded from"] if '"resolved"' in text else []


def check() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[str] = []
    for lock in LOCKS:
        path = ROOT / lock.file
        text = path.read_text() if path.exists() else ""
        found += [f"{lock.file} {why}" for why in faults(lock, text, requirements(lock, project))]
    npm = ROOT / "pwa" / "package-lock.json"
    if npm.exists():
        found += [f"pwa/package-lock.json {why}" for why in npm_faults(npm.read_text())]
    print(*found or ["Locks are current."], sep="\n")
    if found:
        print("`make lock` writes the locks anew.")
    return 1 if found else 0


def write(*, upgrade: bool) -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for lock in LOCKS:
        wanted = requirements(lock, project)
        path = ROOT / lock.file
        # uv keeps the pins of the file that it overwrites, unless it is told to upgrade.
        command = ["uv", "pip", "compile", "-", "--universal", "--python-version", "3.11"]
        command += ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
        command += ["--quiet", "--output-file", lock.file]
        command += ["--upgrade"] if upgrade else []
        command += ["--constraint", lock.inside] if lock.inside else []
        subprocess.run(command, cwd=ROOT, input="\n".join(wanted), text=True, check=True)
        body = path.read_text()
        head = "# Written by `make lock`; change pyproject.toml instead.\n"
        path.write_text(f"{head}# made from: sha256 {digest(wanted)}\n{body}")
        print(f"{lock.file}: {len(re.findall(r'^[a-z0-9].*==', body, re.MULTILINE))} packages")
    return check()


def _table(project: dict[str, object], name: str) -> dict[str, Any]:
    table = project[name]
    if not isinstance(table, dict):
        raise TypeError(f"{name} in pyproject.toml is not a table")
    return table


def _group(name: str, groups: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for each in groups[name]:
        found += _group(each["include-group"], groups) if isinstance(each, dict) else [each]
    return found


def main(arguments: list[str]) -> int:
    if arguments == ["check"]:
        return check()
    if arguments in (["write"], ["write", "--upgrade"]):
        return write(upgrade="--upgrade" in arguments)
    print("python -m tools.locks check | write [--upgrade]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
