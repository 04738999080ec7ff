"""DMARC by RFC 9989: the walk up the tree, alignment, and each finding."""

import pytest

from service.delivery import profiles
from service.doctor import dmarc, dmarc_verdict
from service.doctor.findings import Finding, Severity
from service.doctor.resolver import Resolver
from service.doctor.sending_facts import Sending
from tests.support.name_server import NameServer

OWN = Sending((profiles.BY_KEY["postfix"],))
SIGNING = Sending((profiles.BY_KEY["mailgun"],))
RELAY = Sending((profiles.BY_KEY["ses"],))
GOOD = "v=DMARC1; p=reject; rua=mailto:dmarc@example.org"


async def seen(resolver: Resolver, author: str, envelope: str, *, has_key: bool = True) -> dmarc_verdict.Seen:
    walk = await dmarc.walked(author, resolver.ask)
    policy = dmarc.applying(walk)
    outside = dmarc_verdict.external(policy, walk) if policy else []
    allowed = {one: await resolver.ask(f"example.org._report._dmarc.{one}", "TXT") for one in outside}
    return dmarc_verdict.Seen(walk, await dmarc.walked(envelope, resolver.ask), has_key, allowed)


async def judged(resolver: Resolver, sending: Sending = OWN, domain: str = "example.org") -> list[Finding]:
    return dmarc_verdict.judged(await seen(resolver, domain, domain), sending)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([GOOD], ["dmarc.ok"]),
        (["v=DMARC1; p=none; rua=mailto:dmarc@example.org"], ["dmarc.ok", "dmarc.none"]),
        (["v=DMARC1; rua=mailto:dmarc@example.org"], ["dmarc.ok", "dmarc.none"]),
        (["v=DMARC1;p=reject"], ["dmarc.ok", "dmarc.no_reports"]),
        (["v=DMARC1; p=reject; t=y; rua=mailto:dmarc@example.org"], ["dmarc.ok", "dmarc.testing"]),
        (["v=DMARC1; p=reject; pct=50; rua=mailto:dmarc@example.org!10m"], ["dmarc.ok", "dmarc.stale_tags"]),
        (["v=DMARC1; p=reject; rua=mailto:in@reports.example.net"], ["dmarc.ok"]),
        (["v=DMARC1; p=reject; rua=mailto:in@deaf.example.net"], ["dmarc.reports_not_allowed"]),
        (["v=DMARC1; p=reject; rua=mailto:in@silent.example.net"], ["dmarc.ok"]),
        ([GOOD, "another text"], ["dmarc.ok"]),
        ([GOOD, f"{GOOD}; t=y"], ["dmarc.several"]),
        (["v=DMARC1; p=maybe"], ["dmarc.syntax"]),
        (["v=DMARC1 p=none"], ["dmarc.syntax"]),
        (["v=DMARC2; p=none"], ["dmarc.missing"]),
        ([], ["dmarc.missing"]),
    ],
)
async def test_each_finding_about_a_policy(
    dns: NameServer, resolver: Resolver, texts: list[str], expected: list[str]
) -> None:
    dns.txt("_dmarc.example.org", *texts).txt("example.org._report._dmarc.reports.example.net", "v=DMARC1;")
    dns.failing("example.org._report._dmarc.silent.example.net")
    found = await judged(resolver)
    assert [one.code for one in found] == [*expected, "alignment.ok"]


