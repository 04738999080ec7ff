"""What a domain's SPF record means for what we send. Pure."""

import ipaddress
from collections.abc import Iterator
from functools import partial

from service.delivery.profiles import Fate
from service.doctor import spf
from service.doctor.findings import Finding, Group, Remedy, Severity
from service.doctor.sending_facts import Sending
from service.doctor.spf import Record, Result

WHY = "Mailbox providers ask this record whether the relay may send for the domain of the return path (RFC 7208)."
BROKEN = "A receiver that finds this treats the whole record as broken (permerror), and the message as not authenticated."
COULD_NOT = "This says nothing about the record: it could not be asked for. Look again later, or name another name server in MEMO_RESOLVER."
TRY_AGAIN = "memo doctor --domain {domain}"
LOOKUPS_MANY = 8
EXAMPLE = "192.0.2.25"
BAD = {Result.FAIL, Result.SOFTFAIL, Result.NEUTRAL, Result.BROKEN}


def judged(record: Record, sending: Sending) -> list[Finding]:
    """Findings about the domain of the return path; one that says OK if there is nothing else to say."""
    say = partial(Finding, group=Group.DOMAIN, subject=record.domain)
    if record.answer.failed:
        found = f"SPF could not be asked for: {record.answer.problem}."
        return [say("spf.could_not_ask", severity=Severity.WARN, found=found, why=COULD_NOT)]
    if not record.text:
        return [_missing(record, sending)]
    if record.others:
        found = f"There are {len(record.others) + 1} SPF records; there may be one."
        advice = "Delete all but one, which names everybody who sends for this domain."
        return [_broken("spf.several", record, found, advice, _put(record, _mended(record.text, sending)))]
    if record.problem:
        advice = "Publish it without the mistake, as one TXT record."
        return [_broken("spf.syntax", record, f"The SPF record is broken: {record.problem}.", advice)]
    return [*_about(record, sending)] or [_ok(record, sending)]


def _about(record: Record, sending: Sending) -> Iterator[Finding]:
    yield from _ends(record, sending)
    yield from _cost(record)
    yield from _below(record)
    yield from _lets_us(record, sending)


def _missing(record: Record, sending: Sending) -> Finding:
    where = f" ({record.answer.status.value}{record.answer.by_way_of})" if record.answer.is_void else ""
    is_ours = sending.return_path is not Fate.REPLACED
    why = WHY if is_ours else (
        f"{sending.labels} puts a return path of its own on messages, so this record is not asked today. It is with a return path of "
        "your domain, which the service can set up, and it keeps others from using the domain."
    )  # fmt: skip
    return Finding(
        "spf.missing",
        Group.DOMAIN,
        _severity(sending),
        record.domain,
        f"There is no SPF record{where}.",
        why,
        _advice_for(sending),
        (_put(record, _mended("v=spf1 ~all", sending)),),
    )


def _ends(record: Record, sending: Sending) -> Iterator[Finding]:
    term = record.all_term
    if term is None and any(one.name == "redirect" for one in record.terms):
        return
    if term is None or term.qualifier == "?":
        found = (
            "The SPF record does not say what of everybody else."
            if term is None
            else "The SPF record ends in ?all."
        )
        yield Finding(
            "spf.neutral", Group.DOMAIN, Severity.WARN, record.domain, found,
            "Then it forbids nobody to use your domain, and providers give it little weight.",
            "End it with ~all, or with -all once all that you send passes.",
            (_put(record, _mended(record.text, sending)),),
        )  # fmt: skip
    elif term.qualifier == "+":
        yield Finding(
            "spf.all_pass", Group.DOMAIN, Severity.FAIL, record.domain, "The SPF record ends in +all.",
            "That lets the whole world send as your domain, and providers take it for a sign of spam.",
            "End it with ~all.",
            (_put(record, _mended(record.text, sending)),),
        )  # fmt: skip


def _cost(record: Record) -> Iterator[Finding]:
    count, void = spf.lookups(record), spf.void_lookups(record)
    if count > spf.LOOKUPS_MOST:
        yield _broken(
            "spf.too_many_lookups", record,
            f"The SPF record takes {count} look-ups; {spf.LOOKUPS_MOST} are allowed (RFC 7208 section 4.6.4).",
            "Take out services you no longer use, or give the newsletter a subdomain of its own to send from.",
        )  # fmt: skip
    elif count >= LOOKUPS_MANY:
        yield Finding(
            "spf.many_lookups", Group.DOMAIN, Severity.NOTE, record.domain,
            f"The SPF record takes {count} of the {spf.LOOKUPS_MOST} look-ups that are allowed.",
            "A service that is included can add some of its own any day, and then the record breaks.",
        )  # fmt: skip
    if void > spf.VOID_MOST:
        yield _broken(
            "spf.void_lookups", record,
            f"{void} names in the SPF record lead to nothing; {spf.VOID_MOST} are allowed (RFC 7208 section 4.6.4).",
            "Take them out.",
        )  # fmt: skip


