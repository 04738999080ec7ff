"""Whatever a test of sending received must be a good message, whatever else the test looked at."""

from collections.abc import AsyncIterator

import pytest

from service.clock import SystemClock
from tests.support.message_check import assert_good
from tests.support.relay import Relay

CHECKED_MOST = 25  # of one test: they are made from one rendition, and the check parses each in full


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        yield relay
    ids = [received.message_id for received in relay.received]
    bytes_of = {received.message_id: received.sha256 for received in relay.received}
    assert all(bytes_of[one.message_id] == one.sha256 for one in relay.received), (
        "one Message-ID, one message (M8)"
    )
    assert len({(one.message_id, one.recipient) for one in relay.received}) == len(set(ids)), (
        "one reader each (M8)"
    )
    for received in relay.received[:CHECKED_MOST]:
        assert_good(
            received.data,
            kind="notice" if b"\r\nAuto-Submitted:" in received.data else "edition",
            mail_from=received.mail_from,
            rcpt_to=received.recipient,
            public_url="https://news.example.org",
            now=SystemClock().now(),
        )
