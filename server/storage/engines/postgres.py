"""PostgreSQL through Tortoise and asyncpg, made safe for cancellation and for lost connections.

Against the stock engine (each has a test that fails there):

- cancelling a task inside the entry or the exit of a transaction gives its connection back. A pool
  of five was exhausted for ever by a hundred dropped requests;
- leaving a transaction in which a statement had failed says so. PostgreSQL answers such a COMMIT
  with ROLLBACK and no error, and the driver drops that answer: the caller would believe it was
  stored;
- a connection that is lost, refused or shut down becomes Unavailable, and so is a statement that a
  pooler lost. Lost while it commits, it becomes Unclear: it may have been stored;
- several servers may be named, of which one takes writes. It is found, and found again after a
  fail-over (servers/finding.py); that a server is gone is noticed within ten seconds, also where it
  ends no connection (servers/suspecting.py).

Connections are not reset with a statement when they go back to the pool: nothing here leaves a
session's settings, locks or listeners behind (web/listening.py has a connection of its own), and it
is one round trip less for each request. An open transaction is still rolled back.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    ConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError, TransactionManagementError

from server.errors import Unavailable
from server.storage.engines.lists import PostgresLists
from server.storage.engines.safety import Begun, SafeNested, to_the_end, unavailable, unclear
from server.storage.engines.width import refuse_wide
from server.storage.servers.finding import Finder
from server.storage.servers.suspecting import Patience, Suspicion

# Lost or refused connections, too many of them, a server that starts, stops or is a standby, a full
# disk, a deadlock, a table that was migrated while we looked: it may work in a moment.
_LATER = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
    DBConnectionError,
    OSError,  # TimeoutError is one.
)
# Sessions left in the middle of a transaction keep their locks, and the tick passes by a child
# whose watch is locked: the locks of a web server that vanished are free again after 20 seconds.
# Who waits for a lock of others gives up after 15, and tries again. Not set for the session: behind
# a pooler that gives out one connection for each transaction, we share sessions with others. One
# round trip, as BEGIN alone.
_BEGIN = (
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 20000; SET LOCAL lock_timeout = 15000"
)
# Of these, what a COMMIT that was refused says: nothing was stored.
_REFUSED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
# A pooler gave the next statement to another connection than the one that had prepared it.
_UNPREPARED = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
NO_STATEMENTS = (
    "WAYMARK_DATABASE_URL goes through a pooler that loses prepared statements: set"
    " max_prepared_statements there (PgBouncer 1.21 or later), or add ?statement_cache_size=0 here"
)
_savepoints = itertools.count(1)


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A pooled connection that needs no statement to be given back, and gets over a migration.

    A pooler prepares each text once for all its clients. When a column has changed under a text,
    to prepare the same text again brings back the same plan, which is refused, as long as the
    pooler keeps its connection (PgBouncer: an hour). So from the first refusal on this process
    sends other texts: with a number behind them.
    """

    refused = 0
    """How often that was, in this process."""
    _prepared_with = 0

    def get_reset_query(self) -> str:
        """None: see the module's docstring."""
        return ""

    async def _get_statement(self, query: str, *how: Any, **more: Any) -> Any:
        self._prepared_with = Connection.refused
        if Connection.refused:
            query = f"{query} /* {Connection.refused} */"
        try:
            return await super()._get_statement(query, *how, **more)
        except asyncpg.InvalidCachedStatementError:
            # Refused when it is described, which the driver does not count as refused.
            self._drop_global_statement_cache()
            raise

    def _drop_global_statement_cache(self) -> None:
        # What several connections sent at once is refused to each, and counts once.
        if self._prepared_with == Connection.refused:
            Connection.refused += 1
        super()._drop_global_statement_cache()


@contextmanager
def _telling(client: "SafePostgresClient | None" = None) -> Iterator[None]:
    try:
        yield
    except _UNPREPARED as fault:
        unavailable(fault, NO_STATEMENTS)
    except _LATER as fault:
        _start_anew(client, fault)
        unavailable(fault, type(fault).__name__)
    except TransactionManagementError as fault:
        # As which the stock engine reports a server that takes no writes.
        if isinstance(fault.__cause__, asyncpg.ReadOnlySQLTransactionError):
            _start_anew(client, fault.__cause__)
            unavailable(fault, type(fault.__cause__).__name__)
        raise
    except asyncpg.InterfaceError as fault:
        if is_lost(fault):
            unavailable(fault, type(fault).__name__)
        raise
    except AttributeError as fault:
        if is_ended(fault):
            unavailable(fault, "ended")
        raise


async def _raise_again(client: AsyncpgDBClient, fault: Exception) -> None:
    raise fault


def _start_anew(client: "SafePostgresClient | None", fault: BaseException) -> None:
    if client is not None and isinstance(fault, asyncpg.ReadOnlySQLTransactionError):
        client.start_anew()


def is_lost(fault: asyncpg.InterfaceError) -> bool:
    """Whether a connection is gone. The same class reports our own mistakes, such as a wrong number
    of arguments. A class under it repeats the refused value, with any private words in it."""
    return type(fault) is asyncpg.InterfaceError and any(
        word in str(fault) for word in ("clos", "released", "terminat")
    )


def is_ended(fault: AttributeError) -> bool:
    """Whether a connection was ended between two steps of one statement: asyncpg then has no
    protocol any more, and asks None for its next step."""
    name = fault.name or ""
    return fault.obj is None and hasattr(asyncpg.protocol.Protocol, name)


