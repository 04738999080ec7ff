"""A whole examination: name server, relay, HTTPS and database are real, each on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from sqlmodel import Session

from service import tokens
from service.clock import SystemClock
from service.delivery import dkim_keys, dkim_material
from service.delivery.models import Role
from service.dependencies import Resources
from service.doctor import examining
from service.doctor.examining import DomainUnusable, Wanted
from service.doctor.findings import Examination, Finding, Group, Severity
from service.doctor.plan import Look
from service.fetching import Fetcher
from service.newsletters.publication import NewsletterNotFound
from service.serving import WebServer
from service.tokens import new_uid
from service.workers import register
from service.workers.register import Identity
from tests.service.desk import steps
from tests.service.relays.steps import added
from tests.support import certificates
from tests.support.application import app_of
from tests.support.lag import Lag
from tests.support.name_server import NameServer
from tests.support.relay import Relay

HOST = "news.example.org"
PRIVATE = dkim_material.new_private_key()
OF_THE_MACHINE = {
    "disk",
    "postfix_queue",
    "database",
}  # where the tests run, this may be as it likes: PostgreSQL is without fsync there


@pytest.fixture
async def dns() -> AsyncIterator[NameServer]:
    async with NameServer() as server:
        yield server


@pytest.fixture
def newsroom(resources: Resources, dns: NameServer) -> Resources:
    """By the real clock, and with a name server of its own."""
    settings = resources.settings.model_copy(
        update={"resolver": dns.address, "public_url": "", "ehlo_name": HOST, "secret_key": "k" * 40}
    )
    return replace(resources, settings=settings, clock=SystemClock())


@pytest.fixture
async def public(newsroom: Resources, tmp_path: Path) -> AsyncIterator[Resources]:
    """Its pages are there over HTTPS, under a name that leads to loopback."""
    held = certificates.make(tmp_path, name=HOST, days=60)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    fetcher = Fetcher(allow=[f"{HOST}:{port}"], resolve=_to_loopback, tls=held.for_client())
    settings = newsroom.settings.model_copy(update={"public_url": f"https://{HOST}:{port}"})
    ready = replace(newsroom, settings=settings, fetcher=fetcher)
    server = WebServer(
        uvicorn.Config(
            app_of(newsroom), log_config=None, lifespan="off", ws="none",
            ssl_certfile=held.ca_file, ssl_keyfile=held.key_file,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await server.is_up.wait()
    yield ready
    await fetcher.close()
    server.should_exit = True
    await serving


async def _to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def publish(newsroom: Resources, dns: NameServer) -> None:
    """All that a domain has to publish, and a key that signs."""

    def activated(session: Session) -> None:
        now, place = newsroom.clock.now(), (HOST, "memo1")
        dkim_keys.add(session, newsroom.keys, place, PRIVATE, actor="test", now=now)
        dkim_keys.activate(session, place, actor="test", now=now)

    await newsroom.database.write(activated)
    public = dkim_material.public_text(PRIVATE)
    dns.txt(HOST, "v=spf1 ip4:192.0.2.25 -all").put(HOST, "A", "192.0.2.25").put(HOST, "MX", f"10 {HOST}.")
    dns.txt(f"memo1._domainkey.{HOST}", dkim_material.record_text(public)).named("192.0.2.25", f"{HOST}.")
    dns.txt("_dmarc.example.org", "v=DMARC1; p=reject; rua=mailto:dmarc@example.org")


async def looked(newsroom: Resources, wanted: Wanted | None = None) -> Examination:
    return await examining.examine(newsroom, wanted or Wanted(), seconds=10)


def codes(found: Examination, *severities: Severity) -> set[str]:
    return {
        one.code
        for one in found.findings
        if (not severities or one.severity in severities) and one.topic not in OF_THE_MACHINE
    }


async def test_where_all_is_well(public: Resources, dns: NameServer, relay: Relay) -> None:
    await steps.newsletter(public)
    await publish(public, dns)
    await added(public, "post", relay, Role.MAIN)
    await public.database.write(register.beat, Identity(new_uid(), "one:7", "one", 7, "0.1.0"), {})
    found = await looked(public)
    assert codes(found, Severity.WARN, Severity.FAIL) == set(), found.facts()
    assert codes(found, Severity.OK) == {
        "alignment.ok", "clock.ok", "dkim.ok", "dmarc.ok", "newsletter.ok", "ptr.ok", "relay.ok", "return_path.ok",
        "schema.ok", "secret.ok", "spf.ok", "web.certificate", "web.ok", "workers.ok", "zones.ok",
    }  # fmt: skip
    assert codes(found, Severity.NOTE) == {"newsletter.no_alarm", "relay.no_fallback", "return_path.not_set"}
    assert not relay.received
    assert "database.ok" in {one.code for one in found.findings} or not public.database.is_sqlite
    assert Examination.of(found.facts()) == found


async def test_where_nothing_is_done_yet(newsroom: Resources, dns: NameServer) -> None:
    await steps.newsletter(newsroom)
    dns.txt("example.org", "here")
    found = await looked(newsroom)
    assert codes(found, Severity.WARN, Severity.FAIL) == {
        "alignment.spf_only", "dkim.no_key", "dmarc.missing", "domain.unknown", "relay.none", "spf.missing",
    }  # fmt: skip
    assert {"web.not_set", "workers.none"} <= codes(found)
    assert all(one.subject == HOST for one in found.findings if one.group is Group.DOMAIN)


async def test_one_domain_and_one_newsletter(newsroom: Resources, dns: NameServer) -> None:
    await steps.newsletter(newsroom)
    await steps.newsletter(newsroom, slug="evening", name="Evening", from_address="memo@evening.example.org")
    one = await looked(newsroom, Wanted(newsletter="evening"))
    assert {f.subject for f in one.findings if f.group is Group.DOMAIN} == {"evening.example.org"}
    assert {f.subject for f in one.findings if f.group is Group.NEWSLETTER} == {"evening"}
    dns.txt("other.example.net", "v=spf1 +all")
    records = await looked(newsroom, Wanted(domain="someone@Other.example.net"))
    assert records.scope == "other.example.net"
    assert "spf.all_pass" in codes(records)
    assert {f.group for f in records.findings} == {Group.DOMAIN, Group.RETURN}
    with pytest.raises(NewsletterNotFound):
        await looked(newsroom, Wanted(newsletter="weekly"))
    with pytest.raises(DomainUnusable):
        await looked(newsroom, Wanted(domain="no domain"))


async def test_a_bounce_domain_is_the_one_of_the_envelope(newsroom: Resources, dns: NameServer) -> None:
    await steps.newsletter(newsroom)
    await publish(newsroom, dns)
    dns.put(f"bounces.{HOST}", "MX", "10 mail.example.net.").put("mail.example.net", "A", "198.51.100.7")
    changed = newsroom.settings.model_copy(update={"bounce_domain": f"bounces.{HOST}"})
    found = await looked(replace(newsroom, settings=changed))
    assert {"spf.missing", "return_path.elsewhere", "alignment.ok", "dkim.ok"} <= codes(found)
    assert {f.subject for f in found.findings if f.topic in {"spf", "return_path"}} == {f"bounces.{HOST}"}


async def test_another_key_behind_the_public_address_is_noticed(public: Resources) -> None:
    found = await looked(replace(public, keys=tokens.keys_from("another key")))
    assert "web.not_ours" in codes(found, Severity.FAIL)


async def test_what_cannot_be_reached_is_told(newsroom: Resources, relay: Relay) -> None:
    await added(newsroom, "post", relay, Role.MAIN)
    relay.when(phase="connect").reply("554 5.7.1 go away")
    settings = newsroom.settings.model_copy(update={"public_url": f"https://{HOST}"})
    async with Fetcher(resolve=_to_loopback) as fetcher:
        found = await looked(replace(newsroom, settings=settings, fetcher=fetcher))
    assert {"relay.greeting", "web.not_public"} <= codes(found, Severity.FAIL)


async def test_a_look_that_takes_too_long_or_breaks_does_not_hide_the_others() -> None:
    async def slow() -> list[Finding]:
        await asyncio.sleep(60)
        return []

    async def broken() -> list[Finding]:
        raise ZeroDivisionError

    async def well() -> list[Finding]:
        return [Finding("web.ok", Group.WEB, Severity.OK, "", "Well.")]

    looks = [Look("this", Group.WEB, "", begin) for begin in (slow, broken, well)]
    found = await examining.looked(looks, 0.05)
    assert [one.code for one in found] == ["doctor.too_slow", "doctor.broken", "web.ok"]


async def test_a_silent_name_server_costs_a_bounded_time(newsroom: Resources, dns: NameServer) -> None:
    await steps.newsletter(newsroom)
    dns.silent(HOST, "example.org", f"_dmarc.{HOST}", "_dmarc.example.org", "_dmarc.org")
    async with Lag().measured() as lag:
        found = await examining.examine(newsroom, Wanted(domain=HOST), seconds=1)
    assert {"spf.could_not_ask", "dmarc.could_not_ask", "return_path.could_not_ask"} <= codes(found) or (
        "doctor.too_slow" in codes(found)
    )
    assert "spf.missing" not in codes(found)
    assert found.seconds - lag.seconds < 4
