"""Accounts and their sessions.

find_account -> Passwords.verify (no transaction open) -> open_session -> cookie -> account_of, on every page -> close_session
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses, tokens
from service.accounts import names, passwords
from service.accounts.models import Account, DeskSession
from service.addresses import AddressInvalid
from service.errors import Conflict, NotFound
from service.events import log

SESSION_LASTS = timedelta(days=14)
LONGEST_NAME = 120

hash_password = passwords.hash_password
verify = passwords.verify


class AccountExists(Conflict):
    """There is already an account with this mail address."""


class AccountNotFound(NotFound):
    """Nobody signs in with this address: `memo account list` shows who does."""


def create_account(
    session: Session, name: str, address: str, password_hash: str, *, now: datetime
) -> Account:
    parsed = addresses.parse(address)
    if _by_key(session, parsed.key) is not None:
        raise AccountExists
    account = Account(
        name=names.checked(name, longest=LONGEST_NAME),
        address=parsed.wire,
        address_key=parsed.key,
        password_hash=password_hash,
        created_at=now,
    )
    session.add(account)
    session.flush()
    log.record(session, "account.created", actor="command line", now=now, subject=("account", account.uid))
    return account


def find_account(session: Session, address: str) -> Account | None:
    """By any spelling of its address; nonsense is nobody's address."""
    try:
        return _by_key(session, addresses.parse(address).key)
    except AddressInvalid:
        return None


def open_session(session: Session, account: Account, *, now: datetime) -> str:
    """The secret for the cookie; nobody can see it again."""
    secret = tokens.new_secret()
    session.add(
        DeskSession(
            secret_hash=tokens.hashed(secret),
            account_id=account.id,
            created_at=now,
            expires_at=now + SESSION_LASTS,
        )
    )
    log.record(session, "account.signed_in", actor=account.name, now=now, subject=("account", account.uid))
    return secret


def account_of(session: Session, secret: str, *, now: datetime) -> Account | None:
    query = (
        select(Account)
        .join(DeskSession, col(DeskSession.account_id) == col(Account.id))
        .where(DeskSession.secret_hash == tokens.hashed(secret), DeskSession.expires_at > now)
    )
    return session.exec(query).first()


def close_session(session: Session, secret: str) -> None:
    session.connection().execute(
        sa.delete(DeskSession).where(col(DeskSession.secret_hash) == tokens.hashed(secret))
    )


def all_accounts(session: Session) -> list[Account]:
    return list(session.exec(select(Account).order_by(col(Account.name))))


def change_password(session: Session, address: str, password_hash: str, *, now: datetime, actor: str) -> int:
    """How many browsers were signed in with the old one, and are not any more. Raises AccountNotFound."""
    account = _known(session, address)
    account.password_hash = password_hash
    session.add(account)
    log.record(session, "account.password_changed", actor=actor, now=now, subject=("account", account.uid))
    return _close_sessions_of(session, account)


def sign_out_everywhere(session: Session, address: str, *, now: datetime, actor: str) -> int:
    """How many browsers that were. Raises AccountNotFound."""
    account = _known(session, address)
    log.record(session, "account.signed_out", actor=actor, now=now, subject=("account", account.uid))
    return _close_sessions_of(session, account)


def forget_expired(session: Session, *, now: datetime) -> int:
    return (
        session.connection()
        .execute(sa.delete(DeskSession).where(col(DeskSession.expires_at) <= now))
        .rowcount
    )


def _known(session: Session, address: str) -> Account:
    account = find_account(session, address)
    if account is None:
        raise AccountNotFound
    return account


def _close_sessions_of(session: Session, account: Account) -> int:
    return (
        session.connection()
        .execute(sa.delete(DeskSession).where(col(DeskSession.account_id) == account.id))
        .rowcount
    )


def _by_key(session: Session, key: str) -> Account | None:
    return session.exec(select(Account).where(Account.address_key == key)).first()
