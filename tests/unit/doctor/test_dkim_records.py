"""DKIM: whether a published record is that of our key, and each finding about it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.delivery import dkim_material, profiles
from service.delivery.models import DkimKeyState
from service.doctor import dkim_verdict
from service.doctor.dkim_verdict import PublicKey
from service.doctor.findings import Finding, Severity
from service.doctor.resolver import Resolver
from service.doctor.sending_facts import Sending
from tests.support.name_server import NameServer

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
OURS = dkim_material.new_private_key()
PUBLIC = dkim_material.public_text(OURS)
OTHER = dkim_material.public_text(dkim_material.new_private_key())
WEAK = dkim_material.public_text(rsa.generate_private_key(65537, 1024))
BARE = base64.b64encode(
    OURS.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
).decode()
KEY = PublicKey("example.org", "memo1", PUBLIC, DkimKeyState.ACTIVE)
PLACE = "memo1._domainkey.example.org"
SIGNING = Sending((profiles.BY_KEY["postfix"],))
REWRITING = Sending((profiles.BY_KEY["ses"],))


async def judged(resolver: Resolver, key: PublicKey, sending: Sending = SIGNING) -> list[Finding]:
    return dkim_verdict.judged("example.org", [(key, await resolver.ask(key.place, "TXT"))], sending, NOW)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([f"v=DKIM1; k=rsa; p={PUBLIC}"], "dkim.ok"),
        ([f"p={PUBLIC[:100]} {PUBLIC[100:]}"], "dkim.ok"),
        ([f"v=DKIM1; k=rsa; p={BARE}"], "dkim.ok"),
        ([f"v=DKIM1; h=sha1:sha256; s=email; p={PUBLIC};"], "dkim.ok"),
        (["v=DKIM1; k=rsa; p="], "dkim.revoked"),
        ([f"v=DKIM1; k=rsa; p={OTHER}"], "dkim.different"),
        ([f"v=DKIM1; k=rsa; p={WEAK}"], "dkim.weak"),
        ([f"v=DKIM1; k=rsa; p={PUBLIC[:252]}"], "dkim.cut_off"),
        ([f"v=DKIM1; k=rsa; p={PUBLIC[:250]}"], "dkim.damaged"),
        ([f'v=DKIM1; k=rsa; p={PUBLIC[:100]}" "{PUBLIC[100:]}'], "dkim.damaged"),
        ([f"v=DKIM1; k=ed25519; p={PUBLIC}"], "dkim.unusable"),
        ([f"v=DKIM1; h=sha1; p={PUBLIC}"], "dkim.unusable"),
        ([f"v=DKIM1; s=tlsrpt; p={PUBLIC}"], "dkim.unusable"),
        (["v=DKIM1; k=rsa"], "dkim.syntax"),
        ([PUBLIC], "dkim.syntax"),
        ([f"v=DKIM1; k=rsa; p={PUBLIC}", f"v=DKIM1; k=rsa; p={OTHER}"], "dkim.several"),
    ],
)
async def test_each_finding_about_a_record(
    dns: NameServer, resolver: Resolver, texts: list[str], code: str
) -> None:
    dns.txt(PLACE, *texts)
    (finding,) = await judged(resolver, KEY)
    assert finding.code == code
    assert finding.severity is (Severity.OK if code == "dkim.ok" else Severity.FAIL)
    assert code == "dkim.ok" or finding.remedies[0].text == dkim_material.record_text(PUBLIC)
    assert code == "dkim.ok" or finding.remedies[0].name == dkim_material.record_name("example.org", "memo1")


async def test_what_is_missing_and_what_could_not_be_asked_stay_apart(
    dns: NameServer, resolver: Resolver
) -> None:
    dns.txt("example.org", "here").failing("memo2._domainkey.example.org")
    (missing,) = await judged(resolver, KEY)
    assert (missing.code, missing.severity) == ("dkim.missing", Severity.FAIL)
    (unasked,) = await judged(resolver, PublicKey("example.org", "memo2", PUBLIC, DkimKeyState.ACTIVE))
    assert (unasked.code, unasked.severity) == ("dkim.could_not_ask", Severity.WARN)
    assert "SERVFAIL" in unasked.found


async def test_a_record_behind_an_alias_counts_and_is_told(dns: NameServer, resolver: Resolver) -> None:
    dns.put(PLACE, "CNAME", "memo1.keys.example.net.").txt("memo1.keys.example.net", f"v=DKIM1; p={PUBLIC}")
    (finding,) = await judged(resolver, KEY)
    assert finding.code == "dkim.ok"
    assert "by way of" in finding.found


async def test_a_key_under_test(dns: NameServer, resolver: Resolver) -> None:
    dns.txt(PLACE, f"v=DKIM1; t=y:s; p={PUBLIC}")
    assert [one.code for one in await judged(resolver, KEY)] == ["dkim.ok", "dkim.testing"]


async def test_a_relay_that_rewrites_signs_itself(dns: NameServer, resolver: Resolver) -> None:
    dns.txt(PLACE, f"v=DKIM1; p={PUBLIC}")
    assert [one.code for one in await judged(resolver, KEY, REWRITING)] == ["dkim.ok", "dkim.rewritten"]
    (alone,) = dkim_verdict.judged("example.org", [], REWRITING, NOW)
    assert (alone.code, alone.severity) == ("dkim.relay_signs", Severity.NOTE)


async def test_without_an_active_key_the_next_step_is_named(dns: NameServer, resolver: Resolver) -> None:
    (none,) = dkim_verdict.judged("example.org", [], SIGNING, NOW)
    assert (none.code, none.remedies[0].text) == ("dkim.no_key", "memo dkim create example.org")
    ready = PublicKey("example.org", "memo1", PUBLIC, DkimKeyState.READY)
    first, second = await judged(resolver, ready)
    assert (first.code, first.remedies[0].text) == (
        "dkim.waits_for_record",
        dkim_material.record_text(PUBLIC),
    )
    dns.txt("memo2._domainkey.example.org", f"v=DKIM1; p={PUBLIC}")
    first, second = await judged(resolver, PublicKey("example.org", "memo2", PUBLIC, DkimKeyState.READY))
    assert (first.code, first.remedies[0].text) == (
        "dkim.can_be_activated",
        "memo dkim activate example.org memo2",
    )
    assert (second.code, second.severity) == ("dkim.no_key", Severity.FAIL)
    assert second.remedies[0].text == "memo dkim activate example.org memo2"


async def test_a_retired_key_keeps_its_record_for_a_week(dns: NameServer, resolver: Resolver) -> None:
    def retired(days: int) -> PublicKey:
        return PublicKey("example.org", "memo1", PUBLIC, DkimKeyState.RETIRED, NOW - timedelta(days=days))

    assert [one.code for one in await judged(resolver, retired(3))] == ["dkim.gone_too_early", "dkim.no_key"]
    assert [one.code for one in await judged(resolver, retired(8))] == ["dkim.no_key"]
