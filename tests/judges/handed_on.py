"""A typical edition, signed, carried by our own transport to a real Postfix, and as that handed it on; and the zone of its domain."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from service.delivery import dkim
from service.delivery.exchange import Envelope
from service.delivery.limits import Limits, Timeouts
from service.delivery.transport import Transport, read_address
from service.rendering import body, personal
from tests.support import dkim_check, postfix
from tests.support.relay import Relay
from tests.unit.rendering import samples

DOMAIN = "news.example.org"
# IPv6, as filters hold the example addresses of IPv4 (RFC 5737) for forged.
HOP_NAME, HOP_ADDRESS = f"mail.{DOMAIN}", "2001:db8::25"
MAIL_FROM = f"bounce+12.7.0f3a@{DOMAIN}"
WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class HandedOn:
    """`texts`: what the domain's owner publishes, name to TXT."""

    data: bytes
    rcpt_to: str
    texts: dict[str, str]


async def message() -> HandedOn:
    key = dkim_check.new_key(DOMAIN, "memo1")
    rendition = body.render(samples.CONTENT, samples.TEMPLATES)
    now = datetime.now(UTC)
    made = personal.splice(rendition, samples.ENVELOPE._replace(date=now), samples.PERSONAL)
    signed = dkim.sign(made, key, at=now)
    texts = {
        DOMAIN: f"v=spf1 ip6:{HOP_ADDRESS} -all",
        f"_dmarc.{DOMAIN}": "v=DMARC1; p=reject; adkim=s; aspf=s",
        **dkim_check.zone_of(key),
    }
    # As the reader's own server notes down who came to it.
    came = (
        f"Received: from {HOP_NAME} ({HOP_NAME} [IPv6:{HOP_ADDRESS}])\r\n"
        f"\tby mx.example.net with ESMTPS id 0f3a;\r\n\t{format_datetime(now)}\r\n"
    )
    return HandedOn(came.encode() + await _behind_a_hop(signed), samples.PERSONAL.address, texts)


async def _behind_a_hop(signed: bytes) -> bytes:
    async with Relay() as relay:
        hop = postfix.hop(relay.port, more=f"smtpd_banner = {HOP_NAME}\nsmtp_helo_name = {HOP_NAME}\n")
        url = await asyncio.to_thread(hop.__enter__)
        try:
            transport = Transport(read_address(url, ehlo_name=DOMAIN), Timeouts(), Limits())
            await transport.ready()
            reply = await transport.carry(Envelope(MAIL_FROM, samples.PERSONAL.address, signed))
            await transport.close()
            assert reply.code == 250, reply
            await relay.until(1, within=WITHIN_SECONDS)
        finally:
            await asyncio.to_thread(hop.__exit__, None, None, None)
    (received,) = relay.received
    assert received.data.startswith(b"Received: from")
    return received.data
