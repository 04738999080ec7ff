"""What there is to look at, for whom: each look gathers its evidence and has it judged."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from service import vault
from service.clock import Clock
from service.database import Database
from service.delivery import profiles, relay_register, transport
from service.delivery.models import Relay
from service.delivery.profiles import Profile
from service.delivery.relay_register import Greeting
from service.delivery.transport import RelayAddress
from service.doctor import (
    dkim_verdict,
    dmarc_verdict,
    gathering,
    relay_verdict,
    return_path,
    spf_verdict,
    web_verdict,
)
from service.doctor.answers import Ask
from service.doctor.facts import Facts
from service.doctor.findings import Finding, Group
from service.doctor.gathering import Envelope
from service.doctor.newsletter_verdict import Publication
from service.doctor.relay_verdict import SeenRelay
from service.doctor.return_path import Taken
from service.doctor.sending_facts import Sending
from service.fetching import Fetcher
from service.settings import Settings
from service.tokens import Keys


class Holder(Protocol):
    """What of a process's resources is needed here. `keys` None: there are none yet, and looking makes none."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def keys(self) -> Keys | None: ...
    @property
    def fetcher(self) -> Fetcher: ...


OF_OUR_KEYS = {"dkim", "alignment"}  # not to be judged while nobody knows which keys there are


@dataclass(frozen=True)
class Look:
    """`what` stands in a sentence: looking at …"""

    what: str
    group: Group
    subject: str
    begin: Callable[[], Awaitable[list[Finding]]]


@dataclass(frozen=True)
class Used:
    """A relay in use. `address` None: it cannot be tried from here, and `problem` says why."""

    profile: Profile
    host: str
    name: str
    is_main: bool
    address: RelayAddress | None
    problem: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Chosen:
    held: Holder
    facts: Facts
    ask: Ask
    newsletter: str = ""

    @property
    def publications(self) -> list[Publication]:
        return [one for one in self.facts.publications if self.newsletter in {"", one.slug}]

    @property
    def here(self) -> str:
        """Our name to the outside."""
        return self.held.settings.greeting_name


def of_everything(chosen: Chosen) -> list[Look]:
    used = relays(chosen)
    domains = dict.fromkeys(one.domain for one in chosen.publications if one.domain)
    looks = [_domain(chosen, domain, used) for domain in domains]
    looks.append(Look("the relays", Group.RELAY, "", partial(_relays, chosen, used)))
    own = _own_server(used)
    if own is not None:
        looks.append(Look("the machine's name", Group.RELAY, own.name, partial(_names, chosen, own)))
        looks.append(Look("the queue of Postfix", Group.RELAY, own.name, partial(_queue, chosen, own)))
    looks.append(Look("the public address", Group.WEB, "", partial(_web, chosen, is_sending=bool(used))))
    return looks


def of_domain(chosen: Chosen, domain: str) -> list[Look]:
    return [_domain(chosen, domain, relays(chosen))]


def name_of_setting(chosen: Settings) -> str:
    """The relay that MEMO_RELAY_URL tells, by its name in the register; empty without the setting."""
    own = _own_relay(chosen)
    return own.name if own is not None else ""


def relays(chosen: Chosen) -> list[Used]:
    """In use: the one that MEMO_RELAY_URL tells, even if no worker has entered it yet, or else that of the register; and the fallback."""
    settings, found = chosen.held.settings, list[Used]()
    own = _own_relay(settings)
    rows = chosen.facts.relays
    main = rows[0] if rows and chosen.facts.has_main else None
    if own is not None:
        trouble = main.problem or "" if main is not None and main.name == own.name else ""
        found.append(Used(profiles.guessed(own.host), own.host, own.name, True, own, trouble=trouble))
    elif main is not None:
        found.append(_used(chosen, main, is_main=True))
    fallback = rows[1] if len(rows) > 1 else rows[0] if rows and main is None else None
    if fallback is not None:
        found.append(_used(chosen, fallback, is_main=False))
    return found


def _own_relay(chosen: Settings) -> RelayAddress | None:
    if not chosen.relay_url:
        return None
    return transport.read_address(
        chosen.relay_url, ehlo_name=chosen.greeting_name, ca_file=chosen.relay_ca_file
    )


