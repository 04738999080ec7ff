import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from service.accounts import signin
from service.accounts.limiter import TRIES_FOR_ADDRESS, TRIES_FOR_CLIENT, SignInLimiter, TooManyAttempts
from service.accounts.models import Account
from service.accounts.passwords import Passwords, PasswordUnsuitable
from service.accounts.signin import AccountExists
from service.dependencies import Resources
from tests.support.clock import HandClock

PASSWORD = "a harbour at dawn"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    held = Passwords()
    yield held
    held.close()


async def _account(resources: Resources, address: str = "Nora.Quist@Example.ORG") -> Account:
    return await resources.database.write(
        signin.create_account, "Nora Quist", address, "no hash", now=resources.clock.now()
    )


async def test_nb_20_an_account_is_found_by_any_spelling_of_its_address(resources: Resources) -> None:
    account = await _account(resources)

    for spelling in (
        "nora.quist@example.org",
        " <NORA.QUIST@example.org> ",
        "mailto:nora.quist@example.org.",
    ):
        found = await resources.database.read(signin.find_account, spelling)
        assert found is not None and found.uid == account.uid
    assert await resources.database.read(signin.find_account, "not an address") is None
    with pytest.raises(AccountExists):
        await _account(resources, "nora.quist@example.org")


async def test_a_session_lasts_fourteen_days_and_can_be_closed(
    resources: Resources, clock: HandClock
) -> None:
    account = await _account(resources)
    secret = await resources.database.write(signin.open_session, account, now=clock.now())
    other = await resources.database.write(signin.open_session, account, now=clock.now())

    async def who(held: str) -> Account | None:
        return await resources.database.read(signin.account_of, held, now=clock.now())

    clock.advance(timedelta(days=14) - timedelta(seconds=1))
    found = await who(secret)
    assert found is not None and found.uid == account.uid
    await resources.database.write(signin.close_session, secret)
    assert await who(secret) is None
    assert await who(other) is not None
    clock.advance(timedelta(seconds=1))
    assert await who(other) is None
    assert await resources.database.write(signin.forget_expired, now=clock.now()) == 1


async def test_an_account_can_be_signed_out_everywhere(resources: Resources, clock: HandClock) -> None:
    account = await _account(resources)
    for _ in range(3):
        await resources.database.write(signin.open_session, account, now=clock.now())

    left = await resources.database.write(
        signin.sign_out_everywhere, account.address, now=clock.now(), actor="test"
    )
    assert left == 3


async def test_a_new_password_ends_what_was_begun_with_the_old_one(
    resources: Resources, clock: HandClock
) -> None:
    account = await _account(resources)
    secret = await resources.database.write(signin.open_session, account, now=clock.now())

    ended = await resources.database.write(
        signin.change_password, account.address, "another hash", now=clock.now(), actor="test"
    )
    assert ended == 1
    assert await resources.database.read(signin.account_of, secret, now=clock.now()) is None
    kept = await resources.database.read(signin.find_account, account.address)
    assert kept is not None and kept.password_hash == "another hash"


async def test_only_the_right_password_fits(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)

    assert kept.startswith("$argon2id$") and PASSWORD not in kept
    assert await passwords.verify(PASSWORD, kept)
    assert not await passwords.verify(PASSWORD + " ", kept)
    assert not await passwords.verify(PASSWORD, None)
    assert not await passwords.verify("x" * 100_000, kept)


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)
    await passwords.verify(PASSWORD, None)  # makes the hash that no password fits

    async def taken(password_hash: str | None) -> float:
        begun = time.perf_counter()
        await passwords.verify("not the password", password_hash)
        return time.perf_counter() - begun

    # By turns, a known one last: when the machine's load goes down in between, the known one has its share of it.
    rounds = [(await taken(None), await taken(kept)) for _ in range(3)]
    unknown, known = (min(times) for times in zip(*rounds, strict=True))
    assert unknown > known / 3


async def test_no_more_than_two_passwords_are_checked_at_once(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)

    assert all(await asyncio.gather(*(passwords.verify(PASSWORD, kept) for _ in range(6))))
    assert len(passwords._pool._threads) == 2


@pytest.mark.parametrize("password", ["", "ninechars", "x" * 501])
def test_a_password_has_ten_characters_at_least(password: str) -> None:
    with pytest.raises(PasswordUnsuitable):
        signin.hash_password(password)


def test_the_same_password_composed_differently_fits() -> None:
    assert signin.verify("caf\u0065\u0301 du matin", signin.hash_password("caf\u00e9 du matin"))


def test_failures_for_one_address_do_not_lock_its_owner_out(clock: HandClock) -> None:
    limiter = SignInLimiter()
    for _ in range(TRIES_FOR_ADDRESS):
        limiter.admit("nora@example.org", "192.0.2.1", now=clock.now())
        limiter.failed("nora@example.org", "192.0.2.1", now=clock.now())

    with pytest.raises(TooManyAttempts, match="15 minutes"):
        limiter.admit("nora@example.org", "192.0.2.1", now=clock.now())
    limiter.admit("nora@example.org", "192.0.2.2", now=clock.now())
    clock.advance(timedelta(minutes=15))
    limiter.admit("nora@example.org", "192.0.2.1", now=clock.now())


def test_one_client_cannot_try_address_after_address(clock: HandClock) -> None:
    limiter = SignInLimiter()
    for number in range(TRIES_FOR_CLIENT):
        limiter.failed(f"reader{number}@example.org", "192.0.2.1", now=clock.now())

    with pytest.raises(TooManyAttempts):
        limiter.admit("nora@example.org", "192.0.2.1", now=clock.now())


def test_signing_in_forgets_the_failures_before(clock: HandClock) -> None:
    limiter = SignInLimiter()
    for _ in range(TRIES_FOR_ADDRESS):
        limiter.failed("nora@example.org", "192.0.2.1", now=clock.now())
    limiter.succeeded("nora@example.org", "192.0.2.1")

    limiter.admit("nora@example.org", "192.0.2.1", now=clock.now())
