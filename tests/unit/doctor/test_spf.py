"""SPF: what a record costs, what it says of an address, and each finding about it."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.delivery import profiles
from service.doctor import spf, spf_verdict
from service.doctor.answers import Answer, Status
from service.doctor.findings import Remedy, Severity
from service.doctor.resolver import Resolver
from service.doctor.sending_facts import Sending
from service.doctor.spf import Result
from tests.support.name_server import NameServer

OWN = Sending((profiles.BY_KEY["postfix"],), "mail.example.org", ("192.0.2.25",))
KEPT = replace(profiles.BY_KEY["mailgun"], return_path=profiles.Fate.KEPT)
SERVICE = Sending((KEPT,))
ELSEWHERE = Sending((profiles.BY_KEY["ses"],))
UNKNOWN = Sending((profiles.GENERIC,))


async def codes(dns: NameServer, resolver: Resolver, sending: Sending) -> dict[str, Severity]:
    record = await spf.gathered("example.org", resolver.ask)
    return {finding.code: finding.severity for finding in spf_verdict.judged(record, sending)}


@pytest.mark.parametrize(
    ("texts", "sending", "expected"),
    [
        (["v=spf1 ip4:192.0.2.0/24 -all"], OWN, {"spf.ok": Severity.OK}),
        (["v=spf1 include:mailgun.org ~all"], SERVICE, {"spf.ok": Severity.OK}),
        (["v=spf1 redirect=mailgun.org"], SERVICE, {"spf.ok": Severity.OK}),
        (["something else"], OWN, {"spf.missing": Severity.FAIL}),
        (["something else"], UNKNOWN, {"spf.missing": Severity.WARN}),
        (["something else"], ELSEWHERE, {"spf.missing": Severity.NOTE}),
        (["v=spf1 ~all", "v=spf1 mx ~all"], OWN, {"spf.several": Severity.FAIL}),
        (["v=spf1 ipv4:192.0.2.25 ~all"], OWN, {"spf.syntax": Severity.FAIL}),
        (["v=spf1 ip4:192.0.2.25 +all"], OWN, {"spf.all_pass": Severity.FAIL}),
        (["v=spf1 ip4:192.0.2.25 ?all"], OWN, {"spf.neutral": Severity.WARN}),
        (["v=spf1 ip4:192.0.2.25"], OWN, {"spf.neutral": Severity.WARN}),
        (["v=spf1 ip4:198.51.100.1 -all"], OWN, {"spf.address_missing": Severity.WARN}),
        (["v=spf1 ip4:198.51.100.1 ~all"], SERVICE, {"spf.include_missing": Severity.FAIL}),
        (["v=spf1 ip4:198.51.100.1 ~all"], ELSEWHERE, {"spf.ok": Severity.OK}),
        (["v=spf1 " + "include:one.example.net " * 6 + "~all"], UNKNOWN, {"spf.too_many_lookups": Severity.FAIL}),
        (["v=spf1 " + "include:one.example.net " * 4 + "~all"], UNKNOWN, {"spf.many_lookups": Severity.NOTE}),
        (["v=spf1 a:x.example.org mx:x.example.org a:y.example.org ~all"], UNKNOWN, {"spf.void_lookups": Severity.FAIL}),
        (["v=spf1 include:empty.example.net ~all"], UNKNOWN, {"spf.broken_include": Severity.FAIL}),
        (["v=spf1 include:round.example.net ~all"], UNKNOWN, {"spf.broken_include": Severity.FAIL}),
        (["v=spf1 include:away.example.net ~all"], UNKNOWN, {"spf.could_not_ask": Severity.NOTE}),
    ],
)  # fmt: skip
async def test_each_finding(
    dns: NameServer, resolver: Resolver, texts: list[str], sending: Sending, expected: dict[str, Severity]
) -> None:
    dns.txt("example.org", *texts).txt("mailgun.org", "v=spf1 ip4:203.0.113.0/24 ~all")
    dns.txt("one.example.net", "v=spf1 a:mail.example.org ~all").put("mail.example.org", "A", "203.0.113.7")
    dns.txt("empty.example.net", "nothing").txt("round.example.net", "v=spf1 include:example.org ~all")
    dns.failing("away.example.net")
    assert await codes(dns, resolver, sending) == expected


async def test_a_server_that_fails_is_no_missing_record(dns: NameServer, resolver: Resolver) -> None:
    dns.failing("example.org")
    assert await codes(dns, resolver, OWN) == {"spf.could_not_ask": Severity.WARN}


@pytest.mark.parametrize(
    ("text", "sending", "published"),
    [
        ("nothing", OWN, "v=spf1 ip4:192.0.2.25 ~all"),
        ("nothing", SERVICE, "v=spf1 include:mailgun.org ~all"),
        ("nothing", UNKNOWN, "v=spf1 ip4:192.0.2.25 ~all"),
        ("v=spf1 mx -all", OWN, "v=spf1 mx ip4:192.0.2.25 -all"),
        ("v=spf1 mx ~all", SERVICE, "v=spf1 mx include:mailgun.org ~all"),
        ("v=spf1 ip4:192.0.2.25 +all", OWN, "v=spf1 ip4:192.0.2.25 ~all"),
        ("v=spf1 ip4:192.0.2.25 all", OWN, "v=spf1 ip4:192.0.2.25 ~all"),
        ("v=spf1 ip4:192.0.2.25", OWN, "v=spf1 ip4:192.0.2.25 ~all"),
        ("v=spf1 ip4:198.51.100.1 ?all", OWN, "v=spf1 ip4:198.51.100.1 ip4:192.0.2.25 ~all"),
        (
            "v=spf1 redirect=empty.example.net",
            SERVICE,
            "v=spf1 redirect=empty.example.net include:mailgun.org",
        ),
    ],
)
async def test_the_record_to_publish_is_exact(
    dns: NameServer, resolver: Resolver, text: str, sending: Sending, published: str
) -> None:
    dns.txt("example.org", text)
    record = await spf.gathered("example.org", resolver.ask)
    remedies = {one for finding in spf_verdict.judged(record, sending) for one in finding.remedies}
    assert remedies == {Remedy(published, "example.org", "TXT")}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("v=spf1 ip4:192.0.2.25 -all", Result.PASS),
        ("v=spf1 ip4:192.0.2.26 ip6:::/0 -all", Result.FAIL),
        ("v=spf1 a ~all", Result.PASS),
        ("v=spf1 a/24 ~all", Result.PASS),
        ("v=spf1 a:far.example.org/24//64 ~all", Result.SOFTFAIL),
        ("v=spf1 mx -all", Result.PASS),
        ("v=spf1 -mx all", Result.FAIL),
        ("v=spf1 include:lets.example.net -all", Result.PASS),
        ("v=spf1 ?include:lets.example.net -all", Result.NEUTRAL),
        ("v=spf1 include:not.example.net ?all", Result.NEUTRAL),
        ("v=spf1 include:nothing.example.net -all", Result.BROKEN),
        ("v=spf1 include:away.example.net -all", Result.LATER),
        ("v=spf1 exists:%{i}.example.net -all", Result.UNKNOWN),
        ("v=spf1 include:%{d}.example.net -all", Result.UNKNOWN),
        ("v=spf1 redirect=lets.example.net", Result.PASS),
        ("v=spf1 redirect=nothing.example.net", Result.BROKEN),
        ("v=spf1 exp=why.example.net", Result.NEUTRAL),
        ("nothing", Result.NONE),
    ],
)
async def test_what_a_record_says_of_an_address(
    dns: NameServer, resolver: Resolver, text: str, result: Result
) -> None:
    dns.txt("example.org", text).put("example.org", "A", "192.0.2.25").put(
        "far.example.org", "A", "198.51.100.25"
    )
    dns.put("example.org", "MX", "10 mail.example.org.").put("mail.example.org", "A", "192.0.2.25")
    dns.txt("lets.example.net", "v=spf1 ip4:192.0.2.25 -all").txt("not.example.net", "v=spf1 -all")
    dns.txt("nothing.example.net", "nothing").failing("away.example.net")
    record = await spf.gathered("example.org", resolver.ask)
    assert spf.result_for(record, ip_address("192.0.2.25")) is result


async def test_what_stands_behind_all_is_not_counted(dns: NameServer, resolver: Resolver) -> None:
    dns.txt("example.org", "v=spf1 mx -all redirect=example.net").txt("example.net", "v=spf1 a mx ptr ~all")
    assert spf.lookups(await spf.gathered("example.org", resolver.ask)) == 1


@given(st.text(alphabet="v=spf1 ainclude:mxp4/all+-~?%{}.0129redirect", max_size=80))
def test_no_record_breaks_the_reader(text: str) -> None:
    answer = Answer("example.org", "TXT", Status.FOUND, (f"v=spf1 {text}",))
    record = spf.read("example.org", answer)
    assert spf.lookups(record) >= 0
    assert spf.result_for(record, ip_address("192.0.2.25")) in Result
    assert spf_verdict.judged(record, OWN)
