"""An edition as the relay takes it down, byte for byte: what mail libraries are known to spoil on the way there."""

import re
from dataclasses import replace

import pytest

from service.delivery import dkim_keys, dkim_material
from service.delivery.dkim import SigningKey
from service.dependencies import Resources
from tests.support.dkim_check import signed_fields, verifies, zone_of
from tests.support.message_check import assert_good
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay
from tests.support.relay_session import Offer

DOMAIN = "news.example.org"
KEY = SigningKey(DOMAIN, "memo1", dkim_material.new_private_key())
LONG = f"https://{DOMAIN}/{'newsroom-' * 12}list"
READERS = [f"reader{number}@example.org" for number in range(3)]


def head_of(message: bytes) -> str:
    return message.partition(b"\r\n\r\n")[0].decode("ascii")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_01_a_long_unsubscribe_link_reaches_the_relay_byte_for_byte(resources: Resources) -> None:
    outbox = await open_outbox(resources, READERS)
    async with (
        Relay() as relay,
        sending(replace(office(resources, relay_at(relay.url)), base_url=LONG)),
    ):
        await outbox.until_ended()
    links = set()
    for one in relay.received:
        assert_good(
            one.data,
            kind="edition",
            mail_from=one.mail_from,
            rcpt_to=one.recipient,
            public_url=LONG,
            now=one.at,
        )
        head = head_of(one.data)
        (link,) = re.findall(r"^List-Unsubscribe: <(\S+)>(?:,\r\n <mailto:[^>]*>)?\r?$", head, re.MULTILINE)
        assert link.startswith(f"{LONG}/unsubscribe/") and len(link) > 150
        assert "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head
        assert not [line for line in head.split("\r\n") if line.startswith("List-") and "=?" in line]
        links.add(link)
    assert len(links) == len(READERS)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_52_the_signature_covers_the_button_and_needs_no_8_bit_relay(
    resources: Resources, relay: Relay
) -> None:
    relay.offer = Offer(eightbitmime=False, smtputf8=False)
    now = resources.clock.now()
    await resources.database.write(
        dkim_keys.add, resources.keys, (DOMAIN, "memo1"), KEY.private, actor="test", now=now
    )
    await resources.database.write(dkim_keys.activate, (DOMAIN, "memo1"), actor="test", now=now)
    outbox = await open_outbox(resources, READERS)
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    assert len(relay.received) == len(READERS)
    for one in relay.received:
        assert one.data.isascii() and "BODY=8BITMIME" not in one.options
        assert one.data.startswith(b"DKIM-Signature:")  # nothing was put on top after signing
        assert verifies(one.data, zone_of(KEY))
        wanted = "from to subject date message-id mime-version content-type list-id list-unsubscribe list-unsubscribe-post"
        assert set(wanted.split()) <= set(signed_fields(one.data))
        assert b"c=relaxed/relaxed" in one.data
