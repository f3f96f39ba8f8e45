"""Whether a pinned package has a known vulnerability: `make audit`.

Every package of the three Python locks and of pwa/package-lock.json is looked up in a database of
the OSV format (https://osv.dev), by name and version. tools/audit.toml lists exceptions; each has
its reason and its last day, 90 days ahead at most.

`python -m tools.audit [--database URL]` ends with

    0  no known vulnerability beyond the exceptions
    1  a known vulnerability, or an exception whose last day is over
    2  a lock or tools/audit.toml cannot be read
    3  the database did not answer, so that nothing is known. This is not a clean result.

A database that answers "nothing" to everything would look like a clean result. So we also look up a
release that is known to be vulnerable (`CANARY`), and believe only a database that says so.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "https://api.osv.dev"
PYTHON_LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt")
NPM_LOCK = "pwa/package-lock.json"
EXCEPTIONS = "tools/audit.toml"
LONGEST_EXCEPTION = timedelta(days=90)
WITHIN_S = 20
AT_ONCE = 500
MOST_PAGES = 20

CLEAN, VULNERABLE, UNREADABLE, UNANSWERED = range(4)


@dataclass(frozen=True, order=True)
class Package:
    """One pinned release."""

    ecosystem: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


# Jinja2 2.4.1: a published sandbox escape (CVE-2016-10745), which no database forgets.
CANARY = Package("PyPI", "jinja2", "2.4.1")


@dataclass(frozen=True)
class Vulnerability:
    """What the database says of one release."""

    package: Package
    id: str
    names: frozenset[str]
    """Its id and its other ids, such as the CVE."""
    summary: str


@dataclass(frozen=True)
class Exemption:
    """One line of tools/audit.toml."""

    id: str
    package: str
    reason: str
    until: date

    def covers(self, vulnerability: Vulnerability) -> bool:
        """Whether it is about this vulnerability of this package."""
        return self.id in vulnerability.names and self.package == vulnerability.package.name


class Unreadable(Exception):
    """A lock or the list of exceptions is not what we read."""


class Unanswered(Exception):
    """The database did not answer, or not as such a database answers."""


# --- what is looked up


def packages(root: Path) -> list[Package]:
    """Every pinned release, each once. Raises Unreadable."""
    try:
        pins = {pin for name in PYTHON_LOCKS for pin in _python((root / name).read_text())}
        pins |= set(_npm(json.loads((root / NPM_LOCK).read_text())))
    except (OSError, ValueError, KeyError) as fault:
        raise Unreadable(f"A lock cannot be read: {fault}") from fault
    return sorted(pins)


def _python(text: str) -> Iterator[Package]:
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE):
        yield Package("PyPI", re.sub(r"[-_.]+", "-", name).lower(), version)


def _npm(lock: Any) -> Iterator[Package]:
    for place, entry in lock["packages"].items():
        if place:
            yield Package(
                "npm", entry.get("name") or place.rpartition("node_modules/")[2], entry["version"]
            )


# --- the exceptions


def exemptions(path: Path) -> list[Exemption]:
    """The list. Raises Unreadable, naming what is wrong."""
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
        found = [Exemption(**entry) for entry in entries]
    except (tomllib.TOMLDecodeError, TypeError) as fault:
        raise Unreadable(f"{EXCEPTIONS}: {fault}") from fault
    for entry in found:
        texts = (entry.id, entry.package, entry.reason)
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise Unreadable(f"{EXCEPTIONS}: an exception names id, package and reason")
        if type(entry.until) is not date:
            raise Unreadable(f"{EXCEPTIONS}: {entry.id}: until is a date such as 2027-01-31")
    return found


def faults_of(entries: Sequence[Exemption], today: date) -> list[str]:
    """What is wrong with the exceptions on this day."""
    over = [
        f"{it.id} ({it.package}): its exception ended on {it.until}."
        for it in entries
        if it.until < today
    ]
    long = [
        f"{it.id} ({it.package}): an exception lasts {LONGEST_EXCEPTION.days} days at most."
        for it in entries
        if it.until > today + LONGEST_EXCEPTION
    ]
    return over + long


# --- the database


def vulnerabilities(base: str, pins: Sequence[Package]) -> list[Vulnerability]:
    """What is known of these releases. Raises Unanswered."""
    asked = [*pins, CANARY]
    known: list[tuple[Package, str]] = []
    for start in range(0, len(asked), AT_ONCE):
        known += _batch(base, asked[start : start + AT_ONCE])
    if not any(package == CANARY for package, _ in known):
        raise Unanswered(f"it knows nothing of {CANARY}, which is vulnerable")
    details = {id_: _detail(base, id_) for id_ in sorted({id_ for _, id_ in known})}
    ours = [(package, details[id_]) for package, id_ in known if package != CANARY]
    return [_read(package, detail) for package, detail in ours if not detail.get("withdrawn")]


def _batch(base: str, pins: Sequence[Package]) -> Iterator[tuple[Package, str]]:
    """Each release with the id of each vulnerability, all pages of the answer."""
    waiting = [(pin, "") for pin in pins]
    for _ in range(MOST_PAGES):
        if not waiting:
            return
        answer = _call(f"{base}/v1/querybatch", {"queries": [_query(*each) for each in waiting]})
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(waiting):
            raise Unanswered("its answer does not fit what we asked")
        for (pin, _), result in zip(waiting, results, strict=True):
            yield from ((pin, entry["id"]) for entry in (result or {}).get("vulns", []))
        waiting = [
            (pin, result["next_page_token"])
            for (pin, _), result in zip(waiting, results, strict=True)
            if result and result.get("next_page_token")
        ]
    if waiting:
        raise Unanswered("its answer has no end")


def _query(pin: Package, page: str) -> dict[str, Any]:
    query: dict[str, Any] = {
        "package": {"ecosystem": pin.ecosystem, "name": pin.name},
        "version": pin.version,
    }
    return query | ({"page_token": page} if page else {})


def _detail(base: str, id_: str) -> dict[str, Any]:
    return _call(f"{base}/v1/vulns/{quote(id_, safe='')}", None)


def _read(package: Package, detail: dict[str, Any]) -> Vulnerability:
    names = frozenset({detail["id"], *detail.get("aliases", [])})
    summary = detail.get("summary") or (detail.get("details") or "").partition("\n")[0]
    return Vulnerability(package, detail["id"], names, summary[:120])


def _call(url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:  # noqa: S310
            decoded = json.loads(answer.read())
    except (OSError, ValueError) as fault:
        raise Unanswered(str(fault) or type(fault).__name__) from fault
    if not isinstance(decoded, dict):
        raise Unanswered("its answer is no object")
    return decoded


# --- what is said


def audit(root: Path, base: str, today: date) -> int:
    """Look everything up, say what is known, and return the exit code."""
    try:
        pins, entries = packages(root), exemptions(root / EXCEPTIONS)
    except Unreadable as fault:
        print(fault)
        return UNREADABLE
    faults = faults_of(entries, today)
    for line in faults:
        print(line)
    try:
        known = vulnerabilities(base, pins)
    except (Unanswered, KeyError, TypeError, AttributeError) as fault:
        print(_not_known(base, len(pins), fault))
        return VULNERABLE if faults else UNANSWERED
    return _tell(pins, known, entries) or (VULNERABLE if faults else CLEAN)


def _tell(
    pins: Sequence[Package], known: Sequence[Vulnerability], entries: Sequence[Exemption]
) -> int:
    bad = [each for each in known if not any(entry.covers(each) for entry in entries)]
    for each in bad:
        others = ", ".join(sorted(each.names - {each.id}))
        print(f"{each.package}: {each.id}{f' ({others})' if others else ''}: {each.summary}")
    for entry in _idle(known, entries):
        print(f"{entry.id} ({entry.package}): nothing known needs this exception. Take it away.")
    covered = len(known) - len(bad)
    print(
        f"{len(pins)} pinned packages looked up: {len(bad)} known vulnerabilities,"
        f" {covered} under an exception."
    )
    return VULNERABLE if bad else CLEAN


def _idle(known: Sequence[Vulnerability], entries: Iterable[Exemption]) -> Iterator[Exemption]:
    for entry in entries:
        if not any(entry.covers(each) for each in known):
            yield entry


def _not_known(base: str, many: int, fault: Exception) -> str:
    return (
        f"NOT AUDITED: {base} did not answer ({fault}).\n"
        f"Nothing is known about {many} pinned packages. This is not a clean result: run"
        " `make audit` where that address can be reached."
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument("--database", default=DATABASE, help="the address of the database")
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--root", type=Path, default=ROOT, help="where the locks are")
    given = parser.parse_args(arguments)
    return audit(given.root, given.database.rstrip("/"), given.today)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
