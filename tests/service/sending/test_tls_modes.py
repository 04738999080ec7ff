"""NB-64: each way in which a relay may speak TLS, with each of our settings. No database is asked."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.delivery import transport, trust
from service.delivery.exchange import Envelope
from service.delivery.limits import Limits, Timeouts
from service.delivery.transport import RelayDown, Transport
from tests.support import certificates
from tests.support.relay import Relay
from tests.support.relay_session import Offer

PATIENCE = Timeouts.alike(20)
SHORT = replace(PATIENCE, greeting=0.5)  # where each waits for the other to begin
ENVELOPE = Envelope("memo@news.example.org", "a@example.org", b"Subject: Memo\r\n\r\nGood morning.\r\n")
SETTINGS = {
    "implicit": "smtps://127.0.0.1:{port}",
    "required": "smtp://127.0.0.1:{port}",
    "opportunistic": "smtp://127.0.0.1:{port}?tls=opportunistic",
    "none": "smtp://127.0.0.1:{port}?tls=none",
}
# What the relay does, the settings that get through, and for the others what the error says.
RELAYS = {
    "implicit TLS": ({"implicit"}, r"(?i)tls|in time|cannot be used"),
    "STARTTLS": ({"required", "opportunistic", "none"}, r"(?i)tls|cannot be used"),
    "plain": ({"opportunistic", "none"}, r"STARTTLS|(?i:cannot be used)"),
    "a certificate nobody vouches for": ({"none"}, "(?i)certificate|cannot be used"),
    "a certificate for another name": ({"none"}, "(?i)certificate|cannot be used"),
}


@asynccontextmanager
async def relay_with(kind: str, folder: Path) -> AsyncIterator[tuple[Relay, Path | None]]:
    """And the file of the authority that we are told to trust."""
    name = "mail.example.org" if kind == "a certificate for another name" else "127.0.0.1"
    held = certificates.make(folder, name=name)
    ca_file = None if kind == "a certificate nobody vouches for" else held.ca_file
    if kind == "implicit TLS":
        made = Relay(tls=held.for_server())
    else:
        made = Relay(offer=Offer() if kind == "plain" else Offer(starttls=held.for_server()))
    async with made as relay:
        yield relay, ca_file


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("kind", RELAYS)
async def test_nb_64_each_relay_with_each_setting(kind: str, setting: str, tmp_path: Path) -> None:
    let_in, problem = RELAYS[kind]
    both_wait = kind == "implicit TLS" and setting != "implicit"
    async with relay_with(kind, tmp_path) as (relay, ca_file):
        url = SETTINGS[setting].format(port=relay.port)
        address = transport.read_address(url, ehlo_name="news.example.org", ca_file=ca_file)
        made = Transport(address, SHORT if both_wait else PATIENCE, Limits())
        try:
            if setting in let_in:
                await made.ready()
                assert (await made.carry(ENVELOPE)).code == 250
            else:
                with pytest.raises(RelayDown) as told:
                    await made.ready()
                assert re.search(problem, told.value.message), told.value.message
                assert "MEMO_RELAY" in told.value.message, "the setting to change is named"
        finally:
            await made.close()
    assert len(relay.received) == (setting in let_in)


def test_nb_64_a_password_is_never_sent_in_the_clear() -> None:
    with pytest.raises(transport.RelayUrlInvalid, match="never sent without TLS"):
        transport.read_address("smtp://memo:secret@relay.example.net?tls=none", ehlo_name="news.example.org")


async def test_connections_share_what_is_trusted_until_the_file_changes(tmp_path: Path) -> None:
    """A context of its own for each of sixty connections was 50 MB."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    ca_file = certificates.make(tmp_path / "one").ca_file
    first = await trust.context(ca_file)
    assert await trust.context(ca_file) is first
    ca_file.write_bytes(certificates.make(tmp_path / "two").ca_file.read_bytes())
    os.utime(ca_file, ns=(1, 1))  # also where the clock of the disk is coarse
    second = await trust.context(ca_file)
    assert second is not first
    assert second.get_ca_certs() != first.get_ca_certs()


async def test_a_file_of_authorities_that_is_gone_is_said(tmp_path: Path) -> None:
    async with relay_with("implicit TLS", tmp_path) as (relay, _):
        address = transport.read_address(
            SETTINGS["implicit"].format(port=relay.port),
            ehlo_name="news.example.org",
            ca_file=tmp_path / "no.pem",
        )
        with pytest.raises(RelayDown, match=r"no\.pem"):
            await Transport(address, PATIENCE, Limits()).ready()
