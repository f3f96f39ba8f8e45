"""A plugin of mypy: `dataclasses.replace` of a struct of msgspec is an error.

At run time it raises TypeError. To mypy a struct looks like a dataclass (PEP 681), so it says
nothing by itself. The other way round it needs no help: `msgspec.structs.replace` asks for structs.
"""

from collections.abc import Callable, Iterator

from mypy.plugin import FunctionContext, Plugin
from mypy.types import Instance, Type, TypeVarType, UnionType, get_proper_type

MESSAGE = "dataclasses.replace() cannot copy a struct; use msgspec.structs.replace()"


class Structs(Plugin):
    """Looks at what is copied."""

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """The check, where it is about `dataclasses.replace`."""
        return _copied if fullname == "dataclasses.replace" else None


def _copied(ctx: FunctionContext) -> Type:
    if any(each.type.has_base("msgspec.Struct") for each in _instances(ctx.arg_types[0][0])):
        ctx.api.fail(MESSAGE, ctx.context)
    return ctx.default_return_type


def _instances(found: Type) -> Iterator[Instance]:
    kind = get_proper_type(found)
    if isinstance(kind, Instance):
        yield kind
    elif isinstance(kind, UnionType):
        for item in kind.items:
            yield from _instances(item)
    elif isinstance(kind, TypeVarType):
        yield from _instances(kind.upper_bound)


def plugin(_: str) -> type[Structs]:
    """What mypy asks for."""
    return Structs
