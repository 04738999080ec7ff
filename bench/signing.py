"""Our DKIM signer beside what it cannot beat: `openssl speed rsa2048`, the bare RSA operation again and again on one processor.

They take turns, a twentieth of a second each, and are counted by processor time, as openssl counts: so a slow stretch of the machine
is everybody's. In turn with them come shorter messages, because the hash of the body grows with it and the RSA operation does not, and
the two operations that no signer can do without: what is between those and the signer is ours.
"""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import psutil
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlmodel import Session, col, select

from bench.ledger import DoesNotAddUp
from service import database, tokens
from service.delivery import dkim, dkim_keys, dkim_material, signing_process
from service.delivery.dkim import SigningKey
from service.delivery.signing import BATCH, BATCHES
from service.delivery.signing_process import A_KEY, ANSWER, DIGEST_OCTETS, DIGESTS, FRAME
from service.ledger.models import Delivery
from service.newsletters.models import Newsletter

ROUNDS = 3
SECONDS = 8
TURN_SECONDS = 0.05
SHARES = (0.5, 0.25)
READERS = 1_000
SELECTOR = "memo1"
_RATE = re.compile(r"(\d+) 2048 bits? private RSA\D* in ([\d.]+)s")
_AT = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


class OpensslMissing(Exception):
    """There is no openssl to measure the signer against: install the package `openssl`."""


@dataclass(frozen=True)
class Signing:
    """Signatures in a second of one processor, and to those of openssl: `ratio`, from the message to the signed message; `by_octets`, the
    same for its beginnings; `process_ratio`, of the process that is given digests; `bare_ratio`, of one hash over the body and one RSA
    operation, and nothing else.
    """

    rate: float
    openssl_rate: float
    ratio: float
    by_octets: dict[int, float]
    process_ratio: float
    bare_ratio: float


def measure(message: bytes) -> Signing:
    """`message` as an edition's first reader gets it. Raises OpensslMissing."""
    assert dkim.has_relaxed_body(
        message
    )  # what lets the signer, here as in the product, not look at it again
    key = SigningKey("news.example.org", SELECTOR, rsa.generate_private_key(65537, 2048))
    whole = _Signer(key, message)
    shorter = [_Signer(key, _beginning(message, share)) for share in SHARES]
    bare = _Bare(key, message)
    with _on_one_processor(), _process(key) as process:
        rounds = [_round([whole, *shorter, process, bare]) for _ in range(ROUNDS)]
    rates = zip(*(rates for _, rates in rounds), strict=True)
    rate, *_ = found = [median(of_one) for of_one in rates]
    openssl_rate = median(openssl for openssl, _ in rounds)
    *ratios, process_ratio, bare_ratio = [one / openssl_rate for one in found]
    by_octets = dict(zip([one.octets for one in (whole, *shorter)], ratios, strict=True))
    return Signing(rate, openssl_rate, ratios[0], by_octets, process_ratio, bare_ratio)


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


def _beginning(message: bytes, share: float) -> bytes:
    head, _, body = message.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[: body.index(b"\r\n", int(len(body) * share)) + 2]


class _Signer:
    def __init__(self, key: SigningKey, message: bytes) -> None:
        self.octets = len(message)
        self._key = key
        self._heads = [_head(message, number) for number in range(READERS)]
        self._body = b"\r\n\r\n" + message.partition(b"\r\n\r\n")[2]
        self._next = 0

    def turn(self) -> tuple[int, float]:
        """How many were signed, and in how much processor time. Each batch is put together just before, as in the product."""
        signed, passed = 0, 0.0
        while passed < TURN_SECONDS:
            first = self._next = (self._next + BATCH) % READERS
            messages = [head + self._body for head in self._heads[first : first + BATCH]]
            began = time.thread_time()
            unsigned = [
                dkim.prepared(message, self._key, at=_AT, body_is_relaxed=True) for message in messages
            ]
            signatures = [dkim.signature(self._key, one.digest) for one in unsigned]
            for one, signature in zip(unsigned, signatures, strict=True):
                one.signed(signature)
            passed += time.thread_time() - began
            signed += len(messages)
        return signed, passed


