"""The register of relays: passwords go in and do not come out, roles are unambiguous, and the setting has the first word."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from service import database, vault
from service.delivery import relay_choice, relay_details, relay_register, relays, transport
from service.delivery.models import Bucket, HandedOver, Role, SlowedDown
from service.delivery.models import Relay as Row
from service.delivery.relay_details import RelayInvalid
from service.delivery.relay_register import (
    Greeting,
    RelayInUse,
    RelayNameTaken,
    RelayNotFound,
    SettingDecides,
)
from service.dependencies import Resources
from service.events.models import Event
from service.tokens import keys_from
from tests.service.relays.steps import let_it_wait_on

GREETING = Greeting("news.example.org", None)
SES = {
    "name": "ses",
    "host": "Email-SMTP.eu-central-1.amazonaws.com",
    "user": "AKIA",
}
PASSWORD = "a password nobody may see"
SETTING = transport.read_address("smtp://boss:pw@relay.example.net:2525", ehlo_name="news.example.org")


async def add(resources: Resources, password: str = PASSWORD, **changes: Any) -> Row:
    details = relay_details.read(SES | changes)
    return await resources.database.write(
        relay_register.add,
        details,
        password=password,
        keys=resources.keys,
        now=resources.clock.now(),
        actor="test",
    )


async def change(resources: Resources, password: str | None = None, **changes: Any) -> Row:
    details = relay_details.read(SES | changes)
    return await resources.database.write(
        relay_register.change,
        details,
        password=password,
        keys=resources.keys,
        now=resources.clock.now(),
        actor="test",
    )


async def give(resources: Resources, name: str, role: Role) -> Row:
    return await resources.database.write(
        relay_register.give_role, name, role, now=resources.clock.now(), actor="test"
    )


async def roles(resources: Resources) -> dict[str, str]:
    return {one.name: one.role.value for one in await resources.database.read(relay_register.all_of)}


async def in_order(resources: Resources, setting: str | None = None) -> list[str | None]:
    found = await resources.database.read(relay_choice.in_order, setting)
    return [one.name if one else None for one in found]


async def test_a_relay_is_entered_with_what_its_host_tells(resources: Resources) -> None:
    row = await add(resources)
    assert (row.host, row.port, row.tls, row.profile, row.role) == (
        "email-smtp.eu-central-1.amazonaws.com", 587, "required", "ses", Role.OFF,
    )  # fmt: skip
    address = relay_register.address_of(row, resources.keys, GREETING)
    assert (address.user, address.password, address.name) == ("AKIA", PASSWORD, "ses")
    assert PASSWORD not in repr(address) + repr(row)


async def test_neither_the_table_nor_the_log_has_the_password(resources: Resources) -> None:
    await add(resources)
    await change(resources, PASSWORD + "!", port=2587)

    def everything(session: Session) -> str:
        rows = session.execute(sa.select(Row.__table__)).all()  # type: ignore[attr-defined]
        return repr(rows) + repr([one.facts for one in session.exec(select(Event))])

    found = await resources.database.read(everything)
    assert PASSWORD not in found
    assert "AKIA" not in found.partition("[{")[2]


async def test_another_key_cannot_read_it_and_a_newer_one_beside_it_can(resources: Resources) -> None:
    row = await add(resources)
    with pytest.raises(vault.KeyMissing):
        relay_register.address_of(row, keys_from("another key"), GREETING)
    both = keys_from("another key, a key for tests only")
    assert relay_register.address_of(row, both, GREETING).password == PASSWORD


async def test_a_password_does_not_follow_to_another_host(resources: Resources) -> None:
    await add(resources)
    for moved in ({"host": "relay.example.com"}, {"port": 25}, {"tls": "opportunistic"}):
        with pytest.raises(RelayInvalid, match="Enter it again"):
            await change(resources, **moved)
    assert (await change(resources, connections=3)).password_box is not None
    elsewhere = await change(resources, "new one", host="relay.example.com")
    assert relay_register.address_of(elsewhere, resources.keys, GREETING).password == "new one"
    assert elsewhere.profile == "generic"  # what the old host told is no longer true
    without = await change(resources, user="")
    assert (without.user, without.password_box) == (None, None)


async def test_a_change_gives_it_a_new_chance_at_once(resources: Resources) -> None:
    await add(resources)
    await resources.database.write(relays.note_problem, "ses", "535 wrong password", is_down=True)
    await resources.database.write(let_it_wait_on, "ses")
    assert not await resources.database.read(relays.is_ready, "ses")
    await change(resources, "the right one")
    assert await resources.database.read(relays.is_ready, "ses")
    assert (await resources.database.read(relay_register.get, "ses")).down_since is None


@pytest.mark.parametrize(
    ("changes", "password", "said"),
    [
        ({"name": "Amazon SES"}, PASSWORD, "small letters"),
        ({"name": ""}, PASSWORD, "name is needed"),
        ({"host": ""}, PASSWORD, "host is needed"),
        ({"host": "smtp://relay.example.net"}, PASSWORD, "without smtp://"),
        ({"host": "relay example"}, PASSWORD, "host name"),
        ({"port": 70000}, PASSWORD, "port"),
        ({"port": "many"}, PASSWORD, "port"),
        ({"tls": "ssl3"}, PASSWORD, "tls"),
        ({"tls": "none"}, PASSWORD, "without TLS"),
        ({"profile": "pigeon"}, PASSWORD, "is one of postfix, ses"),
        ({"connections": 0}, PASSWORD, "connections"),
        ({"user": "a\nb"}, PASSWORD, "user holds a line break"),
        ({}, "", "needs a password"),
        ({}, "a\0b", "NUL"),
        ({"user": ""}, PASSWORD, "needs a user"),
    ],
)
async def test_what_cannot_be_used_is_said(
    resources: Resources, changes: dict[str, Any], password: str, said: str
) -> None:
    with pytest.raises(RelayInvalid, match=said):
        await add(resources, password, **changes)
    assert await roles(resources) == {}


async def test_a_name_is_given_once(resources: Resources) -> None:
    await add(resources)
    with pytest.raises(RelayNameTaken):
        await add(resources)
    with pytest.raises(RelayNotFound):
        await change(resources, name="brevo")


async def test_what_is_heard_of_a_removed_relay_does_not_keep_its_name(resources: Resources) -> None:
    """A connection that was open when it was removed reports a problem afterwards."""
    await add(resources)
    name = next(iter(await roles(resources)))

    def used(session: Session) -> None:
        now = database.now(session)
        session.add(SlowedDown(relay=name, provider="Google", begins_at=now, rate=1.0))
        session.add(HandedOver(relay=name, since=now, count=100))
        session.add(Bucket(place=f"relay:{name}", next_at=now.timestamp() + 3))

    await resources.database.write(used)
    await resources.database.write(relay_register.remove, name, now=resources.clock.now(), actor="test")
    await resources.database.write(relays.note_problem, name, "421 closing")
    await add(resources)
    row = await resources.database.read(relay_register.get, name)
    assert (row.problem, row.failures, row.wait_until) == (None, 0, None)

    def left(session: Session) -> list[object]:
        return [one for kind in (SlowedDown, HandedOver, Bucket) for one in session.exec(select(kind))]

    assert await resources.database.read(left) == []


async def test_two_relays_change_places(resources: Resources) -> None:
    for name in ("a", "b", "c"):
        await add(resources, name=name)
    assert await in_order(resources) == [None, None]
    await give(resources, "a", Role.MAIN)
    await give(resources, "b", Role.FALLBACK)
    assert await in_order(resources) == ["a", "b"]
    await give(resources, "b", Role.MAIN)
    assert await roles(resources) == {"b": "main", "a": "fallback", "c": "off"}
    await give(resources, "c", Role.MAIN)
    assert await roles(resources) == {"c": "main", "a": "fallback", "b": "off"}
    await give(resources, "c", Role.OFF)
    assert await in_order(resources) == [None, "a"]


async def test_only_what_is_off_can_be_removed(resources: Resources) -> None:
    await add(resources)
    await give(resources, "ses", Role.FALLBACK)
    now = resources.clock.now()
    with pytest.raises(RelayInUse):
        await resources.database.write(relay_register.remove, "ses", now=now, actor="test")
    await give(resources, "ses", Role.OFF)
    await resources.database.write(relay_register.remove, "ses", now=now, actor="test")
    assert await roles(resources) == {}


async def test_the_setting_names_the_main_relay_and_its_absence_gives_the_place_back(
    resources: Resources,
) -> None:
    await add(resources)
    await give(resources, "ses", Role.MAIN)
    await resources.database.write(relay_register.follow_setting, SETTING)
    assert await in_order(resources) == [SETTING.name, None]
    assert await in_order(resources, SETTING.name) == [SETTING.name, None]
    assert await in_order(resources, "") == ["ses", None]  # a process that was started without the setting
    row = await resources.database.read(relay_register.get, SETTING.name)
    assert (row.host, row.port, row.user, row.password_box) == ("relay.example.net", 2525, "boss", None)
    for act in (Role.OFF, Role.FALLBACK):
        with pytest.raises(SettingDecides):
            await give(resources, SETTING.name, act)

    elsewhere = transport.read_address("smtp://relay.example.net:25", ehlo_name="news.example.org")
    await resources.database.write(relay_register.follow_setting, elsewhere)
    assert await in_order(resources) == [elsewhere.name, None]
    assert list(await roles(resources)) == [elsewhere.name, "ses"]

    assert await in_order(resources, SETTING.name) == [SETTING.name, None]  # a worker that still runs with it

    await resources.database.write(relay_register.follow_setting, None)
    assert await in_order(resources) == ["ses", None]
    assert await roles(resources) == {"ses": "main"}


async def test_a_clock_alone_is_no_relay(resources: Resources) -> None:
    await resources.database.write(relays.note_problem, "127.0.0.1:8325", "it is not up yet")
    assert await roles(resources) == {}
    state = await resources.database.read(relays.state_of)
    assert state is not None
    assert state.name == "127.0.0.1:8325"


async def test_whoever_has_entered_a_relay_is_told_that_none_is_in_use(resources: Resources) -> None:
    assert await resources.database.read(relays.state_of) is None
    await add(resources)
    state = await resources.database.read(relays.state_of)
    assert state is not None
    assert state.problem == relays.NO_MAIN
