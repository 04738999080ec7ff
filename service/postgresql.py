"""How PostgreSQL is opened: UTC, no waiting for a lock without end, and connections that are asked whether they live after a rest."""

import asyncio
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

REST_SECONDS = 1.0
OVERFLOW = 8
SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "1000",
    "idle_in_transaction_session_timeout": "5000",
    "application_name": "morning-memo",
    "plan_cache_mode": "force_custom_plan",
}


def engine(url: str, *, connections: int) -> AsyncEngine:
    made = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=OVERFLOW,
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