class _Bare:
    """One hash over the body and one RSA operation."""

    def __init__(self, key: SigningKey, message: bytes) -> None:
        self._key = key
        self._body = message.partition(b"\r\n\r\n")[2]

    def turn(self) -> tuple[int, float]:
        done, began = 0, time.thread_time()
        while (passed := time.thread_time() - began) < TURN_SECONDS:
            for _ in range(BATCH):
                dkim.signature(self._key, hashlib.sha256(self._body).digest())
            done += BATCH
        return done, passed


class _Process:
    """What the product has sign for it, by itself: digests in, signatures out."""

    def __init__(self, key: SigningKey, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None and process.stdout is not None
        self._into, self._out = process.stdin, process.stdout
        self._usage = psutil.Process(process.pid)
        private = dkim_material.to_bytes(key.private)
        self._into.write(FRAME.pack(A_KEY, 0, len(private)) + private)

    def turn(self) -> tuple[int, float]:
        signed, began, ends = 0, self._passed(), time.monotonic() + TURN_SECONDS
        for _ in range(BATCHES):
            self._ask()
        while time.monotonic() < ends:
            self._ask()
            signed += self._answered()
        return signed + sum(self._answered() for _ in range(BATCHES)), self._passed() - began

    def _passed(self) -> float:
        """In steps of a hundredth; what a turn has too much the next one has too little."""
        times = self._usage.cpu_times()
        return times.user + times.system

    def _ask(self) -> None:
        digests = os.urandom(BATCH * DIGEST_OCTETS)
        self._into.write(FRAME.pack(DIGESTS, 0, len(digests)) + digests)
        self._into.flush()

    def _answered(self) -> int:
        (length,) = ANSWER.unpack(self._out.read(ANSWER.size))
        self._out.read(length)
        return BATCH


@contextmanager
def _process(key: SigningKey) -> Iterator[_Process]:
    command = [sys.executable, signing_process.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield _Process(key, process)
        process.kill()


class _Turns(Protocol):
    def turn(self) -> tuple[int, float]: ...


def _round(others: Sequence[_Turns]) -> tuple[float, list[float]]:
    """What openssl, and then each of the others, did in a second of the processor; the same one for all, two are seldom equally quick."""
    done = [(0, 0.0)] * len(others)
    ends = time.monotonic() + SECONDS - TURN_SECONDS * (len(others) + 1)
    with _openssl() as openssl:
        while time.monotonic() < ends:
            time.sleep(TURN_SECONDS)
            openssl.send_signal(signal.SIGSTOP)
            for place, other in enumerate(others):
                count, passed = other.turn()
                done[place] = done[place][0] + count, done[place][1] + passed
            openssl.send_signal(signal.SIGCONT)
        rate = _rate_of(openssl)
    return rate, [count / passed for count, passed in done]


@contextmanager
def _on_one_processor() -> Iterator[None]:
    """This thread, and what it starts meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _openssl() -> Iterator["subprocess.Popen[str]"]:
    command = ["openssl", "speed", "-seconds", str(SECONDS), "rsa2048"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        raise OpensslMissing(str(OpensslMissing.__doc__)) from error
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _rate_of(openssl: "subprocess.Popen[str]") -> float:
    """As it tells it after the last signature, before it goes on to verify: `23005 2048 bits private RSA's in 7.51s`."""
    assert openssl.stderr is not None
    said = ""
    for line in openssl.stderr:
        said += line
        if (found := _RATE.search(said)) is not None:
            return int(found[1]) / float(found[2])
    raise OpensslMissing(f"openssl speed rsa2048 said nothing that can be read: {said[-200:]}")


def _head(message: bytes, number: int) -> bytes:
    """Another reader's: what is a reader's own is in these three fields."""
    head = message.partition(b"\r\n\r\n")[0]
    for name, mark in ((b"To", b"@"), (b"Message-ID", b"@"), (b"List-Unsubscribe", b"/unsubscribe/")):
        start, field, rest = head.partition(b"\r\n" + name + b": ")
        head = start + field + rest.replace(mark, b"%d" % number + mark, 1)
    return head
