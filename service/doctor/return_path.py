"""Where bounces go, and whether the machine that sends has a name that holds. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.doctor import answers
from service.doctor.answers import Answer, Status
from service.doctor.findings import Finding, Group, Remedy, Severity

WHY = "Bounces, complaints and replies to the return path come by this record; without it nobody learns of dead addresses."
NAMELESS = "Providers refuse mail from machines whose name and address do not lead to each other (Gmail: 550 5.7.25)."


@dataclass(frozen=True)
class Seen:
    """`domain`: that of the envelope sender; `is_ours`: it is the one set for bounces. `at`: the addresses of its MX hosts; `here`:
    our name to the outside, and `here_at` its addresses.
    """

    domain: str
    is_ours: bool
    zone: Answer
    mx: Answer
    at: tuple[str, ...]
    own: Answer  # A of the domain itself, which stands in without an MX (RFC 5321 §5.1)
    here: str
    here_at: tuple[str, ...]


@dataclass(frozen=True)
class Taken:
    """How what comes back is taken in: over SMTP by a worker of ours, or fetched from the mailbox on `inbox`, or (what nobody can see
    from here) by the pipe of a mail server.
    """

    listens: bool = False
    inbox: str = ""
    inbox_problem: str = ""


def judged(seen: Seen, taken: Taken) -> list[Finding]:
    return [*_judged(seen, taken), *_taken(seen, taken)]


def _taken(seen: Seen, taken: Taken) -> Iterator[Finding]:
    if taken.inbox_problem:
        yield Finding(
            "return_path.mailbox", Group.RETURN, Severity.WARN, taken.inbox, f"Bounces cannot be fetched: {taken.inbox_problem}",
            "Until they are, nobody learns of dead addresses and complaints.", "Look at the mailbox on the page Bounces.",
        )  # fmt: skip
    if seen.is_ours and not taken.listens and not taken.inbox:
        yield Finding(
            "return_path.nobody_reads", Group.RETURN, Severity.NOTE, seen.domain, "No mailbox is entered, no worker listens for bounces.",
            "Then only a mail server that pipes them into memo bounce brings them here.",
            "Enter a mailbox on the page Bounces, or let a worker take them over SMTP.", (Remedy("MEMO_BOUNCE_LISTEN=0.0.0.0:25"),),
        )  # fmt: skip


def _judged(seen: Seen, taken: Taken) -> Iterator[Finding]:
    domain = seen.domain
    if seen.zone.status is Status.UNKNOWN_NAME:
        yield Finding(
            "domain.unknown", Group.RETURN, Severity.FAIL, domain, f"The name {domain} is not in the DNS at all.",
            "Yahoo and others refuse senders whose domain cannot be found; nobody can answer or bounce to it.",
            "Check its spelling, whether it is paid for, and its name servers.",
        )  # fmt: skip
        return
    if seen.mx.failed:
        yield Finding(
            "return_path.could_not_ask", Group.RETURN, Severity.WARN, domain, f"Its MX could not be asked for: {seen.mx.problem}.",
            "This says nothing about the record. Look again later, or name another name server in MEMO_RESOLVER.",
        )  # fmt: skip
        return
    yield _mail_exchanger(seen, taken)
    if not seen.is_ours:
        yield Finding(
            "return_path.not_set", Group.RETURN, Severity.NOTE, domain, "MEMO_BOUNCE_DOMAIN is not set: bounces go to the From address.",
            "A domain of its own for bounces lets them be read by program, and keeps them out of the editors' mailbox.",
            "Set it once its records are published.", (Remedy(f"MEMO_BOUNCE_DOMAIN=bounces.{domain}"),),
        )  # fmt: skip


def _mail_exchanger(seen: Seen, taken: Taken) -> Finding:
    remedy = Remedy(f"10 {_host(seen)}.", seen.domain, "MX")
    hosts = answers.hosts(seen.mx)
    if hosts == [""]:
        found = "Its MX says that it takes no mail (RFC 7505)."
        return _bad("return_path.null_mx", seen, found, "Publish the host that takes it.", remedy)
    if not hosts:
        fallback = "; its A record stands in, which many senders do not try" if seen.own.values else ""
        found = f"There is no MX: {seen.mx.status.value}{seen.mx.by_way_of}{fallback}."
        return _bad("return_path.no_mx", seen, found, "Publish the host that takes its mail.", remedy)
    words = ", ".join(hosts)
    if not seen.at:
        found = f"Its MX is {words}, which has no address."
        return _bad(
            "return_path.mx_without_address", seen, found, "Publish an address for that host, or another MX."
        )
    is_here = taken.listens or not taken.inbox
    if seen.is_ours and is_here and seen.here_at and not set(seen.here_at) & set(seen.at):
        return Finding(
            "return_path.elsewhere", Group.RETURN, Severity.WARN, seen.domain,
            f"Its MX is {words}, which is not {seen.here}.", WHY,
            "That is right if bounces are fetched from a mailbox there. If this service takes them itself, publish this.", (remedy,),
        )  # fmt: skip
    return Finding(
        "return_path.ok",
        Group.RETURN,
        Severity.OK,
        seen.domain,
        f"Its mail goes to {words}{seen.mx.by_way_of}.",
        WHY,
    )


def _host(seen: Seen) -> str:
    """Our own name, if it is one that others can look up."""
    return seen.here if seen.here_at and seen.here not in seen.here_at else f"mail.{seen.domain}"


def _bad(code: str, seen: Seen, found: str, advice: str, *remedies: Remedy) -> Finding:
    severity = Severity.FAIL if seen.is_ours else Severity.WARN
    return Finding(code, Group.RETURN, severity, seen.domain, found, WHY, advice, remedies)


@dataclass(frozen=True)
class Named:
    """An address that messages leave from, the names it has, and where these lead."""

    address: str
    names: Answer
    leads_to: tuple[str, ...]


def judged_names(place: str, named: Sequence[Named]) -> list[Finding]:
    """Only for a server of our own: a service answers for its machines itself."""
    return [_name(place, one) for one in named]


def _name(place: str, one: Named) -> Finding:
    advice = (
        f"Have whoever gave you {one.address} set its name (PTR), usually on a page of the hosting company."
    )
    name = answers.bare(one.names.values[0]) if one.names.values else ""
    remedy = Remedy(f"{name or place}", f"(reverse) {one.address}", "PTR")
    if one.names.failed:
        found, why = (
            f"The name of {one.address} could not be asked for: {one.names.problem}.",
            "This says nothing about it. Look again later.",
        )
        return Finding("ptr.could_not_ask", Group.RELAY, Severity.NOTE, place, found, why)
    if not name:
        found = f"{one.address}, where messages leave from, has no name (PTR)."
        return Finding("ptr.missing", Group.RELAY, Severity.FAIL, place, found, NAMELESS, advice, (remedy,))
    if one.address not in one.leads_to:
        found = f"{one.address} is called {name}, and that name does not lead back to it."
        return Finding(
            "ptr.not_confirmed", Group.RELAY, Severity.FAIL, place, found, NAMELESS, "Publish this, or have the address named otherwise.",
            (Remedy(one.address, name, "AAAA" if ":" in one.address else "A"),),
        )  # fmt: skip
    if _looks_generic(name, one.address):
        found = f"{one.address} is called {name}, which looks like a customer's line."
        return Finding(
            "ptr.generic",
            Group.RELAY,
            Severity.WARN,
            place,
            found,
            "Many providers refuse mail from such names.",
            advice,
        )
    return Finding(
        "ptr.ok", Group.RELAY, Severity.OK, place, f"{one.address} is called {name}, and back.", NAMELESS
    )


def _looks_generic(name: str, address: str) -> bool:
    numbers = re.findall(r"\d+", address) if "." in address else []
    in_name = re.findall(r"\d+", name)
    return len(numbers) == 4 and sum(number in in_name for number in set(numbers)) == len(set(numbers))
