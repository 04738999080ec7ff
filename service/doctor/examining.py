"""An examination: what is to be looked at, all of it at once, each within its time; then one list of findings."""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service import addresses, logs
from service.addresses import AddressInvalid
from service.doctor import facts, keeping, machine, machine_verdict, newsletter_verdict, plan
from service.doctor.answers import Unusable
from service.doctor.facts import Facts
from service.doctor.findings import Examination, Finding, Group, Severity
from service.doctor.plan import Holder
from service.newsletters.publication import NewsletterNotFound

if TYPE_CHECKING:
    from service.doctor.resolver import Resolver

log = logs.get(__name__)
LOOK_SECONDS = 20.0


class DomainUnusable(Unusable):
    """This is no domain. Give the part behind the @ of a newsletter's From address."""


@dataclass(frozen=True)
class Wanted:
    """Nothing given: everything. A `domain`: its records alone, whether a newsletter comes from it or not. A `newsletter`, by its
    short name: everything, but of the newsletters and their domains only that one.
    """

    domain: str = ""
    newsletter: str = ""


async def examine(held: Holder, wanted: Wanted, *, seconds: float = LOOK_SECONDS) -> Examination:
    """Look at everything wanted; each look has `seconds`. Raises DomainUnusable, NewsletterNotFound, ResolverUnusable."""
    loop = asyncio.get_running_loop()
    began, at = loop.time(), held.clock.now()
    domain = _checked(wanted.domain)
    from service.doctor.resolver import Resolver

    resolver = Resolver(held.settings.resolver, seconds=min(seconds / 2, 5.0))
    try:
        found = await _found(held, resolver, Wanted(domain, wanted.newsletter), seconds)
    finally:
        await resolver.close()
    scope = domain or wanted.newsletter
    return Examination(at, round(loop.time() - began, 2), scope, tuple(_without_doubles(found)))


async def _found(held: Holder, resolver: "Resolver", wanted: Wanted, seconds: float) -> list[Finding]:
    of_database, basics = await machine.database(held.settings, held.database, held.clock)
    known = Facts()
    if basics is None:
        of_database.append(machine_verdict.unread())
    else:
        known = await held.database.read(facts.of, plan.name_of_setting(held.settings))
    if (
        wanted.newsletter
        and known.is_known
        and not any(one.slug == wanted.newsletter for one in known.publications)
    ):
        raise NewsletterNotFound
    chosen = plan.Chosen(held, known, resolver.ask, wanted.newsletter)
    if wanted.domain:
        return await looked(plan.of_domain(chosen, wanted.domain), seconds)
    found = await looked(plan.of_everything(chosen), seconds)
    return [
        *found,
        *(_of_newsletters(chosen)),
        *of_database,
        *_of_machine(held, known, has_tables=basics is not None),
    ]


def _of_newsletters(chosen: plan.Chosen) -> Iterator[Finding]:
    for one in chosen.publications:
        yield from newsletter_verdict.judged(one)


def _of_machine(held: Holder, known: Facts, *, has_tables: bool) -> Iterator[Finding]:
    yield from machine.files(held.settings)
    yield from machine.zones(known.zones, held.clock)
    if has_tables:
        yield from machine_verdict.on_hold(known.on_hold)
        yield machine_verdict.workers(known.workers_alive, known.last_seen, is_sending=known.has_main)


async def looked(looks: list[plan.Look], seconds: float) -> list[Finding]:
    """All at once; one that takes too long or breaks is a finding itself."""
    found = await asyncio.gather(*(_bounded(look, look.begin(), seconds) for look in looks))
    return [finding for findings in found for finding in findings]


async def _bounded(look: plan.Look, begun: Awaitable[list[Finding]], seconds: float) -> list[Finding]:
    try:
        async with asyncio.timeout(seconds):
            return await begun
    except TimeoutError:
        said = f"Looking at {look.what} took more than {seconds:g} s, so nothing is known of it."
        return [_unknown(look.group, look.subject, "doctor.too_slow", said, "Try again later.")]
    except Exception as error:  # one look that breaks must not hide what the others found
        log.exception("doctor.broken", look=look.what)
        said = f"Looking at {look.what} broke ({type(error).__name__}), so nothing is known of it."
        return [
            _unknown(look.group, look.subject, "doctor.broken", said, "The log says more; please report it.")
        ]


def _unknown(group: Group, subject: str, code: str, said: str, advice: str) -> Finding:
    return Finding(code, group, Severity.WARN, subject, said, "It may be well or not.", advice)


def _checked(text: str) -> str:
    if not text.strip():
        return ""
    try:
        return addresses.parse(f"x@{text.strip().rpartition('@')[2]}").domain
    except AddressInvalid as error:
        raise DomainUnusable(field="domain") from error


def _without_doubles(found: list[Finding]) -> list[Finding]:
    """Two domains may share a return path, and so what is found about it."""
    return list(dict.fromkeys(found))


async def take(held: Holder, *, actor: str) -> Examination:
    """Look at everything and keep what was found, in one write at the end. Raises keeping.TooSoon, ResolverUnusable."""
    await held.database.read(keeping.ensure_rested, held.clock.now())
    found = await examine(held, Wanted())
    await held.database.write(keeping.keep, found, actor=actor)
    return found
