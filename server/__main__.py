"""The `waymark` command: parse and call."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import uvloop

from server.clock import utcnow
from server.errors import WaymarkError
from server.i18n import gettext
from server.settings import SettingFault, Settings, faults, load, unknown
from server.starting import importing_rooms, uncollected

# What one command alone needs, it imports itself: all rooms together are most of a start.

# Promised, and not built yet: they are not listed.
NOT_YET = ("export",)
_COMMANDS = (
    "server.auth.commands",
    "server.areas.commands",
    "server.simulation.commands",
    "server.seeding.commands",
    "server.why.commands",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code. Bad input is one clear line on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in NOT_YET:
        return _fail(f"waymark {words[0]} is not built yet.", 2)
    with uncollected():
        args = _parser(words[0] if words else "").parse_args(words)
    try:
        return int(args.run(args) or 0)
    except SettingFault as fault:
        return _fail(str(fault))
    except WaymarkError as fault:
        says = gettext("en", fault.detail, **fault.extra)
        return _fail(says + (f" ({fault.field})" if fault.field else ""))
    except OSError as fault:
        # Without the number, which tells people nothing.
        return _fail(f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault))
    except _in_one_line() as fault:
        return _fail(str(fault))
    except KeyboardInterrupt:
        return 130


def _in_one_line() -> tuple[type[Exception], ...]:
    from server.storage.engines.editors import MigrationFault

    return MigrationFault, ValueError


def _fail(line: str, code: int = 1) -> int:
    print(line, file=sys.stderr)
    return code


def _say(line: str) -> None:
    print(line, flush=True)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, where argparse would print the whole usage first."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser(name: str = "") -> argparse.ArgumentParser:
    """The parser of every command; given the name of one that is made here, of these alone."""
    parser = _Parser(prog="waymark", description="Life projects, check-ins, and an early warning.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], Any], says: str) -> Any:
        command = commands.add_parser(name, help=says, description=says)
        command.set_defaults(run=run)
        return command

    serve = add("serve", _serve, "Serve the web, and look for what is due.")
    _add_address(serve)
    serve.add_argument("--workers", type=int, default=1, help="processes (PostgreSQL only)")
    serve.add_argument(
        "--no-ticker", action="store_true", help="only the web; `tick` runs elsewhere"
    )
    add("tick", _tick, "Look for what is due, without the web. Any number may run.")
    migrating = add("migrate", _migrate, "Bring the database to this version.")
    migrating.add_argument(
        "--plan",
        action="store_true",
        help="change nothing: say what would be done, who would wait for it and for how long",
    )
    add("check", _check, "Say what is wrong with the configuration, and what cannot be reached.")
    shown = add("demo", _demo, "Load the demo agency where the database is empty.")
    _add_address(shown)
    shown.add_argument("--serve", action="store_true", help="and serve it")
    shown.add_argument(
        "--fast",
        action="store_true",
        help="and serve it, Mia's check-in times in seconds, for an hour",
    )
    keys = add("keys", _keys, "Print a new secret key, or write a new VAPID key to a file.")
    keys.add_argument("--vapid", metavar="FILE", help="write a new private key there (mode 0600)")
    audit = add("audit", _audit, "Check the record of who did what.")
    audit.add_argument("what", choices=["verify"], help="verify: walk the whole chain of seals")
    if name not in commands.choices:
        _add_of_rooms(add)
    return parser


def _add_of_rooms(add: Callable[..., Any]) -> None:
    """The commands of the rooms, which import most of them."""
    with importing_rooms():
        from server.records.backup import commands as records

        for module in _COMMANDS:
            if find_spec(module) is not None:
                import_module(module).add_commands(add, within)
        records.add_commands(add, beside)


def _add_address(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", help="address to listen on (HOST, else 127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (PORT, else 8000)")


# --- settings and database around a command


def _settings(args: argparse.Namespace | None = None) -> Settings:
    environ = dict(os.environ)
    for name in ("host", "port"):
        if (given := getattr(args, name, None)) is not None:
            environ[name.upper()] = str(given)
    settings = load(environ)
    if not environ.get("WAYMARK_VAR", "").strip():
        from server.storage import private

        # Ours alone, made by an earlier version with whatever the umask was.
        private.shut(settings.var)
    return settings


def within(work: Callable[[Settings, datetime], Awaitable[Any]]) -> Any:
    """Run `work(settings, now)` with the database open and migrated, as a command does."""

    async def run() -> Any:
        settings = _settings()
        async with _opened(settings):
            return await work(settings, utcnow())

    return asyncio.run(run())


def beside(work: Callable[[Settings, datetime], Awaitable[Any]]) -> Any:
    """Run `work(settings, now)` with the keys in use and no database open: it sees to that."""

    from server.wiring import wire

    async def run() -> Any:
        settings = _settings()
        wire(settings)
        return await work(settings, utcnow())

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[None]:
    from server.storage.db import close_database, open_database
    from server.storage.engines.migrate import migrate
    from server.wiring import wire

    wire(settings)
    await migrate(settings.database_url)
    await open_database(settings.database_url)
    try:
        yield
    finally:
        await close_database()


# --- serving


def _serve(args: argparse.Namespace) -> int:
    with importing_rooms():
        from server import serving

    settings = _settings(args)
    if args.workers < 1:
        return _fail("--workers is 1 or more.", 2)
    if args.workers > 1 and settings.database_url.startswith("sqlite"):
        return _fail("--workers above 1 needs PostgreSQL.", 2)
    with_ticker = not args.no_ticker
    with serving.listen(settings) as listener:
        asyncio.run(_make_ready(settings))
        if args.workers == 1:
            return uvloop.run(serving.run_server(settings, listener, with_ticker=with_ticker))
    serving.serve_workers(settings, args.workers, with_ticker=with_ticker)
    return 0


async def _make_ready(settings: Settings) -> None:
    """Migrate; and where a fast demo was killed here, its rhythm of seconds ends now."""
    with importing_rooms():
        from server import checking
        from server.demo import fast

    async with _opened(settings):
        await checking.first_start(settings)
        await fast.end_fast(utcnow())


def _tick(_args: argparse.Namespace) -> int:
    return uvloop.run(_run_ticker(_settings()))


async def _run_ticker(settings: Settings) -> int:
    with importing_rooms():
        from server import checking, logs, serving
        from server.tracing import traced

    logs.configure()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with _opened(settings):
        await checking.first_start(settings)
        with traced(os.environ):
            async with serving.ticking(settings), serving.settled(), serving.alive(settings):
                await stop.wait()
    return 0


def _migrate(args: argparse.Namespace) -> int:
    from server.storage.engines.migrate import migrate
    from server.storage.upgrades.plan import plan

    url = _settings().database_url
    if args.plan:
        lines = asyncio.run(plan(url))
    else:
        lines = [f"applied {name}" for name in asyncio.run(migrate(url))]
    for line in lines:
        _say(line)
    return 0


# --- looking


def _check(_args: argparse.Namespace) -> int:
    from server import checking
    from server.storage import private

    wrong = [str(fault) for fault in faults(os.environ)]
    wrong += [f"{name} is not a setting of Waymark" for name in unknown(os.environ)]
    notes: list[str] = []
    if not wrong:
        settings = load(dict(os.environ))
        # Before anything is opened, since that shuts what is Waymark's own.
        wrong = private.too_open(checking.own_files(settings))
        problems, notes = asyncio.run(checking.look(_settings(), _opened))
        wrong += problems
    for line in notes:
        _say(line)
    for line in wrong:
        _fail(line)
    if not wrong:
        _say(
            "No fault. Read the lines above: they are yet to be looked at."
            if notes
            else "All is well."
        )
    return 1 if wrong else 0


def _keys(args: argparse.Namespace) -> int:
    from server.security import encryption
    from server.security.keys import new_vapid_key

    if args.vapid is None:
        _say(encryption.new_token())
        return 0
    handle = os.open(args.vapid, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(new_vapid_key())
    return 0


def _audit(_args: argparse.Namespace) -> int:
    from server.audit.actions import verify
    from server.missing.search import timeline

    async def work(_settings: Settings, _now: datetime) -> str | None:
        return await verify() or await timeline.verify()

    broken = within(work)
    if broken is not None:
        return _fail(broken)
    _say("The record is whole.")
    return 0


# --- the demo


def _demo(args: argparse.Namespace) -> int:
    with importing_rooms():
        from server import serving
        from server.demo import commands as demo

    settings = _settings(args)
    # A rhythm of seconds lasts as long as the start that began it, so `--fast` serves.
    if args.serve or args.fast:
        with serving.listen(settings) as listener:
            return uvloop.run(_run_demo(settings, listener, is_fast=args.fast))
    asyncio.run(demo.show(settings, _opened, _say, is_served=False))
    return 0


async def _run_demo(settings: Settings, listener: socket.socket, *, is_fast: bool) -> int:
    from server import serving
    from server.demo import commands as demo

    await demo.show(settings, _opened, _say, is_served=True)
    companion = demo.in_seconds if is_fast else None
    return await serving.run_server(settings, listener, with_ticker=True, companion=companion)


if __name__ == "__main__":
    sys.exit(main())
