"""The bill of materials, CycloneDX 1.6, from the locks: `python -m tools.bill > bill.cdx.json`.

Everything that an image has: Python's packages, those of the app, and with `--debian` those of the
system on which this runs. Packages of npm that only build the app are in it as `excluded`. The same
locks give the same bill, to the letter.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)
# Of each package of Debian: name, version, architecture.
DEBIAN = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Architecture}\\n"]


def component(purl: str, name: str, version: str, **more: Any) -> dict[str, Any]:
    ref = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return ref | more


def of_python(lock: str) -> list[dict[str, Any]]:
    """A lock has the hashes of all files of a package, and not which of them was installed."""
    return [
        component(f"pkg:pypi/{name}@{version}", name, version)
        for name, version in PIN.findall(lock)
    ]


def of_npm(lock: str) -> list[dict[str, Any]]:
    packages = json.loads(lock)["packages"]
    return [
        _of_npm(path.rpartition("node_modules/")[2], package)
        for path, package in sorted(packages.items())
        if path and not package.get("link")
    ]


def _of_npm(name: str, package: dict[str, Any]) -> dict[str, Any]:
    version = package["version"]
    only_builds = package.get("dev") or package.get("devOptional")
    more: dict[str, Any] = {"scope": "excluded" if only_builds else "required"}
    algorithm, _, digest = package.get("integrity", "").partition("-")
    if algorithm == "sha512":
        more["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
    return component(f"pkg:npm/{quote(name)}@{version}", name, version, **more)


def of_debian(printed: str) -> list[dict[str, Any]]:
    rows = [line.split() for line in printed.splitlines()]
    return [
        component(f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={arch}", name, version)
        for name, version, arch in rows
    ]


def bill(components: list[dict[str, Any]], version: str) -> dict[str, Any]:
    once = {each["bom-ref"]: each for each in components}
    parts = [once[ref] for ref in sorted(once)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(parts))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "waymark",
                "name": "waymark",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": parts,
        "dependencies": [{"ref": "waymark", "dependsOn": [each["bom-ref"] for each in parts]}],
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--debian"]):
        print("python -m tools.bill [--debian]", file=sys.stderr)
        return 2
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = of_python((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    parts += of_npm((ROOT / "pwa" / "package-lock.json").read_text(encoding="utf-8"))
    if arguments:
        shown = subprocess.run(DEBIAN, capture_output=True, text=True, check=True)
        parts += of_debian(shown.stdout)
    print(json.dumps(bill(parts, project["version"]), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
