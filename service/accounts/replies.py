"""Kept replies: a POST with the same `Idempotency-Key` is done once, and answered the same for 24 hours.

    once                  reserve, work and kept reply in one transaction: either all of it happened or nothing
    reserve ... finish    for work that talks to a network in between; `release` if it failed, so that it may be tried again

A reservation whose holder died is taken over after a minute.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from service.accounts import queries
from service.accounts.models import KeptReply
from service.errors import Conflict, Invalid

KEPT_FOR = timedelta(hours=24)
STALE_AFTER = timedelta(seconds=60)
LONGEST_KEY = 200


class UsedForAnotherRequest(Invalid):
    """This Idempotency-Key was used for a request with another content. Give each new request a key of its own."""


class StillAtWork(Conflict):
    """The first request with this Idempotency-Key is still at work. Ask again in a few seconds."""


class IdempotencyKeyUnusable(Invalid):
    """An Idempotency-Key is 1 to 200 printable ASCII characters, for example a UUID."""


@dataclass(frozen=True)
class Ask:
    """A request as it is remembered: by whom, under which name, with which content."""

    key_id: int
    idempotency_key: str
    request_sha256: str


@dataclass(frozen=True)
class Reply:
    status: int
    body: str
    is_replayed: bool = False


def ask(key_id: int, idempotency_key: str, *, method: str, path: str, body: bytes) -> Ask:
    name = idempotency_key.strip()
    if not (0 < len(name) <= LONGEST_KEY and name.isascii() and name.isprintable()):
        raise IdempotencyKeyUnusable(field="Idempotency-Key")
    content = hashlib.sha256(f"{method} {path}\n".encode() + body)
    return Ask(key_id, name, content.hexdigest())


def once(session: Session, asked: Ask, work: Callable[[Session], Reply], *, now: datetime) -> Reply:
    """Do the work and keep its reply, or give the reply that was kept. Work that raises leaves nothing behind."""
    kept = reserve(session, asked, now=now)
    if kept is not None:
        return kept
    reply = work(session)
    finish(session, asked, reply)
    return reply


def find(session: Session, asked: Ask, *, now: datetime) -> Reply | None:
    """The kept reply, if there is one by now."""
    kept = queries.kept_reply(session, asked.key_id, asked.idempotency_key)
    if kept is None or kept.created_at <= now - KEPT_FOR:
        return None
    if kept.request_sha256 != asked.request_sha256:
        raise UsedForAnotherRequest(field="Idempotency-Key")
    return _reply(kept)


def reserve(session: Session, asked: Ask, *, now: datetime) -> Reply | None:
    """None: it is yours, do the work. Raises StillAtWork while somebody else does it."""
    queries.delete_if_older(session, asked.key_id, asked.idempotency_key, now - KEPT_FOR)
    if queries.insert_reservation(session, _values(asked, now)):
        return None
    reply = find(session, asked, now=now)
    if reply is not None:
        return reply
    if queries.retake(
        session, asked.key_id, asked.idempotency_key, unanswered_since=now - STALE_AFTER, now=now
    ):
        return None
    raise StillAtWork


def finish(session: Session, asked: Ask, reply: Reply) -> None:
    kept = queries.kept_reply(session, asked.key_id, asked.idempotency_key)
    if kept is None or kept.status is not None:
        return  # whoever took the reservation over has answered meanwhile
    kept.status, kept.body = reply.status, reply.body
    session.add(kept)


def release(session: Session, asked: Ask) -> None:
    """The work failed and changed nothing: the same request may be tried again at once."""
    queries.delete_unanswered(session, asked.key_id, asked.idempotency_key)


def forget_old(session: Session, *, now: datetime) -> int:
    return queries.delete_kept_before(session, now - KEPT_FOR)


def _reply(kept: KeptReply) -> Reply | None:
    if kept.status is None or kept.body is None:
        return None
    return Reply(kept.status, kept.body, is_replayed=True)


def _values(asked: Ask, now: datetime) -> dict[str, object]:
    return {
        "key_id": asked.key_id,
        "idempotency_key": asked.idempotency_key,
        "request_sha256": asked.request_sha256,
        "created_at": now,
    }