async def test_what_to_publish(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("_dmarc.example.org", "v=DMARC1; p=none; pct=100; sp=none; adkim=s")
    remedies = {one.code: one.remedies[0] for one in await judged(resolver) if one.remedies}
    assert set(remedies) == {"dmarc.stale_tags", "dmarc.no_reports"}
    for remedy in remedies.values():
        assert remedy.text == "v=DMARC1; p=none; sp=none; adkim=s; rua=mailto:dmarc@example.org"
        assert remedy.name == "_dmarc.example.org"
    (missing,) = [one for one in await judged(resolver, domain="example.net") if one.code == "dmarc.missing"]
    assert missing.severity is Severity.FAIL
    assert missing.remedies[0].text == "v=DMARC1; p=none; rua=mailto:dmarc@example.net"


async def test_a_server_that_fails_is_no_missing_policy(dns: NameServer, resolver: Resolver) -> None:
    dns.failing("_dmarc.example.org")
    assert [one.code for one in await judged(resolver)] == ["dmarc.could_not_ask"]


@pytest.mark.parametrize(
    ("published", "domain", "organization", "applied"),
    [
        ({}, "a.example.org", "a.example.org", None),
        ({"example.org": "p=reject"}, "a.b.example.org", "example.org", "reject"),
        ({"example.org": "p=reject; sp=none"}, "a.example.org", "example.org", "none"),
        ({"example.org": "p=reject", "a.example.org": "p=none"}, "a.example.org", "example.org", "none"),
        (
            {"b.example.org": "p=none; psd=n", "example.org": "p=reject"},
            "a.b.example.org",
            "b.example.org",
            "none",
        ),
        ({"org": "p=reject; psd=y"}, "a.example.org", "example.org", "reject"),
        ({"org": "p=reject; psd=y", "example.org": "p=none"}, "a.example.org", "example.org", "none"),
        ({"gov": "p=reject; psd=y"}, "gov", "gov", "reject"),
    ],
)
async def test_the_walk_up_the_tree(
    dns: NameServer,
    resolver: Resolver,
    published: dict[str, str],
    domain: str,
    organization: str,
    applied: str | None,
) -> None:
    for name, text in published.items():
        dns.txt(f"_dmarc.{name}", f"v=DMARC1; {text}")
    walk = await dmarc.walked(domain, resolver.ask)
    assert dmarc.organization(walk) == organization
    policy = dmarc.applying(walk)
    found = policy and (policy.p if policy.domain == domain else policy.for_subdomains())
    assert found == applied


def test_a_long_name_is_cut_to_eight_questions() -> None:
    found = dmarc.names("a.b.c.d.e.f.g.h.i.j.mail.example.org")
    assert found[0] == "a.b.c.d.e.f.g.h.i.j.mail.example.org"
    assert found[1] == "g.h.i.j.mail.example.org"
    assert (len(found), found[-1]) == (8, "org")


@pytest.mark.parametrize(
    ("text", "envelope", "has_key", "sending", "code"),
    [
        (GOOD, "example.org", True, OWN, "alignment.ok"),
        (GOOD, "bounces.example.org", True, OWN, "alignment.ok"),
        (f"{GOOD}; aspf=s", "bounces.example.org", True, OWN, "alignment.dkim_only"),
        (GOOD, "bounces.example.net", True, OWN, "alignment.dkim_only"),
        (GOOD, "bounces.example.org", False, OWN, "alignment.spf_only"),
        (GOOD, "bounces.example.net", False, OWN, "alignment.none"),
        (GOOD, "example.org", True, RELAY, "alignment.relay"),
        (GOOD, "example.org", False, SIGNING, "alignment.relay"),
    ],
)
async def test_what_we_send_and_the_policy(
    dns: NameServer, resolver: Resolver, text: str, envelope: str, has_key: bool, sending: Sending, code: str
) -> None:
    dns.txt("_dmarc.example.org", text)
    found = dmarc_verdict.judged(await seen(resolver, "example.org", envelope, has_key=has_key), sending)
    assert [one.code for one in found] == ["dmarc.ok", code]


async def test_a_broken_policy_above_is_a_warning(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("_dmarc.news.example.org", GOOD).txt("_dmarc.example.org", GOOD, f"{GOOD}; t=y")
    found = await judged(resolver, domain="news.example.org")
    assert (found[0].code, found[0].severity) == ("dmarc.several", Severity.WARN)