def _used(chosen: Chosen, row: Relay, *, is_main: bool) -> Used:
    profile = profiles.BY_KEY.get(row.profile, profiles.GENERIC)
    address, problem = None, ""
    keys, settings = chosen.held.keys, chosen.held.settings
    if row.is_from_setting:
        problem = "It is told by MEMO_RELAY_URL, and this process was started without that setting."
    elif keys is None:
        problem = "The secret key that unlocks its password is not on this machine."
    else:
        try:
            greeting = Greeting(settings.greeting_name, settings.relay_ca_file)
            address = relay_register.address_of(row, keys, greeting)
        except (vault.KeyMissing, vault.BoxDamaged) as error:
            problem = error.message
    return Used(profile, row.host, row.name, is_main, address, problem, row.problem or "")


def _domain(chosen: Chosen, domain: str, used: list[Used]) -> Look:
    return Look(f"the records of {domain}", Group.DOMAIN, domain, partial(_records, chosen, domain, used))


async def _records(chosen: Chosen, domain: str, used: list[Used]) -> list[Finding]:
    bounces, ask = chosen.held.settings.bounce_domain, chosen.ask
    keys = [key for key in chosen.facts.keys if key.domain == domain]
    own = _own_server(used)
    place = _place(chosen, own) if own is not None else ""
    sending = Sending(
        relays=tuple(one.profile for one in used),
        place=place,
        addresses=await gathering.public_addresses(place, ask) if place else (),
    )
    seen = await gathering.domain(domain, Envelope(bounces or domain, bool(bounces), chosen.here), keys, ask)
    found = [
        *spf_verdict.judged(seen.spf, sending),
        *dkim_verdict.judged(domain, seen.keys, sending, chosen.held.clock.now()),
        *dmarc_verdict.judged(seen.dmarc, sending),
        *return_path.judged(seen.return_path, _taken(chosen)),
    ]
    return found if chosen.facts.is_known else [one for one in found if one.topic not in OF_OUR_KEYS]


def _taken(chosen: Chosen) -> Taken:
    known = chosen.facts
    return Taken(bool(chosen.held.settings.bounce_listen), known.inbox, known.inbox_problem)


def _own_server(used: list[Used]) -> Used | None:
    """Where we answer for the addresses messages leave from. Of another relay we cannot know them."""
    return next((one for one in used if one.profile.key == "postfix"), None)


def _place(chosen: Chosen, own: Used) -> str:
    """The machine that messages leave from, as far as we can know: the relay's host, or ours if the relay is on it."""
    return chosen.here if gathering.is_near(own.host) else own.host


async def _relays(chosen: Chosen, used: list[Used]) -> list[Finding]:
    seen = [await _tried(chosen, one) for one in used]
    if not chosen.facts.is_known:
        return [finding for one in seen for finding in relay_verdict.one(one)]
    return relay_verdict.judged(seen, is_any_entered=chosen.facts.is_any_relay_entered)


async def _tried(chosen: Chosen, one: Used) -> SeenRelay:
    if one.address is None:
        return SeenRelay(one.name, one.profile.label, one.is_main, None, one.problem, one.trouble)
    clock = chosen.held.clock
    return await gathering.relay(
        one.address, one.profile.key, clock, is_main=one.is_main, trouble=one.trouble
    )


async def _names(chosen: Chosen, own: Used) -> list[Finding]:
    place = _place(chosen, own)
    found = await gathering.public_addresses(place, chosen.ask)
    return return_path.judged_names(place, await gathering.names(found, chosen.ask))


async def _queue(chosen: Chosen, own: Used) -> list[Finding]:
    values = await gathering.postfix_settings() if gathering.is_near(own.host) else None
    return relay_verdict.judged_queue(own.name, values, chosen.facts.shortest_gap)


async def _web(chosen: Chosen, *, is_sending: bool) -> list[Finding]:
    held = chosen.held
    url = held.settings.public_url
    wrong = web_verdict.address(url, is_sending=is_sending)
    if wrong or held.keys is None:
        return wrong
    reached = await gathering.public_address(url, held.keys, held.fetcher)
    return web_verdict.judged(url, reached, held.clock.now())
