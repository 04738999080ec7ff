"""The public address: each finding."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.doctor import web_verdict
from service.doctor.findings import Severity
from service.doctor.web_verdict import Reached
from service.fetching import Seen

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
URL = "https://news.example.org"
GOOD = Seen(200, "", "Mon, 02 Mar 2026 05:30:02 GMT", NOW + timedelta(days=60), "")
UNKNOWN = replace(GOOD, status=404)
MOVED = replace(GOOD, status=301, redirect="https://www.example.org/x")


@pytest.mark.parametrize(
    ("url", "is_sending", "code", "severity"),
    [
        ("", True, "web.not_set", Severity.FAIL),
        ("", False, "web.not_set", Severity.NOTE),
        ("http://127.0.0.1:8300", False, "web.inside", Severity.FAIL),
        ("https://localhost", False, "web.inside", Severity.FAIL),
        ("https://newsroom", False, "web.inside", Severity.FAIL),
        ("https://memo.newsroom.internal", False, "web.inside", Severity.FAIL),
        ("https://[::1]:8300", False, "web.inside", Severity.FAIL),
        ("http://news.example.org", False, "web.not_https", Severity.FAIL),
    ],
)
def test_what_the_setting_tells(url: str, is_sending: bool, code: str, severity: Severity) -> None:
    (finding,) = web_verdict.address(url, is_sending=is_sending)
    assert (finding.code, finding.severity) == (code, severity)


def test_an_address_that_may_be_asked() -> None:
    assert web_verdict.address(URL, is_sending=True) == []
    (finding,) = web_verdict.address("http://news.example.org:8080", is_sending=True)
    assert finding.remedies[0].text == "MEMO_PUBLIC_URL=https://news.example.org:8080"


@pytest.mark.parametrize(
    ("reached", "codes"),
    [
        (Reached(GOOD, UNKNOWN), ["web.ok", "web.certificate", "clock.ok"]),
        (Reached(replace(GOOD, until=None, date=""), UNKNOWN), ["web.ok"]),
        (Reached(MOVED, UNKNOWN), ["web.redirects", "web.certificate", "clock.ok"]),
        (Reached(UNKNOWN, UNKNOWN), ["web.not_ours", "web.certificate", "clock.ok"]),
        (Reached(GOOD, GOOD), ["web.not_ours", "web.certificate", "clock.ok"]),
        (Reached(replace(GOOD, status=403), UNKNOWN), ["web.refuses", "web.certificate", "clock.ok"]),
        (Reached(problem="The host name cannot be found."), ["web.unreachable"]),
        (Reached(problem="It is not on the public web.", is_refused_here=True), ["web.not_public"]),
        (Reached(replace(GOOD, date="Mon, 02 Mar 2026 05:32:00 GMT"), UNKNOWN), ["web.ok", "web.certificate", "clock.differs"]),
    ],
)  # fmt: skip
def test_what_asking_there_showed(reached: Reached, codes: list[str]) -> None:
    found = web_verdict.judged(URL, reached, NOW)
    assert [one.code for one in found] == codes
    assert all(one.severity is Severity.OK for one in found if one.code in {"web.ok", "clock.ok"})
    assert all(
        one.severity is Severity.FAIL
        for one in found
        if one.code.startswith("web.") and one.code not in {"web.ok", "web.certificate"}
    )


def test_where_a_redirect_leads_is_told_without_the_token() -> None:
    redirect = "https://www.example.org/unsubscribe/AbCdEf"
    first, *_ = web_verdict.judged(URL, Reached(replace(GOOD, status=302, redirect=redirect), UNKNOWN), NOW)
    assert "https://www.example.org/…" in first.found
    assert "AbCdEf" not in first.found


@pytest.mark.parametrize(
    ("days", "severity"), [(60, Severity.OK), (13, Severity.WARN), (2, Severity.FAIL), (-1, Severity.FAIL)]
)
def test_a_certificate_that_runs_out(days: int, severity: Severity) -> None:
    seen = replace(GOOD, until=NOW + timedelta(days=days))
    (finding,) = [
        one for one in web_verdict.judged(URL, Reached(seen, UNKNOWN), NOW) if one.code == "web.certificate"
    ]
    assert finding.severity is severity


@pytest.mark.parametrize(("seconds", "severity"), [(5, Severity.OK), (6, Severity.WARN), (61, Severity.FAIL)])
def test_a_clock_that_differs(seconds: int, severity: Severity) -> None:
    seen = replace(GOOD, date=f"{NOW + timedelta(seconds=seconds):%a, %d %b %Y %H:%M:%S} GMT")
    *_, finding = web_verdict.judged(URL, Reached(seen, UNKNOWN), NOW)
    assert finding.severity is severity
    assert (
        severity is Severity.OK
        or f"differs from the Date of news.example.org by {seconds} s" in finding.found
    )
