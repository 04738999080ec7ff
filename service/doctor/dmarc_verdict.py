"""What the policy of a newsletter's domain means, and whether what we send passes it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.delivery.profiles import Fate
from service.doctor import dmarc
from service.doctor.answers import Answer
from service.doctor.dmarc import Policy, Stop
from service.doctor.findings import Finding, Group, Remedy, Severity
from service.doctor.sending_facts import Sending

WHY = "Google, Yahoo and Microsoft want every sender of bulk mail to publish a DMARC policy (RFC 9989)."
START = "v=DMARC1; p=none; rua=mailto:dmarc@{domain}"
ALIGNMENT = (
    "DMARC passes when SPF or DKIM passes for the domain of the From address, or one that belongs to it."
)


@dataclass(frozen=True)
class Seen:
    """`author`: the walk from the From domain; `envelope`: that from the return path's. `allowed`: by domain outside, the record that
    lets reports be sent there.
    """

    author: tuple[Stop, ...]
    envelope: tuple[Stop, ...]
    has_key: bool
    allowed: Mapping[str, Answer]

    @property
    def domain(self) -> str:
        return self.author[0].domain


def judged(seen: Seen, sending: Sending) -> list[Finding]:
    policy = dmarc.applying(seen.author)
    unasked = [stop for stop in seen.author if stop.answer.failed]
    if unasked and policy is None:
        found = f"The DMARC policy could not be asked for: {unasked[0].answer.problem}."
        why = "This says nothing about the policy. Look again later, or name another name server in MEMO_RESOLVER."
        return [_say("dmarc.could_not_ask", Severity.WARN, seen.domain, found, why)]
    broken = [_unusable(seen, stop) for stop in seen.author if stop.problem]
    if policy is None:
        return [*(broken or [_missing(seen.domain)]), *_alignment(seen, sending, None)]
    about = list(_about(policy, seen))
    if not any(one.severity in {Severity.WARN, Severity.FAIL} for one in about):
        about.insert(0, _ok(policy, seen))
    return [*broken, *about, *_alignment(seen, sending, policy)]


def external(policy: Policy, stops: tuple[Stop, ...]) -> list[str]:
    """Domains of other organizations that reports go to: each has to allow it (RFC 9990 §4)."""
    home = dmarc.organization(stops)
    found = [mail.rpartition("@")[2].lower() for mail in policy.reports_to()]
    return list(dict.fromkeys(one for one in found if one != home and not one.endswith(f".{home}")))


def _missing(domain: str) -> Finding:
    advice = "Publish this; its reports show who sends as you. Give an address that somebody reads, or that a reporting service gave you."
    return _say(
        "dmarc.missing", Severity.FAIL, domain, "There is no DMARC policy, for this domain or above it.", WHY, advice,
        Remedy(START.format(domain=domain), f"_dmarc.{domain}", "TXT"),
    )  # fmt: skip


def _unusable(seen: Seen, stop: Stop) -> Finding:
    is_own = stop.domain == seen.domain
    code = "dmarc.several" if len(stop.records) > 1 else "dmarc.syntax"
    advice = (
        "Delete all but one."
        if len(stop.records) > 1
        else "Publish one record that begins with v=DMARC1 and has a p=."
    )
    return _say(
        code, Severity.FAIL if is_own else Severity.WARN, seen.domain, f"At _dmarc.{stop.domain}: {stop.problem}.", WHY, advice,
        Remedy(START.format(domain=stop.domain), f"_dmarc.{stop.domain}", "TXT"),
    )  # fmt: skip


def _about(policy: Policy, seen: Seen) -> Iterator[Finding]:
    domain, better = seen.domain, Remedy(_better(policy), f"_dmarc.{policy.domain}", "TXT")
    applied = policy.p if policy.domain == domain else policy.for_subdomains()
    if applied == "none":
        yield _say(
            "dmarc.none", Severity.NOTE, domain, "The DMARC policy is none: it only watches.",
            "That meets the providers' rules, and keeps nobody from sending as you.",
            "Once the reports show that all you send passes, go on to p=quarantine, later to p=reject.",
        )  # fmt: skip
    if policy.tags.get("t", "").lower() == "y" and applied != "none":
        yield _say(
            "dmarc.testing", Severity.NOTE, domain, f"The DMARC policy is {applied}, as a test only (t=y).",
            "Receivers then apply the next weaker one.", "Take t=y out once the reports look right.",
        )  # fmt: skip
    if not policy.reports_to():
        yield _say(
            "dmarc.no_reports", Severity.NOTE, domain, "The DMARC policy asks for no reports (rua).",
            "Without them nobody tells you what of your mail fails, or who else sends as you.", "Name an address.", better,
        )  # fmt: skip
    if gone := [tag for tag in dmarc.GONE if tag in policy.tags]:
        yield _say(
            "dmarc.stale_tags", Severity.NOTE, domain, f"The DMARC policy has {', '.join(gone)}, which RFC 9989 dropped.",
            "Receivers ignore them; a part of the mail (pct) cannot be named any more.", "Take them out; t=y is what tests now.", better,
        )  # fmt: skip
    yield from _reports(policy, seen)


def _reports(policy: Policy, seen: Seen) -> Iterator[Finding]:
    for other, answer in seen.allowed.items():
        if answer.is_void or (
            not answer.failed and not any(text.startswith("v=DMARC1") for text in answer.values)
        ):
            yield _say(
                "dmarc.reports_not_allowed", Severity.WARN, seen.domain,
                f"DMARC reports go to {other}, which does not say that it takes them.",
                "Receivers send reports to another organization only if that publishes its consent (RFC 9990 section 4).",
                f"{other} has to publish this.",
                Remedy("v=DMARC1;", f"{policy.domain}._report._dmarc.{other}", "TXT"),
            )  # fmt: skip


def _ok(policy: Policy, seen: Seen) -> Finding:
    above = (
        ""
        if policy.domain == seen.domain
        else f" It is that of {policy.domain}, which holds for what is below."
    )
    applied = policy.p if policy.domain == seen.domain else policy.for_subdomains()
    return _say("dmarc.ok", Severity.OK, seen.domain, f"The DMARC policy is {applied}.{above}", WHY)


def _alignment(seen: Seen, sending: Sending, policy: Policy | None) -> Iterator[Finding]:
    """Our keys are always those of exactly the From domain, so DKIM is aligned wherever it is ours."""
    if sending.relays and not sending.we_sign:
        yield _say(
            "alignment.relay", Severity.NOTE, seen.domain,
            f"Whether messages pass DMARC hangs on {sending.labels}: it signs, and has a return path of its own.", ALIGNMENT,
            "Send a test message to a mailbox elsewhere: its Authentication-Results should say dmarc=pass.",
        )  # fmt: skip
        return
    is_strict = policy is not None and policy.is_strict("aspf")
    by_spf = sending.return_path is not Fate.REPLACED and dmarc.aligned(
        seen.author, seen.envelope, is_strict=is_strict
    )
    envelope = seen.envelope[0].domain
    if seen.has_key and by_spf:
        yield _say(
            "alignment.ok",
            Severity.OK,
            seen.domain,
            "From, signature and return path belong together.",
            ALIGNMENT,
        )
    elif seen.has_key:
        yield _say(
            "alignment.dkim_only", Severity.NOTE, seen.domain,
            f"DKIM is aligned; the return path ({envelope}) is not{' in strict mode' if is_strict else ''}.",
            "One is enough for DMARC; with both, a message that is forwarded or changed on its way still has a chance.",
        )  # fmt: skip
    elif by_spf:
        yield _say(
            "alignment.spf_only", Severity.WARN, seen.domain, "Only SPF is aligned: messages are not signed by this domain.",
            "SPF breaks with every forwarding, and then DMARC fails.", "Activate a DKIM key of this domain.",
        )  # fmt: skip
    else:
        yield _say(
            "alignment.none", Severity.FAIL, seen.domain,
            f"Messages cannot pass DMARC: not signed by this domain, and the return path is {envelope}.", ALIGNMENT,
            "Activate a DKIM key of this domain.",
        )  # fmt: skip


def _better(policy: Policy) -> str:
    """The same policy, with somebody to report to and without what is gone."""
    kept = {tag: value for tag, value in policy.tags.items() if tag not in dmarc.GONE}
    return _text(kept if policy.reports_to() else {**kept, "rua": f"mailto:dmarc@{policy.domain}"})


def _text(tags: Mapping[str, str]) -> str:
    order = ("v", "p", "sp", "np")
    first = [f"{tag}={tags[tag]}" for tag in order if tag in tags]
    return "; ".join([*first, *(f"{tag}={value}" for tag, value in tags.items() if tag not in order)])


def _say(
    code: str, severity: Severity, domain: str, found: str, why: str = "", *more: str | Remedy
) -> Finding:
    """`more`: the advice, if there is some, and what to copy."""
    advice = next((one for one in more if isinstance(one, str)), "")
    remedies = tuple(one for one in more if isinstance(one, Remedy))
    return Finding(code, Group.DOMAIN, severity, domain, found, why, advice, remedies)