class SafePostgresClient(AsyncpgDBClient):
    """The pool of this process. `minsize` and `maxsize` bound it."""

    executor_class = PostgresLists

    def __init__(self, port: Any = 5432, **kwargs: Any) -> None:
        super().__init__(**{"connection_class": Connection} | kwargs)
        # The stock one takes a single number.
        self.port = port
        self.finder = Finder()
        self.suspicion = Suspicion(self.finder)
        self._expiring: asyncio.Future[None] | None = None

    async def create_connection(self, with_db: bool) -> None:
        """Connect, or say Unavailable."""
        with _telling():
            await super().create_connection(with_db)

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        """A pool whose connections all lead to the server that takes writes."""
        return await super().create_pool(connect=self.finder.connect, **kwargs)

    async def close(self) -> None:
        """Close every connection."""
        await self.suspicion.close()
        await super().close()

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        # The other statements come here; only that of many rows gets a list of lists.
        if func.__name__ != "execute_many" and len(args) > 1:
            refuse_wide(args[1])
        with _telling(self), Patience(self.suspicion):
            return await super()._translate_exceptions(func, *args, **kwargs)

    async def execute_query_dict(
        self, query: str, values: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of one statement. As the stock engine has it, with fewer layers: they took as
        long as the driver, for each statement."""
        refuse_wide(values)
        try:
            with Patience(self.suspicion):
                async with self.acquire_connection() as connection:
                    self.log.debug("%s: %s", query, values)
                    rows = await connection.fetch(query, *(values or ()))
        except Exception as fault:
            await self._translate_exceptions(_raise_again, fault)
            raise
        return [dict(row) for row in rows]

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection for several reads, which are to meet the same server."""
        with _telling(), Patience(self.suspicion):
            async with self.acquire_connection() as connection:
                yield connection

    def start_anew(self) -> None:
        """Each connection is used once more at most: the server takes no writes any more."""
        self.finder.last = None
        if self._pool is not None:
            self._expiring = asyncio.ensure_future(self._pool.expire_connections())

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(_TransactionClient(self), self._pool_init_lock)

    async def execute_many(self, query: str, values: list[Any]) -> None:
        # The stock one leaves its transaction to the pool when it is cancelled.
        async with self._in_transaction() as connection:
            await connection.execute_many(query, values)


class _TransactionClient(SafePostgresClient, TransactionWrapper):
    def __init__(self, connection: AsyncpgDBClient) -> None:
        TransactionWrapper.__init__(self, connection)
        self.begun: Begun = getattr(connection, "begun", None) or Begun()
        self.pool = cast(SafePostgresClient, getattr(connection, "pool", connection))
        self.suspicion = self.pool.suspicion
        self._savepoint = ""

    def acquire_connection(self) -> ConnectionWrapper[asyncpg.Connection]:
        self.begun.check()
        return ConnectionWrapper(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return SafeNested(_TransactionClient(self))

    async def execute_many(self, query: str, values: list[Any]) -> None:
        await TransactionWrapper.execute_many(self, query, values)

    def start_anew(self) -> None:
        self.pool.start_anew()

    async def _run(self, statement: str) -> str:
        with _telling(self), Patience(self.suspicion):
            return cast(str, await self._connection.execute(statement))

    # Plain statements instead of asyncpg's Transaction, which drops the answer to COMMIT.

    async def begin(self) -> None:
        await self._run(_BEGIN)

    async def commit(self) -> None:
        await self.begun.do_last()
        self._finalized = True
        try:
            answer = await self._run("COMMIT")
        except Unavailable as fault:
            # Unless the database said no, only the id of what was sent can tell what became of it.
            if isinstance(fault.__cause__, _REFUSED):
                raise
            unclear(fault)
        if answer != "COMMIT":
            raise TransactionManagementError(
                "nothing was stored: a statement had failed, and its error was caught outside a"
                " write() of its own"
            )

    async def rollback(self) -> None:
        self._finalized = True
        await self._run("ROLLBACK")

    async def savepoint(self) -> None:
        self._savepoint = f"savepoint_{next(_savepoints)}"
        await self._run(f"SAVEPOINT {self._savepoint}")

    async def savepoint_rollback(self) -> None:
        await self._run(f"ROLLBACK TO {self._savepoint}; RELEASE {self._savepoint}")
        self._finalized = True

    async def release_savepoint(self) -> None:
        await self._run(f"RELEASE {self._savepoint}")
        self._finalized = True


class _Transaction(TransactionContextPooled):
    client: _TransactionClient

    async def __aenter__(self) -> TransactionalDBClient:
        with _telling(), Patience(self.client.suspicion):
            await self.ensure_connection()
            pool = self.client._parent._pool
            assert pool is not None, "the database is closed"
            self._pool: Any = pool
            self.client._connection = await pool.acquire()
        try:
            await to_the_end(self.client.begin())
            self.token = get_connections().set(self.connection_name, self.client)
        except BaseException:
            await self._roll_back_and_release()
            raise
        return self.client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        committed = False
        try:
            if exc_type is None and not self.client._finalized:
                commit = asyncio.ensure_future(self.client.commit())
                try:
                    await to_the_end(commit)
                finally:
                    committed = commit.done() and commit.exception() is None
        finally:
            get_connections().reset(self.token)
            self.client.begun.end(committed=committed)
            await self._roll_back_and_release()

    async def _roll_back_and_release(self) -> None:
        # The original fault says more than a lost connection's second complaint. The pool closes a
        # connection that cannot be rolled back.
        try:
            if not self.client._finalized:
                with suppress(Exception):
                    await to_the_end(self.client.rollback())
        finally:
            with suppress(Exception):
                await to_the_end(self._pool.release(self.client._connection))


client_class = SafePostgresClient
