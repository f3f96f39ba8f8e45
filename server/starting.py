"""What makes a start short: libraries that it need not read, and no collector while it imports."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """Stands for a library until something of it is asked for. The lazy loader of `importlib` is
    broken for good where the first reading fails (no file descriptor is free), and where two
    threads ask first."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


def late(name: str) -> ModuleType:
    """The library, which is read when anything of it is first asked for. Raises ImportError at once
    where it is not installed. To set something of it, import it."""
    if name in sys.modules:
        return sys.modules[name]
    if find_spec(name) is None:
        raise ImportError(f"{name} is not installed", name=name)
    return _Late(name)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles, for what makes many objects that stay: it would walk through
    all of them again and again. Importing every room takes a fifth less time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def importing_rooms() -> Iterator[None]:
    """Around what imports the rooms. To find comments that begin with "#:", the ORM reads and
    parses the source of every model, a sixth of a start; we write none.

    What was imported stays, so the collector leaves it alone from then on: to walk through it at
    each pause between two such blocks took an eighth of a start.
    """
    before = len(sys.modules)
    with uncollected():
        with _hidden("pydantic"):
            from tortoise import models

        models._get_comments = _no_comments
        yield
        if len(sys.modules) > before:
            gc.freeze()


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Who tries to import this library in the block goes on without it. The ORM would take it
    along, a twentieth of a start, for fields that hold its models; we have none."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def _no_comments(cls: object) -> dict[str, str]:
    return {}
