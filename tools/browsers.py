"""See to it that the browsers of the tests are there (`python -m tools.browsers`).

Those on the PATH are used. Where one is missing, and the caller is root on Debian or a system made
from it, apt installs it, after saying so; everywhere else this prints the line to run and fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

WANTED = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "firefox-esr": ("firefox-esr", "firefox"),
}
"""Debian's package, and the commands that will do in its place."""
FASTER = "chromium-headless-shell"
"""Most browser tests take a third less time with it, and it is what CI has."""
FONTS = ("fonts-noto-core", "fonts-noto-color-emoji", "fonts-sil-abyssinica")
"""Without them the letters of some languages are boxes in the pictures that the tests look at."""


def missing() -> list[str]:
    return [
        package
        for package, names in WANTED.items()
        if not any(shutil.which(name) for name in names)
    ]


def main() -> int:
    packages = missing()
    if not packages:
        return 0
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages, *FONTS]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("The tests drive real browsers, and these are missing. Please run:")
        print(f"  sudo apt-get update && sudo {' '.join(install)}")
        return 1
    print(f"The tests drive real browsers. Installing with apt: {' '.join(packages)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet", "--quiet"], env=quiet, check=True)
    subprocess.run([*install, "--quiet", "--quiet"], env=quiet, check=True)
    if shutil.which(FASTER) is None:
        # Not every system has it, and the tests run all the same.
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "--quiet", FASTER], env=quiet)
    if missing():
        print(f"apt installed {' '.join(packages)}, but they are not on the PATH.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
