"""Our DKIM signer beside what it cannot beat: `openssl speed rsa2048`, the bare RSA operation again and again on one processor.

Both are counted by processor time, as openssl counts, so that who else is on the machine matters little. In rounds of openssl, signer,
openssl; the ratio is that of the median round.
"""

import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlmodel import Session, col, select

from bench.ledger import DoesNotAddUp
from service import database, tokens
from service.delivery import dkim, dkim_keys, dkim_material
from service.delivery.dkim import SigningKey
from service.ledger.models import Delivery
from service.newsletters.models import Newsletter

ROUNDS = 5
SECONDS = 1
READERS, BATCH = 1_000, 50
SELECTOR = "memo1"
_RATE = re.compile(r"^rsa\s+2048 bits\s+\S+s\s+\S+s\s+([\d.]+)", re.MULTILINE)
_AT = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


class OpensslMissing(Exception):
    """There is no openssl to measure the signer against: install the package `openssl`."""


@dataclass(frozen=True)
class Signing:
    """Signatures in a second of one processor."""

    rate: float
    openssl_rate: float
    ratio: float


def measure(message: bytes) -> Signing:
    """`message` as an edition's first reader gets it. Raises OpensslMissing."""
    assert dkim.has_relaxed_body(
        message
    )  # what lets the signer, here as in the product, not look at it again
    key = SigningKey("news.example.org", SELECTOR, rsa.generate_private_key(65537, 2048))
    work = _Work(key, [_head(message, number) for number in range(READERS)], _body(message))
    before, rounds = _openssl(), []
    for _ in range(ROUNDS):
        rate, after = work.rate(), _openssl()
        rounds.append((rate, (before + after) / 2))
        before = after
    middle = sorted(rounds, key=lambda found: found[0] / found[1])[len(rounds) // 2]
    return Signing(
        rate=median(rate for rate, _ in rounds),
        openssl_rate=median(openssl for _, openssl in rounds),
        ratio=middle[0] / middle[1],
    )


@asynccontextmanager
async def key_in(folder: Path, url: str) -> AsyncIterator[None]:
    """A product's database with a key that signs for its newsletter; looks afterwards whether it did. Raises DoesNotAddUp."""
    keys = tokens.keys_from(tokens.kept_secret(folder / "secret-key"))
    private = dkim_material.new_private_key()

    def use(session: Session) -> None:
        place, now = (session.exec(select(Newsletter.from_address)).one().rpartition("@")[2], SELECTOR), _AT
        dkim_keys.add(session, keys, place, private, actor="bench", now=now)
        dkim_keys.activate(session, place, actor="bench", now=now)

    held = database.connect(url)
    try:
        await held.write(use)
        yield
        unsigned = sum("dkim" not in (pins or {}) for pins in await held.read(_pins))
    finally:
        await held.close()
    if unsigned:
        raise DoesNotAddUp(f"{unsigned} messages left unsigned.")


def _pins(session: Session) -> list[dict[str, Any] | None]:
    return list(session.scalars(sa.select(col(Delivery.pins))))


def _head(message: bytes, number: int) -> bytes:
    """Another reader's: what is a reader's own is in these three fields."""
    head = message.partition(b"\r\n\r\n")[0]
    for name, mark in ((b"To", b"@"), (b"Message-ID", b"@"), (b"List-Unsubscribe", b"/unsubscribe/")):
        start, field, rest = head.partition(b"\r\n" + name + b": ")
        head = start + field + rest.replace(mark, b"%d" % number + mark, 1)
    return head


def _body(message: bytes) -> bytes:
    return b"\r\n\r\n" + message.partition(b"\r\n\r\n")[2]


@dataclass(frozen=True)
class _Work:
    key: SigningKey
    heads: list[bytes]
    body: bytes

    def rate(self) -> float:
        """Each message is put together just before, as it is in the product: then it is still in the processor's cache."""
        began, signed = time.thread_time(), 0
        while (passed := time.thread_time() - began) < SECONDS:
            for head in self.heads[signed % READERS :][:BATCH]:
                dkim.sign(head + self.body, self.key, at=_AT, body_is_relaxed=True)
            signed += BATCH
        return signed / passed


def _openssl() -> float:
    try:
        said = subprocess.run(
            ["openssl", "speed", "-seconds", str(SECONDS), "rsa2048"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except FileNotFoundError as error:
        raise OpensslMissing(str(OpensslMissing.__doc__)) from error
    found = _RATE.search(said)
    if found is None:
        raise OpensslMissing(f"openssl speed rsa2048 said nothing that can be read: {said[-200:]}")
    return float(found.group(1))
