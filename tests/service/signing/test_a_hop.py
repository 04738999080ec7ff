"""What arrives behind a real Postfix, judged by dkimpy and by opendkim: as it came, and after somebody tampered with it."""

import asyncio
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.delivery import dkim_keys, dkim_material
from service.delivery.dkim import SigningKey
from service.delivery.limits import Timeouts
from service.delivery.office import Office
from service.dependencies import Resources
from tests.support import postfix
from tests.support.dkim_check import (
    has_opendkim,
    opendkim_verifies,
    signed_fields,
    tags_of,
    verifies,
    zone_of,
)
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay

DOMAIN = "news.example.org"
KEYS = [SigningKey(DOMAIN, f"memo{number}", dkim_material.new_private_key()) for number in (1, 2)]
ZONE = zone_of(*KEYS)
READERS = 300
ON_THE_WAY_SECONDS = 120.0


@pytest.fixture(autouse=True)
def what_it_needs() -> None:
    """On the machine that judges changes everything is there, and nothing is skipped."""
    missing = postfix.missing() or (None if has_opendkim() else "opendkim is not installed")
    if missing and not os.environ.get("CI"):
        pytest.skip(missing)
    assert missing is None, missing


@pytest.fixture
def folder() -> Iterator[Path]:
    """opendkim wants every folder above its keys to be nobody else's to change, so not pytest's."""
    path = Path(tempfile.mkdtemp(prefix="memo-opendkim-"))
    yield path
    shutil.rmtree(path)


@asynccontextmanager
async def behind_a_hop() -> AsyncIterator[tuple[Relay, str]]:
    """What receives behind the hop, and the hop's URL."""
    async with Relay() as relay:
        hop = postfix.hop(relay.port)
        url = await asyncio.to_thread(hop.__enter__)
        try:
            yield relay, url
        finally:
            await asyncio.to_thread(hop.__exit__, None, None, None)


def patient(office: Office) -> Office:
    """A Postfix starts a process for each step, and an answer that comes too late would be a second copy of a message."""
    return replace(office, timeouts=Timeouts.alike(60))


async def use(resources: Resources, key: SigningKey) -> None:
    place, now = (key.domain, key.selector), resources.clock.now()
    await resources.database.write(dkim_keys.add, resources.keys, place, key.private, actor="test", now=now)
    await resources.database.write(dkim_keys.activate, place, actor="test", now=now)


async def test_it_arrives_as_it_was_signed_with_the_key_changed_on_the_way(
    resources: Resources, folder: Path
) -> None:
    await use(resources, KEYS[0])
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(READERS)])
    async with behind_a_hop() as (relay, url):
        async with sending(patient(office(resources, relay_at(url), connections=1))):
            while (await outbox.progress()).accepted < 20:
                await asyncio.sleep(0.01)
        await use(resources, KEYS[1])
        async with sending(patient(office(resources, relay_at(url), holder="two"))):
            found = await outbox.until_ended(within=ON_THE_WAY_SECONDS)
        assert found.accepted == READERS
        await relay.until(READERS, within=ON_THE_WAY_SECONDS)
        arrived = [one.data for one in relay.received]

    assert all(message.startswith(b"Received: from") for message in arrived)
    assert all(verifies(message, ZONE) for message in arrived)
    assert all(await asyncio.to_thread(opendkim_verifies, arrived, ZONE, folder))
    used = Counter(tags_of(from_us(message))["s"] for message in arrived)
    assert used["memo1"] >= 20 and used["memo2"] >= 20 and sum(used.values()) == READERS
    nobodys = {name: text for name, text in ZONE.items() if name.startswith("memo1")}
    assert {verifies(message, nobodys) for message in arrived} == {True, False}

    altered = [*tampered(arrived[0]), *tampered(arrived[-1])]
    assert len(altered) > 60
    assert not [one for one in altered if verifies(one, ZONE)]
    assert not any(await asyncio.to_thread(opendkim_verifies, altered, ZONE, folder))


def from_us(message: bytes) -> bytes:
    """Without what the hop put on top."""
    return message[message.index(b"DKIM-Signature:") :]


def tampered(message: bytes) -> Iterator[bytes]:
    """Each signed field altered, taken away, and (where it is signed once more than it occurs) put in a second time; the body altered."""
    head, _, content = message.partition(b"\r\n\r\n")
    counts = Counter(signed_fields(from_us(message)))
    for name, signed in counts.items():
        whole = re.compile(rb"\r\n(" + name.encode() + rb":)([^\r]*(?:\r\n[ \t][^\r]*)*)", re.IGNORECASE)
        occurs = len(whole.findall(head))
        if occurs:
            yield whole.sub(rb"\r\n\1\2x", head, count=1) + b"\r\n\r\n" + content
            yield whole.sub(b"", head, count=1) + b"\r\n\r\n" + content
        if signed > occurs:
            second = name.encode() + b": somebody@example.com"
            yield second + b"\r\n" + message
            yield head + b"\r\n" + second + b"\r\n\r\n" + content
    yield head + b"\r\n\r\n" + content.replace(b"e", b"a", 1)
    yield message + b"One more line\r\n"
