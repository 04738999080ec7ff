"""Where bounces go, and whether the sending machine has a name that holds: each finding."""

import pytest

from service.doctor import gathering, return_path
from service.doctor.findings import Finding, Severity
from service.doctor.gathering import Envelope
from service.doctor.resolver import Resolver
from service.doctor.return_path import Taken
from tests.support.name_server import NameServer

HERE = "news.example.org"


LISTENING = Taken(listens=True)


async def judged(
    resolver: Resolver, domain: str, taken: Taken = LISTENING, *, is_ours: bool = True
) -> list[Finding]:
    seen = await gathering.domain("example.org", Envelope(domain, is_ours, HERE), [], resolver.ask)
    return return_path.judged(seen.return_path, taken)


@pytest.mark.parametrize(
    ("mx", "code", "severity"),
    [
        (["10 news.example.org."], "return_path.ok", Severity.OK),
        (["10 mail.example.net."], "return_path.elsewhere", Severity.WARN),
        (["10 nowhere.example.net."], "return_path.mx_without_address", Severity.FAIL),
        (["0 ."], "return_path.null_mx", Severity.FAIL),
        ([], "return_path.no_mx", Severity.FAIL),
    ],
)
async def test_the_domain_for_bounces(
    dns: NameServer, resolver: Resolver, mx: list[str], code: str, severity: Severity
) -> None:
    dns.put("bounces.example.org", "MX", *mx).txt("bounces.example.org", "here")
    dns.put(HERE, "A", "192.0.2.80").put("mail.example.net", "AAAA", "2001:db8::25")
    (finding,) = await judged(resolver, "bounces.example.org")
    assert (finding.code, finding.severity) == (code, severity)
    if code != "return_path.ok" and finding.remedies:
        (remedy,) = finding.remedies
        assert (remedy.name, remedy.kind, remedy.text) == (
            "bounces.example.org",
            "MX",
            "10 news.example.org.",
        )


@pytest.mark.parametrize(
    ("taken", "codes"),
    [
        (Taken(inbox="imap.example.net"), ["return_path.ok"]),
        (Taken(inbox="imap.example.net", inbox_problem="535 no"), ["return_path.ok", "return_path.mailbox"]),
        (Taken(listens=True, inbox="imap.example.net"), ["return_path.elsewhere"]),
        (Taken(), ["return_path.elsewhere", "return_path.nobody_reads"]),
    ],
)
async def test_who_takes_what_comes_back(
    dns: NameServer, resolver: Resolver, taken: Taken, codes: list[str]
) -> None:
    dns.put("bounces.example.org", "MX", "10 mail.example.net.").put(HERE, "A", "192.0.2.80")
    dns.put("mail.example.net", "A", "198.51.100.7")
    assert [one.code for one in await judged(resolver, "bounces.example.org", taken)] == codes


async def test_without_one_the_from_address_gets_them(dns: NameServer, resolver: Resolver) -> None:
    dns.put("example.org", "A", "192.0.2.80")
    first, second = await judged(resolver, "example.org", is_ours=False)
    assert (first.code, first.severity) == ("return_path.no_mx", Severity.WARN)
    assert (second.code, second.remedies[0].text) == (
        "return_path.not_set",
        "MEMO_BOUNCE_DOMAIN=bounces.example.org",
    )


async def test_a_domain_that_is_not_there(dns: NameServer, resolver: Resolver) -> None:
    (finding,) = await judged(resolver, "exmaple.org", is_ours=False)
    assert (finding.code, finding.severity) == ("domain.unknown", Severity.FAIL)


async def test_a_server_that_fails_is_no_missing_record(dns: NameServer, resolver: Resolver) -> None:
    dns.failing("bounces.example.org")
    (finding,) = await judged(resolver, "bounces.example.org")
    assert (finding.code, finding.severity) == ("return_path.could_not_ask", Severity.WARN)


@pytest.mark.parametrize(
    ("name", "leads_to", "code"),
    [
        ("mail.example.org.", "192.0.2.25", "ptr.ok"),
        ("mail.example.org.", "192.0.2.26", "ptr.not_confirmed"),
        ("192-0-2-25.dsl.example.net.", "192.0.2.25", "ptr.generic"),
        ("", "", "ptr.missing"),
    ],
)
async def test_the_name_of_the_sending_machine(
    dns: NameServer, resolver: Resolver, name: str, leads_to: str, code: str
) -> None:
    if name:
        dns.named("192.0.2.25", name).put(name, "A", leads_to)
    (finding,) = return_path.judged_names(
        "mail.example.org", await gathering.names(["192.0.2.25"], resolver.ask)
    )
    assert finding.code == code


async def test_a_reverse_that_could_not_be_asked(dns: NameServer, resolver: Resolver) -> None:
    dns.failing("25.2.0.192.in-addr.arpa")
    (finding,) = return_path.judged_names("x", await gathering.names(["192.0.2.25"], resolver.ask))
    assert (finding.code, finding.severity) == ("ptr.could_not_ask", Severity.NOTE)
