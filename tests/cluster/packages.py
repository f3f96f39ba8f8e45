"""See to it that Debian's packages for the rig are there (`python -m tests.cluster.packages`).

What is on the machine is used. Where something is missing, and the caller is root on Debian or a
system made from it, apt installs it, after saying so, and no service is started by that; everywhere
else this prints the line to run and fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Debian's package, and what it brings: a command, or a file. For etcd Patroni needs python3-etcd,
# and takes another one where it is not named.
WANTED = {
    "postgresql-17": "/usr/lib/postgresql/17/bin/postgres",
    "patroni": "patroni",
    "python3-etcd": "/usr/lib/python3/dist-packages/etcd/__init__.py",
    "etcd-server": "etcd",
    "etcd-client": "etcdctl",
    "pgbouncer": "pgbouncer",
    "haproxy": "haproxy",
    "pgbackrest": "pgbackrest",
    "iproute2": "ip",
}
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTERS = Path("/etc/postgresql-common/createcluster.d/waymark-rig.conf")


def missing() -> list[str]:
    return [
        package
        for package, brings in WANTED.items()
        if not (Path(brings).exists() if "/" in brings else shutil.which(brings, path=PATH))
    ]


@contextmanager
def without_services() -> Iterator[None]:
    """While packages are installed: their services do not start, and no database is made."""
    CLUSTERS.parent.mkdir(parents=True, exist_ok=True)
    CLUSTERS.write_text("create_main_cluster = false\n")
    is_ours = not POLICY.exists()
    if is_ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        CLUSTERS.unlink(missing_ok=True)
        if is_ours:
            POLICY.unlink()


def main() -> int:
    packages = missing()
    if not packages:
        return 0
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600"]
    install = ["install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("The rig drives a real database cluster, and this is missing. Please run:")
        print(f"  sudo apt-get update && sudo apt-get {' '.join(install)}")
        return 1
    print(f"The rig drives a real database cluster. Installing: {' '.join(packages)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*apt, "update", "-qq"], env=quiet, check=True)
    with without_services():
        subprocess.run([*apt, *install, "-qq"], env=quiet, check=True)
    if missing():
        print(f"apt installed {' '.join(packages)}, but this is still missing: {missing()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
