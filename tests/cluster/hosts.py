"""Hosts of the rig: network namespaces on one bridge, or plain addresses of loopback.

The rig runs inside namespaces of its own (`enter`): of processes, of mounts and of the network.
When its first process ends, in whatever way, the kernel ends everything in them and takes the
bridge, the cables and the mounts away. So there is nothing to clean up by name, and nothing of
another run or of the machine can be hit. Where no namespaces may be made, hosts are addresses of
127.99.0.0/24: then no network can be cut and no disk filled, and the rig says so.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

INSIDE = "WAYMARK_RIG_INSIDE"
NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
# A shell as the first process takes in orphans: PostgreSQL leaves some behind when it is killed.
FIRST = ("sh", "-c", '"$@"; exit $?', "rig")
BRIDGE = "rig0"
DISK = "900m"
PAGE = 4096


def enter(module: str, arguments: Sequence[str]) -> None:
    """Replace this process by the same one inside namespaces of its own, where that is allowed.
    Returns where it is inside already, or where it has to do without."""
    if os.environ.get(INSIDE):
        return
    for how in ((), ("--user", "--map-current-user", "--keep-caps")):
        unshare = ["unshare", *how, *NAMESPACES]
        if os.geteuid() and not how:
            continue
        if subprocess.run([*unshare, "ip", "link"], capture_output=True, check=False).returncode:
            continue
        command = [*unshare, *FIRST, sys.executable, "-m", module, *arguments]
        os.execvpe("unshare", command, os.environ | {INSIDE: "namespaces"})  # noqa: S606
    os.environ[INSIDE] = "loopback"


@dataclass
class Host:
    """One machine, as far as network and disk go."""

    name: str
    address: str
    folder: Path
    holder: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def command(self, argv: Sequence[str], *, as_nobody: bool = False) -> list[str]:
        """What to run so that it runs on this host."""
        # Where no namespace ends it with the rig, the end of its parent does.
        how = [] if self.holder is not None else ["--pdeathsig=KILL"]
        if as_nobody and os.geteuid() == 0:
            who = pwd.getpwnam("nobody")
            how += [f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
            how += ["--inh-caps=-all"]
        command = ["setpriv", *how, *argv] if how else list(argv)
        if self.holder is not None:
            command = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *command]
        return command

    def give(self, path: Path) -> None:
        """Let the user of its daemons have this folder."""
        if os.geteuid() == 0:
            who = pwd.getpwnam("nobody")
            os.chown(path, who.pw_uid, who.pw_gid)


class Network:
    """All hosts, and the cables between them."""

    def __init__(self, folder: Path, *, on_disk: bool = False) -> None:
        self.folder = folder
        self.on_disk = on_disk
        self.has_namespaces = os.environ.get(INSIDE) == "namespaces"
        self.hosts: dict[str, Host] = {}
        self.address = self._address(1)
        if self.has_namespaces:
            _run("ip", "link", "set", "lo", "up")
            _run("ip", "link", "add", BRIDGE, "type", "bridge")
            _run("ip", "addr", "add", f"{self.address}/24", "dev", BRIDGE)
            _run("ip", "link", "set", BRIDGE, "up")

    def _address(self, number: int) -> str:
        return f"10.99.0.{number}" if self.has_namespaces else f"127.99.0.{number}"

    def add(self, name: str, number: int) -> Host:
        """One more host."""
        host = Host(name, self._address(number), self.folder / name)
        host.folder.mkdir()
        if self.has_namespaces:
            self._wire(host)
        host.give(host.folder)
        self.hosts[name] = host
        return host

    def _wire(self, host: Host) -> None:
        host.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        here = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{host.holder.pid}/ns/net") == here:
            pass  # It has been started, and has not left our network yet.
        cable = f"c-{host.name}"
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns",
             str(host.holder.pid))  # fmt: skip
        _run("ip", "link", "set", cable, "master", BRIDGE, "up")
        _run(*host.command(["ip", "addr", "add", f"{host.address}/24", "dev", "eth0"]))
        _run(*host.command(["ip", "link", "set", "eth0", "up"]))
        _run(*host.command(["ip", "link", "set", "lo", "up"]))
        if not self.on_disk:
            _run("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs",
                 str(host.folder))  # fmt: skip

    def cut(self, host: Host) -> None:
        """Nothing comes through to or from this host any more, and nobody is told."""
        assert self.has_namespaces, "without namespaces no network can be cut"
        _run("ip", "link", "set", f"c-{host.name}", "down")

    def heal(self, host: Host) -> None:
        """The cable is in again."""
        _run("ip", "link", "set", f"c-{host.name}", "up")

    def fill_disk(self, host: Host) -> None:
        """Not a byte is left on the disk of this host."""
        assert self.has_namespaces, "without a disk of its own none can be filled"
        size, end = shutil.disk_usage(host.folder).free, 0
        with (host.folder / "ballast").open("wb") as file:
            # Others write too, so what was free a moment ago may be too much.
            while size >= PAGE:
                try:
                    os.posix_fallocate(file.fileno(), end, size)
                    end += size
                except OSError:
                    size //= 2

    def free_disk(self, host: Host) -> None:
        """There is room again."""
        (host.folder / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        """Take the hosts away."""
        for host in self.hosts.values():
            if host.holder is not None:
                host.holder.kill()
                host.holder.wait()
                subprocess.run(["umount", "-l", host.folder], capture_output=True, check=False)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


async def until(what: str, is_so: object, *, within: float = 60, every: float = 0.25) -> None:
    """Wait until `await is_so()` is true; TimeoutError names what did not come to be."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not await is_so():  # type: ignore[operator]
        if loop.time() > end:
            raise TimeoutError(f"{what}: not within {within:.0f} s")
        await asyncio.sleep(every)
