"""What an operator does with relays, in one line each."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from service.delivery import relay_details, relay_register
from service.delivery.models import Relay as Row
from service.delivery.models import Role
from service.dependencies import Resources
from tests.support.relay import Relay


async def added(
    resources: Resources,
    name: str,
    relay: Relay,
    role: Role = Role.OFF,
    *,
    password: str = "",
    **changes: Any,
) -> Row:
    details = relay_details.read(
        {"name": name, "host": relay.host, "port": relay.port, "tls": "none"} | changes
    )
    now = resources.clock.now()
    write = resources.database.write
    row = await write(
        relay_register.add, details, password=password, keys=resources.keys, now=now, actor="test"
    )
    return row if role is Role.OFF else await role_given(resources, name, role)


async def role_given(resources: Resources, name: str, role: Role) -> Row:
    return await resources.database.write(
        relay_register.give_role, name, role, now=resources.clock.now(), actor="test"
    )


async def both(resources: Resources, main: Relay, fallback: Relay) -> None:
    await added(resources, "main", main, Role.MAIN)
    await added(resources, "spare", fallback, Role.FALLBACK)


def let_it_wait_on(session: Session, name: str) -> None:
    """An hour more, if it waits: its first wait is over after 0.8 s, and a slow machine has not looked by then."""
    relay = session.exec(select(Row).where(Row.name == name)).one()
    if relay.wait_until is not None:
        relay.wait_until += timedelta(hours=1)
        session.add(relay)
