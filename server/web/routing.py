"""Finds the route of a request without trying six hundred patterns, one after the other.

The routes hang in a tree by the segments of their paths. A request walks down it and tries only the
patterns that it meets, in the order of the list, so the same one answers as before. Whatever no
route answers in full (404, 405, a slash too many) is left to the framework, which tries them all.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

# Stands for a segment with a variable in it.
ANY = "{}"
# A variable of this kind may have slashes in it, so it takes all that follows.
_TAKES_ALL = ":path}"


class Node(msgspec.Struct):
    """The routes that end here, those that take all that follows, and the segments that go on."""

    ends: list[int] = msgspec.field(default_factory=list)
    takes_all: list[int] = msgspec.field(default_factory=list)
    below: dict[str, "Node"] = msgspec.field(default_factory=dict)


class Table:
    """Which of these routes may answer a path, in their order."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self.routes = routes
        self._root = Node()
        for place, route in enumerate(routes):
            self._add(place, route)
        paths = [getattr(route, "path", "") for route in routes]
        # What phones ask most often has no variable in its path.
        self._whole = {path: tuple(self._below(path)) for path in paths if "{" not in path}

    def _add(self, place: int, route: BaseRoute) -> None:
        path, node = getattr(route, "path", ""), self._root
        for segment in path.split("/"):
            if _TAKES_ALL in segment:
                break
            node = node.below.setdefault(ANY if "{" in segment else segment, Node())
        else:
            if isinstance(route, Route):
                node.ends.append(place)
                return
        # What is mounted takes all that follows, too.
        node.takes_all.append(place)

    def of(self, path: str) -> Iterable[BaseRoute]:
        """The routes that may answer it."""
        return self._whole.get(path) or self._below(path)

    def _below(self, path: str) -> Iterable[BaseRoute]:
        # A pattern also matches before a line break at the end.
        nodes, places = [self._root], list(self._root.takes_all)
        for segment in path.removesuffix("\n").split("/"):
            nodes = [
                child
                for node in nodes
                for name in {segment, ANY}
                if (child := node.below.get(name)) is not None
            ]
            for node in nodes:
                places += node.takes_all
        for node in nodes:
            places += node.ends
        return (self.routes[place] for place in sorted(places))


class QuickRouter(Router):
    """The framework's router, with a table in front."""

    def __init__(self, table: Table, *, lifespan: Lifespan[Any]) -> None:
        super().__init__(table.routes, lifespan=lifespan)
        self._table = table
        # What phones ask most often has no variable in its path: we remember which route answered.
        self._answered: dict[tuple[str, str], Route] = {}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the framework does it."""
        if scope["type"] == "http" and not scope.get("root_path"):
            asked = (scope["method"], scope["path"])
            if (answering := self._answered.get(asked)) is not None:
                scope.setdefault("router", self)
                scope.update(route=answering, endpoint=answering.endpoint, path_params={})
                await answering.app(scope, receive, send)
                return
            for route in self._table.of(scope["path"]):
                match, child_scope = route.matches(scope)
                if match is Match.FULL:
                    if isinstance(route, Route) and not route.param_convertors:
                        self._answered[asked] = route
                    scope.setdefault("router", self)
                    scope["route"] = route
                    scope.update(child_scope)
                    await route.handle(scope, receive, send)
                    return
        await super().app(scope, receive, send)


class Application(Starlette):
    """The framework's application without its two layers that catch exceptions: `Faults` does that,
    and each layer takes time of every check-in. So it knows no `exception_handlers` and no `debug`.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Our middleware around the router."""
        app: ASGIApp = self.router
        for kind, args, options in reversed(self.user_middleware):
            app = kind(app, *args, **options)
        return app
