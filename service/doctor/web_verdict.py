"""Whether readers and mail programs reach us under the public address, as RFC 8058 wants it. Pure."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from service.doctor.findings import Finding, Group, Remedy, Severity
from service.fetching import Seen

WHY = "Every link of every message begins with it, the one to unsubscribe too."
ONE_CLICK = "Mail programs send one POST there, over HTTPS, and follow no redirect (RFC 8058 section 3.1)."
EXAMPLE = Remedy("MEMO_PUBLIC_URL=https://news.example.org")
INSIDE = (".localhost", ".local", ".internal", ".home.arpa")
SOON, VERY_SOON = timedelta(days=14), timedelta(days=3)
SKEW_WARNED, SKEW_FAILED = timedelta(seconds=5), timedelta(seconds=60)


@dataclass(frozen=True)
class Reached:
    """`genuine`: what a link signed by our key shows; `forged`: what a damaged one shows. `problem`: why neither could be had, and
    `is_refused_here` whether that was our own guard against addresses that are not public.
    """

    genuine: Seen | None = None
    forged: Seen | None = None
    problem: str = ""
    is_refused_here: bool = False


def address(public_url: str, *, is_sending: bool) -> list[Finding]:
    """What can be told from the setting alone. `is_sending`: a relay is in use, so that readers get the links."""
    if not public_url:
        severity = Severity.FAIL if is_sending else Severity.NOTE
        found = "MEMO_PUBLIC_URL is not set: links lead to this computer."
        return [
            Finding(
                "web.not_set",
                Group.WEB,
                severity,
                "",
                found,
                WHY,
                "Set the address readers reach us at.",
                (EXAMPLE,),
            )
        ]
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if _is_inside(host):
        found = f"The public address is {public_url}, which only this computer or network knows."
        return [
            Finding(
                "web.inside",
                Group.WEB,
                Severity.FAIL,
                host,
                found,
                WHY,
                "Set the address readers reach us at.",
                (EXAMPLE,),
            )
        ]
    if parts.scheme != "https":
        found, advice = (
            f"The public address is {public_url}, without TLS.",
            "Get a certificate, and begin the address with https.",
        )
        remedy = Remedy(f"MEMO_PUBLIC_URL=https://{parts.netloc}")
        return [Finding("web.not_https", Group.WEB, Severity.FAIL, host, found, ONE_CLICK, advice, (remedy,))]
    return []


def judged(public_url: str, reached: Reached, now: datetime) -> list[Finding]:
    """What asking there showed."""
    host = urlsplit(public_url).hostname or ""
    seen = reached.genuine
    if seen is None or reached.forged is None:
        code = "web.not_public" if reached.is_refused_here else "web.unreachable"
        advice = "Look at its DNS records, the proxy before this service, its certificate and the firewall."
        found = f"An unsubscribe link could not be opened: {reached.problem}"
        return [Finding(code, Group.WEB, Severity.FAIL, host, found, ONE_CLICK, advice)]
    found_wrong = _answer(host, public_url, seen, reached.forged)
    first = found_wrong or Finding(
        "web.ok",
        Group.WEB,
        Severity.OK,
        host,
        "An unsubscribe link opens, over HTTPS and at once.",
        ONE_CLICK,
    )
    return [first, *_certificate(host, seen, now), *_clock(host, seen, now)]


def _answer(host: str, public_url: str, seen: Seen, forged: Seen) -> Finding | None:
    if seen.redirect:
        found = f"An unsubscribe link is sent on ({seen.status}) to {_place(seen.redirect)}."
        advice = "Set MEMO_PUBLIC_URL to the address it ends at, or take the redirect out."
        return Finding("web.redirects", Group.WEB, Severity.FAIL, host, found, ONE_CLICK, advice)
    if seen.status == 404 and forged.status == 404:
        found = "The unsubscribe link of a message is not known there."
        advice = "Either another program answers at this address, or the service behind it has another MEMO_SECRET_KEY than this one."
        return Finding("web.not_ours", Group.WEB, Severity.FAIL, host, found, ONE_CLICK, advice)
    if seen.status != 200:
        found = f"An unsubscribe link is answered with {seen.status}."
        advice = "Nothing may stand before it: no sign-in, no check for robots. Look at the proxy and the log of this service."
        return Finding("web.refuses", Group.WEB, Severity.FAIL, host, found, ONE_CLICK, advice)
    if forged.status != 404:
        found = f"A made-up link is answered with {forged.status}, so it is not this service that answers."
        return Finding(
            "web.not_ours",
            Group.WEB,
            Severity.FAIL,
            host,
            found,
            ONE_CLICK,
            f"Look at what {public_url} leads to.",
        )
    return None


def _certificate(host: str, seen: Seen, now: datetime) -> Iterator[Finding]:
    if seen.until is None:
        return
    left, until = seen.until - now, f"{seen.until:%d %B %Y}"
    if left < SOON:
        severity = Severity.FAIL if left < VERY_SOON else Severity.WARN
        found = f"The certificate of {host} runs out on {until}."
        why = "From then on no link in any message opens."
        yield Finding(
            "web.certificate",
            Group.WEB,
            severity,
            host,
            found,
            why,
            "Renew it, and see why that did not happen by itself.",
        )
    else:
        yield Finding(
            "web.certificate", Group.WEB, Severity.OK, host, f"The certificate holds until {until}."
        )


def _clock(host: str, seen: Seen, now: datetime) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(seen.date)
    except ValueError:
        return
    there = there.replace(tzinfo=there.tzinfo or UTC)
    yield clock(abs(there - now), f"the Date of {host}", tolerance=SKEW_WARNED, group=Group.WEB)


def clock(skew: timedelta, other: str, *, tolerance: timedelta, group: Group) -> Finding:
    seconds, allowed = skew.total_seconds(), tolerance.total_seconds()
    why = "Editions leave by the clock, and a Date in the future costs messages their good name."
    if skew <= tolerance:
        return Finding(
            "clock.ok", group, Severity.OK, "", f"The clock agrees with {other} (within {allowed:g} s).", why
        )
    severity = Severity.FAIL if skew > SKEW_FAILED else Severity.WARN
    found = f"The clock differs from {other} by {seconds:.0f} s; {allowed:g} s are tolerated."
    remedy = Remedy("timedatectl set-ntp true")
    return Finding(
        "clock.differs",
        group,
        severity,
        "",
        found,
        why,
        "Let both machines set their clocks by NTP.",
        (remedy,),
    )


def _is_inside(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(INSIDE)


def _place(target: str) -> str:
    """Without the token, which is nobody's business."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}/…" if parts.netloc else "another path"