def _below(record: Record) -> Iterator[Finding]:
    """What is wrong with the records that this one leads to."""
    for one in record.everything()[1:]:
        if one.answer.failed:
            yield Finding(
                "spf.could_not_ask", Group.DOMAIN, Severity.NOTE, record.domain,
                f"What the SPF record leads to could not be asked for: {one.domain}, {one.answer.problem}.", COULD_NOT,
            )  # fmt: skip
        elif not one.text or one.problem or one.others:
            said = one.problem or ("it has several SPF records" if one.others else "it has no SPF record")
            yield _broken(
                "spf.broken_include", record,
                f"The SPF record leads to {one.domain}, which is no use: {said}.",
                f"Take {one.domain} out, or ask whoever runs it.",
            )  # fmt: skip


def _lets_us(record: Record, sending: Sending) -> Iterator[Finding]:
    missing = [name for name in sending.includes if not spf.includes(record, name)]
    is_judged = sending.return_path is not Fate.REPLACED
    if missing and is_judged:
        yield Finding(
            "spf.include_missing", Group.DOMAIN, _severity(sending), record.domain,
            f"The SPF record does not include {' and '.join(missing)}, so {sending.labels} may not send for it.", WHY,
            "Add it before the end of the record.", (_put(record, _mended(record.text, sending)),),
        )  # fmt: skip
    results = {text: spf.result_for(record, ipaddress.ip_address(text)) for text in sending.addresses}
    refused = [text for text, result in results.items() if result in BAD]
    if refused and is_judged:
        words = ", ".join(f"{text} ({results[text].value})" for text in refused)
        yield Finding(
            "spf.address_missing", Group.DOMAIN, Severity.WARN, record.domain,
            f"The SPF record does not let {sending.place} send: {words}.", WHY,
            "If messages leave from there, add its addresses.", (_put(record, _mended(record.text, sending)),),
        )  # fmt: skip


def _ok(record: Record, sending: Sending) -> Finding:
    count = spf.lookups(record)
    lets = [*sending.includes, *sending.addresses]
    who = f" It lets {', '.join(lets)} send." if lets and sending.return_path is not Fate.REPLACED else ""
    cost = f"{count} of {spf.LOOKUPS_MOST} look-ups"
    found = f"SPF: {record.text}{record.answer.by_way_of}.{who} {cost[:1]}{cost[1:]}."
    return Finding("spf.ok", Group.DOMAIN, Severity.OK, record.domain, found, WHY)


def _broken(code: str, record: Record, found: str, advice: str, *remedies: Remedy) -> Finding:
    return Finding(code, Group.DOMAIN, Severity.FAIL, record.domain, found, BROKEN, advice, remedies)


def _severity(sending: Sending) -> Severity:
    return {Fate.KEPT: Severity.FAIL, Fate.UNKNOWN: Severity.WARN, Fate.REPLACED: Severity.NOTE}[
        sending.return_path
    ]


def _advice_for(sending: Sending) -> str:
    if sending.includes or sending.addresses:
        return "Publish this record; add whoever else sends mail of this domain."
    return f"Publish a record that names the addresses messages leave from, in place of {EXAMPLE}."


def _put(record: Record, text: str) -> Remedy:
    return Remedy(text, name=record.domain, kind="TXT")


def _mended(text: str, sending: Sending) -> str:
    """The record with all that has to be in it, and an end that says something."""
    words = text.split()
    ends = [word for word in words if word.lstrip("+-~?").lower() == "all"]
    end = ends[0] if ends and ends[0][0] in "-~" else "~all"
    kept = [word for word in words if word not in ends]
    wanted = [f"include:{name}" for name in sending.includes] + _networks(sending.addresses)
    if not wanted and len(kept) <= 1:
        wanted = [f"ip4:{EXAMPLE}"]
    is_redirected = not ends and any(word.lower().startswith("redirect=") for word in kept)
    return " ".join(
        [*kept, *(term for term in wanted if term not in kept), *([] if is_redirected else [end])]
    )


def _networks(addresses: tuple[str, ...] | list[str]) -> list[str]:
    return [f"ip{ipaddress.ip_address(text).version}:{text}" for text in addresses]
