"""Alembic's way in: on the connection that `service.migrations` gives, or on the database that the settings name."""

import re

import sqlalchemy as sa
from alembic import context

from service import schema, settings, tables

ELSEWHERE = re.compile(r"^(delivery_p\d+|pgqueuer.*)$")


def include_name(name: str | None, kind: str, parents: object) -> bool:
    """Partitions are made as editions need them and the queue makes its own tables: autogenerate would call them removed."""
    return not (kind == "table" and name is not None and ELSEWHERE.match(name))


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        render_as_batch=True,
        include_name=include_name,
        compare_type=True,
        user_module_prefix="service.database.",
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    schema.on_connection(settings.load().database, run)
