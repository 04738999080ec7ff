"""How PostgreSQL is opened: UTC, no waiting for a lock without end, and connections that are asked whether they live after a rest."""

import asyncio
import random
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from service.writes import Writes

TRIES = 6
TRY_AGAIN = {"40001", "40P01", "55P03"}  # serialisation failure, deadlock, lock time-out
ANSWER_SECONDS = 30.0
REST_SECONDS = 1.0
OVERFLOW = 8
SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
    "application_name": "morning-memo",
    "plan_cache_mode": "force_custom_plan",
}
# What comes a hundred times a second is not planned each time, for that costs PostgreSQL more than running it (0.37 ms and 0.19, measured
# on 18), nor for good: by a plan from the moment when today's partition was nearly empty, each outcome reads its whole edition.
PLANNED_AHEAD = """
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off
"""
PLAN_SECONDS = 0.5
ALONE = {"lock_timeout": "5000", "statement_timeout": "60000"}


def engine(url: str, *, connections: int) -> AsyncEngine:
    made = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=OVERFLOW,
        pool_use_lifo=True,  # few of them do most of the work: each keeps its own copy of the catalogue, and makes its own plans
        hide_parameters=True,  # an error's text goes into logs; its statement's values may be a reader's
        connect_args={"server_settings": SETTINGS},
    )
    _ping_after_a_rest(made.sync_engine)
    return made


def _ping_after_a_rest(engine: sa.Engine) -> None:
    """Ask a connection whether it still lives only if nobody has used it for a while: the sender's commits come by the hundred."""

    @event.listens_for(engine, "checkin")
    def _rests(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = asyncio.get_running_loop().time()

    @event.listens_for(engine, "checkout")
    def _wakes(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        rests_since = record.info.get("rests_since")
        if rests_since is None or asyncio.get_running_loop().time() - rests_since < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except DBAPIError as error:
            raise DisconnectionError from error
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error


class AtOnce:
    """Statements that are transactions of their own: one round trip each, where BEGIN, the statement and COMMIT take three.

    They have a connection for themselves, which nobody else gets afterwards, and go to the driver as they are, for what the sender does
    a hundred times a second.
    """

    def __init__(self, engine: AsyncEngine, writes: Writes) -> None:
        self._engine = engine
        self._writes = writes
        self._connection: AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._plan_until = 0.0

    async def all(self, text: str, *values: Any) -> list[Any]:
        """Its rows, once it is committed. Raises DBAPIError; then, if the connection was lost, nobody knows whether it was
        committed: only for statements that may run twice.
        """
        with self._writes.timed():
            async with self._one_at_a_time:
                return await self._all(text, values)

    async def close(self) -> None:
        await self._let_go()

    async def _all(self, text: str, values: tuple[Any, ...]) -> list[Any]:
        for attempt in range(1, TRIES + 1):
            try:
                found: list[Any] = await (await self._driver()).fetch(text, *values, timeout=ANSWER_SECONDS)
                return found
            except TimeoutError as error:  # an OSError without a word, which says nothing in anybody's log
                await self._let_go()
                raise DBAPIError(text, None, error, hide_parameters=True) from error
            except (SQLAlchemyError, OSError):
                await self._let_go()
                raise
            except Exception as error:
                if attempt < TRIES and getattr(error, "sqlstate", None) in TRY_AGAIN:
                    self._writes.retries += 1
                else:
                    await self._let_go()
                    raise DBAPIError(text, None, error, hide_parameters=True) from error
            await asyncio.sleep(pause(attempt))
        raise AssertionError("unreachable")

    async def _driver(self) -> Any:
        now = asyncio.get_running_loop().time()
        is_new = self._connection is None
        self._connection = self._connection or await self._engine.connect()
        driver: Any = (await self._connection.get_raw_connection()).driver_connection
        if is_new or now >= self._plan_until:
            await driver.execute(PLANNED_AHEAD if is_new else "DISCARD PLANS", timeout=ANSWER_SECONDS)
            self._plan_until = now + PLAN_SECONDS
        return driver

    async def _let_go(self) -> None:
        """What is wrong with it, the next statement begins on a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()


def pause(attempt: int) -> float:
    """Seconds before another try after a lost race for a lock."""
    return random.uniform(0.01, 0.05) * attempt  # noqa: S311 - jitter, no secret


async def alone(url: str, statement: str) -> None:
    """Run what must not stand in a transaction, on a connection of its own; it waits for locks, but not without end. Raises DBAPIError."""
    made = create_async_engine(url, poolclass=sa.NullPool, connect_args={"server_settings": SETTINGS | ALONE})
    try:
        async with made.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(statement)
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:
        raise DBAPIError(statement, None, error) from error
    finally:
        await made.dispose()
