"""Keys for DKIM as rows: locked in the vault, one at a time active, none forgotten while a message may need it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from service import tokens, vault
from service.delivery import dkim, dkim_keys, dkim_material
from service.delivery.models import DkimKey, DkimKeyState
from service.dependencies import Resources
from service.errors import MemoError
from service.events.models import Event
from service.tokens import Keys
from service.worker import Worker
from tests.support.clock import HandClock
from tests.support.dkim_check import verifies

PRIVATE = dkim_material.new_private_key()
OTHER = dkim_material.new_private_key()
MESSAGE = b"From: memo@news.example.org\r\nSubject: Memo\r\n\r\nGood morning.\r\n"
DOMAIN = "news.example.org"


async def added(
    resources: Resources, selector: str, *, domain: str = DOMAIN, keys: Keys | None = None
) -> DkimKey:
    private, now = OTHER if selector == "memo2" else PRIVATE, resources.clock.now()
    return await resources.database.write(
        dkim_keys.add, keys or resources.keys, (domain, selector), private, actor="Ada", now=now
    )


async def activated(resources: Resources, selector: str, *, domain: str = DOMAIN) -> dkim_keys.Activated:
    now = resources.clock.now()
    return await resources.database.write(dkim_keys.activate, (domain, selector), actor="Ada", now=now)


async def test_what_is_published_verifies_what_is_signed(resources: Resources) -> None:
    await added(resources, "memo1")
    key = await resources.database.read(dkim_keys.find, DOMAIN, "memo1")
    assert key is not None

    signed = dkim.sign(MESSAGE, dkim_keys.unlocked(resources.keys, key), at=resources.clock.now())

    published = {dkim_material.record_name(key.domain, key.selector): dkim_material.record_text(key.public)}
    assert verifies(signed, published)
    line = dkim_material.zone_line(key.domain, key.selector, key.public)
    name, _, strings = line.partition(". IN TXT ( ")
    assert published == {name: "".join(strings.removesuffix(" )").strip('"').split('" "'))}
    assert all(len(part) <= 255 for part in line.split('"'))


async def test_a_copy_of_the_database_is_not_enough_to_sign(resources: Resources) -> None:
    key = await added(resources, "memo1")
    secret = dkim_material.to_bytes(PRIVATE)
    assert secret[40:80] not in repr(key).encode() and secret.hex()[80:160] not in repr(key)
    with pytest.raises(vault.KeyMissing):
        dkim_keys.unlocked(tokens.keys_from("another key"), key)
    with pytest.raises(vault.BoxDamaged):  # moved to another row
        dkim_keys.unlocked(resources.keys, DkimKey(**{**key.model_dump(), "selector": "memo2"}))


async def test_one_signs_at_a_time_and_the_others_wait_or_are_retired(resources: Resources) -> None:
    for selector in ("memo1", "memo2", "memo3"):
        await added(resources, selector)
    await added(resources, "memo1", domain="other.example.org")
    assert await resources.database.read(dkim_keys.active) == {}

    assert (await activated(resources, "memo1")).replaced is None
    assert (await activated(resources, "memo1", domain="other.example.org")).replaced is None
    assert (await activated(resources, "memo2")).replaced == "memo1"
    assert (await activated(resources, "memo2")).replaced is None  # twice is once

    assert await resources.database.read(dkim_keys.active) == {DOMAIN: "memo2", "other.example.org": "memo1"}
    shown = [(key.selector, key.state) for key in await resources.database.read(dkim_keys.all_of)]
    assert shown[:3] == [
        ("memo2", DkimKeyState.ACTIVE), ("memo3", DkimKeyState.READY), ("memo1", DkimKeyState.RETIRED),
    ]  # fmt: skip
    assert (await activated(resources, "memo1")).replaced == "memo2"  # and back again


async def test_the_database_itself_allows_one_active_key(resources: Resources) -> None:
    await added(resources, "memo1")
    await added(resources, "memo2")

    def both(session: Session) -> None:
        session.execute(sa.update(DkimKey).values(state=DkimKeyState.ACTIVE))

    with pytest.raises(IntegrityError):
        await resources.database.write(both)


async def test_two_who_activate_at_once_leave_one_active(resources: Resources) -> None:
    selectors = ["memo1", "memo2", "memo3", "memo4"]
    for selector in selectors:
        await added(resources, selector)
    await asyncio.gather(*(activated(resources, selector) for selector in selectors))
    states = [key.state for key in await resources.database.read(dkim_keys.all_of)]
    assert states == [DkimKeyState.ACTIVE, *[DkimKeyState.RETIRED] * 3]


async def test_a_key_is_removed_only_when_nobody_can_need_it(resources: Resources, clock: HandClock) -> None:
    await added(resources, "memo1")
    await activated(resources, "memo1")
    place = (DOMAIN, "memo1")

    async def act(function: Callable[..., DkimKey]) -> DkimKey:
        return await resources.database.write(function, place, actor="Ada", now=clock.now())

    with pytest.raises(dkim_keys.StillNeeded, match="signs"):
        await act(dkim_keys.remove)
    await act(dkim_keys.retire)
    await act(dkim_keys.retire)
    assert await resources.database.read(dkim_keys.active) == {}
    with pytest.raises(dkim_keys.StillNeeded, match="2026-"):
        await act(dkim_keys.remove)
    clock.advance(dkim_keys.KEPT_AFTER_RETIRING + timedelta(seconds=1))
    await act(dkim_keys.remove)
    with pytest.raises(dkim_keys.DkimKeyNotFound):
        await act(dkim_keys.retire)

    await added(resources, "memo2")  # one that never signed can go at once
    place = (DOMAIN, "memo2")
    await act(dkim_keys.remove)
    assert await resources.database.read(dkim_keys.all_of) == []

    def names(session: Session) -> list[str]:
        return list(session.scalars(sa.select(col(Event.name)).order_by(col(Event.id))))

    assert await resources.database.read(names) == [
        "dkim_key.added", "dkim_key.activated", "dkim_key.retired", "dkim_key.removed",
        "dkim_key.added", "dkim_key.removed",
    ]  # fmt: skip


async def test_a_selector_is_taken_once_and_names_are_checked(resources: Resources) -> None:
    await added(resources, "memo1")
    with pytest.raises(dkim_keys.SelectorTaken):
        await added(resources, " MEMO1 ", domain="News.Example.org")
    for selector in ("", "a b", "-a", "a..b", "a_b", "x" * 64, 'a"b', "é"):
        with pytest.raises(dkim_material.SelectorUnusable):
            await added(resources, selector)
    for domain in ("", "memo@example.org", "a b", "localhost\n", ".."):
        with pytest.raises(dkim_material.DomainUnusable):
            await added(resources, "memo2", domain=domain)
    assert (
        await added(resources, "memo2", domain="bücher.example.org")
    ).domain == "xn--bcher-kva.example.org"


async def test_a_new_first_key_locks_everything_anew_so_that_the_old_one_can_go(resources: Resources) -> None:
    lost, old, both = tokens.keys_from("lost"), tokens.keys_from("old"), tokens.keys_from("new, old")
    await added(resources, "memo1", keys=old)
    await added(resources, "memo2", keys=lost)

    assert await resources.database.write(dkim_keys.lock_anew, both) == 1
    assert await resources.database.write(dkim_keys.lock_anew, both) == 0

    found = {key.selector: key for key in await resources.database.read(dkim_keys.all_of)}
    new = dkim_keys.unlocked(tokens.keys_from("new"), found["memo1"])
    assert new.private.private_numbers() == PRIVATE.private_numbers()
    assert replace(new, private=OTHER) == dkim.SigningKey(DOMAIN, "memo1", OTHER)
    with pytest.raises(vault.KeyMissing):  # left as it was, and not lost if that key is found again
        dkim_keys.unlocked(both, found["memo2"])
    assert dkim_keys.unlocked(lost, found["memo2"]).selector == "memo2"


async def test_the_worker_locks_anew_what_an_older_key_locks(resources: Resources) -> None:
    await added(resources, "memo1", keys=tokens.keys_from("old"))
    changed = replace(resources, keys=tokens.keys_from("new, old"))

    await Worker(changed, "smtp://127.0.0.1:1?tls=none").tidy()

    (found,) = await resources.database.read(dkim_keys.all_of)
    assert dkim_keys.unlocked(tokens.keys_from("new"), found).selector == "memo1"


async def test_what_is_wrong_is_said_by_errors_of_ours(resources: Resources) -> None:
    for act in (dkim_keys.activate, dkim_keys.retire, dkim_keys.remove):
        with pytest.raises(MemoError, match="no such DKIM key"):
            await resources.database.write(act, (DOMAIN, "nine"), actor="Ada", now=resources.clock.now())
