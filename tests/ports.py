"""Ports for servers of the tests."""

import random
import socket

PORTS = range(20000, 32000)
"""Below 32768, where Linux begins to hand out ports to clients, who would at times hold ours."""


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as attempt:
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port is free in {PORTS}")
