"""Who of the people who work in a home is asked first. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar


class Works(Protocol):
    """A person who works in a home. `on_until`: the end of their shift; None: they have none."""

    @property
    def on_until(self) -> datetime | None: ...


W = TypeVar("W", bound=Works)


def asked_first(workers: Sequence[W]) -> Sequence[W]:
    """Those on shift; everyone if nobody is."""
    return [worker for worker in workers if worker.on_until is not None] or workers
