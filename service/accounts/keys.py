"""API keys: a program's right to call the API. The secret is shown once; its SHA-256 is what we keep."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from service import tokens
from service.accounts import names
from service.accounts.models import Key
from service.errors import Conflict, Invalid, NotFound
from service.events import log

SECRET_PREFIX = "memo_"  # noqa: S105 - names what the secret is, so that scanners of leaked secrets find it
SHOWN_CHARACTERS = len(SECRET_PREFIX) + 6
LONGEST_NAME = 100


class Scope(StrEnum):
    """What a key may do. None implies another: a program that writes articles need not be able to mail everybody."""

    READ = "read"
    WRITE = "write"
    SEND = "send"


class ScopeUnknown(Invalid):
    """A key's scopes are any of read, write and send; give at least one."""


class KeyNotFound(NotFound):
    """There is no such key."""


class KeyAmbiguous(Conflict):
    """Several keys begin like this: give all the characters that `memo key list` shows."""


def create(session: Session, name: str, scopes: Iterable[str], *, now: datetime) -> tuple[Key, str]:
    """The key and its secret, which nobody can see again."""
    secret = tokens.new_secret(SECRET_PREFIX)
    key = Key(
        name=names.checked(name, longest=LONGEST_NAME),
        prefix=secret[:SHOWN_CHARACTERS],
        secret_hash=tokens.hashed(secret),
        scopes=" ".join(_in_order(scopes)),
        created_at=now,
    )
    session.add(key)
    session.flush()
    log.record(
        session,
        "key.created",
        actor="command line",
        now=now,
        subject=("key", key.uid),
        facts={"name": key.name, "scopes": key.scopes},
    )
    return key, secret


def find(session: Session, secret: str) -> Key | None:
    """The key of that secret, unless it has been revoked."""
    if not secret.startswith(SECRET_PREFIX):
        return None
    query = select(Key).where(Key.secret_hash == tokens.hashed(secret), col(Key.revoked_at).is_(None))
    return session.exec(query).first()


def scopes_of(key: Key) -> frozenset[Scope]:
    return frozenset(Scope(word) for word in key.scopes.split())


def all_of(session: Session) -> list[Key]:
    return list(session.exec(select(Key).order_by(col(Key.id))))


def revoke(session: Session, uid: uuid.UUID, *, actor: str, now: datetime) -> Key:
    key = session.exec(select(Key).where(Key.uid == uid)).first()
    if key is None:
        raise KeyNotFound
    if key.revoked_at is None:
        key.revoked_at = now
        session.add(key)
        log.record(session, "key.revoked", actor=actor, now=now, subject=("key", key.uid))
    return key


def revoke_beginning(session: Session, beginning: str, *, actor: str, now: datetime) -> Key:
    """The one key that begins with this: its shown characters, or the whole secret. Raises KeyNotFound, KeyAmbiguous."""
    shown = beginning.strip()[:SHOWN_CHARACTERS]
    found = [key for key in all_of(session) if shown and key.prefix.startswith(shown)]
    if len(found) > 1 and len(shown) < SHOWN_CHARACTERS:
        raise KeyAmbiguous
    whole = [key for key in found if len(found) == 1 or key.secret_hash == tokens.hashed(beginning.strip())]
    if not whole:
        raise KeyNotFound("No key begins like this: `memo key list` shows those there are.")
    return revoke(session, whole[0].uid, actor=actor, now=now)


def _in_order(scopes: Iterable[str]) -> list[Scope]:
    wanted = {word.strip().lower() for word in scopes if word.strip()}
    known = [scope for scope in Scope if scope.value in wanted]
    if not known or len(known) < len(wanted):
        raise ScopeUnknown(field="scopes")
    return known
