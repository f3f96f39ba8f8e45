"""A backup's file taken apart and put together again, with the keys or without."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.security import encryption

Row = dict[str, Any]


def members(path: Path) -> dict[str, bytes]:
    """What is in it, by name."""
    with zipfile.ZipFile(path) as inner:
        return {name: inner.read(name) for name in inner.namelist()}


def write(path: Path, parts: dict[str, bytes]) -> None:
    """A file of these parts."""
    with zipfile.ZipFile(path, "w") as inner:
        for name, text in parts.items():
            inner.writestr(name, text)


def change_manifest(path: Path, change: Callable[[Any], None]) -> None:
    """Change the manifest, and sign it as somebody with the keys could."""
    parts = members(path)
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    parts["manifest.json"] = json.dumps(manifest).encode()
    digest = hashlib.sha256(parts["manifest.json"]).hexdigest()
    parts["signature"] = encryption.sign(digest, "backup").encode()
    write(path, parts)


def change_rows(path: Path, table: str, change: Callable[[Row], None]) -> None:
    """Change rows of a table, so that the file is whole and signed all the same: as it is where
    what was backed up was damaged already."""
    parts = members(path)
    entry = next(
        one for one in json.loads(parts["manifest.json"])["tables"] if one["name"] == table
    )
    lines = []
    for line in parts[f"tables/{table}.jsonl"].splitlines():
        row = dict(zip(entry["columns"], json.loads(line), strict=True))
        change(row)
        lines.append(json.dumps([*row.values()]).encode() + b"\n")
    parts[f"tables/{table}.jsonl"] = text = b"".join(lines)
    write(path, parts)

    def resum(manifest: Any) -> None:
        for one in manifest["tables"]:
            if one["name"] == table:
                one["sha256"] = hashlib.sha256(text).hexdigest()

    change_manifest(path, resum)


def spoilt(token: str) -> str:
    """A sealed value in which one letter has changed."""
    at = len(token) // 2
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
