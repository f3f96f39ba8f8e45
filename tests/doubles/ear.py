"""Where the doubles say what reached them: `hear("mail", raw)`, whoever listens.

A process of its own that runs a double has no listener, and nothing is kept.
"""

from collections.abc import Callable

listeners: list[Callable[[str, str], None]] = []


def hear(channel: str, *what: object) -> None:
    """Something left Waymark by this channel; bytes as Latin-1, so that none is lost."""
    for one in what if listeners else ():
        said = one.decode("latin-1") if isinstance(one, bytes) else str(one)
        for listener in listeners:
            listener(channel, said)
