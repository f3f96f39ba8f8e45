"""What makes a start short: libraries that it need not read, and no collector while it imports."""

import gc
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import LazyLoader, find_spec, module_from_spec
from types import ModuleType


def late(name: str) -> ModuleType:
    """The library, which is read when anything of it is first asked for. Raises ImportError at once
    where it is not installed."""
    if name in sys.modules:
        return sys.modules[name]
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} is not installed", name=name)
    spec.loader = LazyLoader(spec.loader)
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    with uncollected():
        with _hidden("pydantic"), _without_sources():
            from tortoise import models

        models._get_comments = _no_comments
        yield
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


@contextmanager
def _without_sources() -> Iterator[None]:
    """For the one model that the ORM itself has, and makes while it is imported."""
    getsource = inspect.getsource
    inspect.getsource = _no_source
    try:
        yield
    finally:
        inspect.getsource = getsource


def _no_comments(cls: object) -> dict[str, str]:
    return {}


def _no_source(thing: object) -> str:
    raise OSError("not now")
