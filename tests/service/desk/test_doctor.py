"""The doctor at the desk: what was found last, kept and compared; a look at one domain, kept nowhere."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service.dependencies import Resources
from service.desk import doctor_view
from service.doctor import keeping
from service.doctor.findings import Examination, Finding, Group, Remedy, Severity
from service.doctor.models import Checkup
from service.newsletters.models import Newsletter
from tests.support.clock import HandClock
from tests.support.name_server import NameServer

PATH = "/desk/doctor"
NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)


@pytest.fixture
async def dns() -> AsyncIterator[NameServer]:
    async with NameServer() as server:
        yield server


@pytest.fixture
async def resources(resources: Resources, dns: NameServer) -> Resources:
    changed = resources.settings.model_copy(update={"resolver": dns.address, "public_url": ""})
    return replace(resources, settings=changed)


def kept(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Checkup)) or 0


def examined(*codes: str, minutes: int = 0, severity: Severity = Severity.FAIL) -> Examination:
    at = NOW + timedelta(minutes=minutes)
    return Examination(at, 1.0, "", tuple(Finding(code, Group.DOMAIN, severity, "example.org", f"{code}!") for code in codes))  # fmt: skip


async def test_looking_is_kept_and_the_page_shows_it(
    ada: httpx2.AsyncClient, resources: Resources, clock: HandClock, dns: NameServer, memo: Newsletter
) -> None:
    assert "Nobody has looked yet" in (await ada.get(PATH)).text
    dns.txt("news.example.org", "v=spf1 +all")
    answer = await ada.post(PATH)
    assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    page = (await ada.get(PATH)).text
    for text in (
        "Looked at everything: ",
        "asked by Ada Okafor",
        "ends in +all",
        "v=spf1 ip4:192.0.2.25 ~all",
        "_dmarc.news.example.org",
    ):
        assert text in page
    asked = len(dns.asked)
    await ada.get(PATH)
    assert len(dns.asked) == asked, "showing the page asks nobody"
    assert "Wait a quarter of a minute" in (await ada.post(PATH)).text
    clock.advance(timedelta(minutes=1))
    dns.txt("news.example.org", "v=spf1 ip4:192.0.2.25 -all")
    assert (await ada.post(PATH)).status_code == 303
    page = (await ada.get(PATH)).text
    assert "Since the time before" in page
    assert page.index(">mended<") < page.index("ends in +all")
    assert await resources.database.read(kept) == 2


async def test_one_domain_is_looked_at_and_kept_nowhere(
    ada: httpx2.AsyncClient, resources: Resources, dns: NameServer
) -> None:
    dns.txt("other.example.net", "v=spf1 ?all")
    page = await ada.post(f"{PATH}/domain", data={"domain": "other.example.net"})
    assert page.status_code == 200
    assert "ends in ?all" in page.text
    assert "The records of other.example.net, just now." in page.text
    assert await resources.database.read(kept) == 0
    for wrong in ("", "no domain"):
        page = await ada.post(f"{PATH}/domain", data={"domain": wrong})
        assert (page.status_code, "This is no domain" in page.text) == (422, True)


async def test_only_people_signed_in_may_look(client: httpx2.AsyncClient, dns: NameServer) -> None:
    for path in (PATH, f"{PATH}/domain"):
        assert (await client.post(path)).headers["location"].startswith("/desk/sign-in")
    assert dns.asked == []


async def test_the_last_few_are_kept_and_compared(resources: Resources) -> None:
    for minute in range(keeping.KEPT + 2):
        await resources.database.write(keeping.keep, examined("spf.missing", minutes=minute), actor="Ada")
    await resources.database.write(keeping.keep, examined("dkim.missing", minutes=60), actor="Ada")
    assert await resources.database.read(kept) == keeping.KEPT
    found = await resources.database.read(keeping.last)
    assert found is not None
    assert ([one.code for one in found.new], [one.code for one in found.mended]) == (
        ["dkim.missing"],
        ["spf.missing"],
    )


def test_what_could_not_be_asked_is_not_called_mended() -> None:
    unasked = examined("spf.could_not_ask", severity=Severity.WARN)
    new, mended = keeping.compared(examined("spf.missing", "dkim.missing"), unasked)
    assert ([one.code for one in new], mended) == (["spf.could_not_ask"], ())


def test_each_thing_to_copy_has_a_name_of_its_own() -> None:
    remedies = (
        Remedy("10 mail.example.org.", "example.org", "MX"),
        Remedy("memo migrate"),
        Remedy("MEMO_X=1"),
    )
    one = Finding("spf.missing", Group.DOMAIN, Severity.FAIL, "example.org", "Nothing.", remedies=remedies)
    (part,) = doctor_view.groups(replace(examined(), findings=(one, one)))
    ids = [item.id for line in part.trouble for items in line.copied for item in items]
    assert len(set(ids)) == len(ids) == 8
    labels = [item.label for items in part.trouble[0].copied for item in items]
    assert labels == ["Name of the MX record", "Its value", "Command", "Setting"]
