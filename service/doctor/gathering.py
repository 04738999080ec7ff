"""Evidence from the network, gathered; judged elsewhere. No transaction is open meanwhile, and nothing is sent to anybody."""

import asyncio
import ipaddress
import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.clock import Clock
from service.delivery import profiles, relay_trial
from service.delivery.limits import Timeouts
from service.delivery.transport import RelayAddress
from service.doctor import dmarc, dmarc_verdict, return_path, spf
from service.doctor.answers import Answer, Ask, bare, hosts
from service.doctor.dkim_verdict import PublicKey
from service.doctor.relay_verdict import SeenRelay
from service.doctor.return_path import Named
from service.doctor.spf import Record
from service.doctor.web_verdict import Reached
from service.errors import MemoError
from service.fetching import AddressNotAllowed, Fetcher
from service.subscribers import links
from service.tokens import Keys

PATIENCE = Timeouts(connect=8, greeting=8, mail=8, rcpt=8, data=8, block=8, dot=8)
INSIDE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]
POSTFIX_SETTINGS = ("maximal_queue_lifetime", "bounce_queue_lifetime")
POSTCONF_SECONDS = 5


@dataclass(frozen=True)
class DomainSeen:
    """All that the DNS says of one domain that newsletters come from."""

    spf: Record
    keys: tuple[tuple[PublicKey, Answer], ...]
    dmarc: dmarc_verdict.Seen
    return_path: return_path.Seen


@dataclass(frozen=True)
class Envelope:
    """`domain`: that of the return path; `is_ours`: it is the one set for bounces. `here`: our name to the outside."""

    domain: str
    is_ours: bool
    here: str


async def domain(name: str, envelope: Envelope, keys: Sequence[PublicKey], ask: Ask) -> DomainSeen:
    found_spf, found_keys, found_dmarc, found_path = await asyncio.gather(
        spf.gathered(envelope.domain, ask),
        asyncio.gather(*(ask(key.place, "TXT") for key in keys)),
        _policy(name, envelope.domain, keys, ask),
        _return_path(envelope, ask),
    )
    return DomainSeen(found_spf, tuple(zip(keys, found_keys, strict=True)), found_dmarc, found_path)


async def _policy(name: str, envelope: str, keys: Sequence[PublicKey], ask: Ask) -> dmarc_verdict.Seen:
    author, other = await asyncio.gather(dmarc.walked(name, ask), dmarc.walked(envelope, ask))
    policy = dmarc.applying(author)
    outside = dmarc_verdict.external(policy, author) if policy is not None else []
    allowed = [
        await ask(f"{policy.domain}._report._dmarc.{one}", "TXT") for one in outside if policy is not None
    ]
    has_key = any(key.state.value == "active" for key in keys)
    return dmarc_verdict.Seen(author, other, has_key, dict(zip(outside, allowed, strict=True)))


async def _return_path(envelope: Envelope, ask: Ask) -> return_path.Seen:
    name = envelope.domain
    zone, mx, own = await asyncio.gather(ask(name, "SOA"), ask(name, "MX"), ask(name, "A"))
    at, here_at = await asyncio.gather(addresses(hosts(mx), ask), addresses([envelope.here], ask))
    return return_path.Seen(name, envelope.is_ours, zone, mx, at, own, envelope.here, here_at)


async def addresses(names: Iterable[str], ask: Ask) -> tuple[str, ...]:
    """Those of all these hosts; an address stands for itself."""
    wanted = [name for name in names if name]
    plain = [name for name in wanted if _is_address(name)]
    asked = [ask(name, kind) for name in wanted if name not in plain for kind in ("A", "AAAA")]
    found = [value for answer in await asyncio.gather(*asked) for value in answer.values]
    return tuple(dict.fromkeys([*plain, *found]))


async def public_addresses(name: str, ask: Ask) -> tuple[str, ...]:
    """Without those of a network of one's own: nobody outside ever sees messages leave from there."""
    return tuple(text for text in await addresses([name], ask) if not _is_inside(text))


async def names(found: Iterable[str], ask: Ask) -> list[Named]:
    """Address to name and back."""
    return [await _named(address, ask) for address in found]


async def _named(address: str, ask: Ask) -> Named:
    answer = await ask(address, "PTR")
    return Named(address, answer, await addresses([bare(value) for value in answer.values], ask))


def is_near(host: str) -> bool:
    """Whether that relay is on this machine."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


async def relay(
    address: RelayAddress, profile: str, clock: Clock, *, is_main: bool, trouble: str
) -> SeenRelay:
    known = profiles.BY_KEY.get(profile, profiles.GENERIC)
    trial = await relay_trial.run(address, known, clock, None, timeouts=PATIENCE)
    return SeenRelay(address.name, known.label, is_main, trial, trouble=trouble)


async def postfix_settings() -> dict[str, str] | None:
    """What the Postfix of this machine says of its queue; None if there is none to ask."""
    program = shutil.which("postconf")
    if program is None:
        return None
    asked = await asyncio.create_subprocess_exec(
        program, *POSTFIX_SETTINGS, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(POSTCONF_SECONDS):
            said, _ = await asked.communicate()
    except TimeoutError:
        asked.kill()
        return None
    pairs = [line.partition("=") for line in said.decode("utf-8", "replace").splitlines()]
    return {name.strip(): value.strip() for name, equals, value in pairs if equals} or None


async def public_address(base_url: str, keys: Keys, fetcher: Fetcher) -> Reached:
    """Open an unsubscribe link that our key signed for nobody, and the same one damaged. GET alone: nothing changes by it."""
    token = links.unsubscribe_token(keys, uuid.UUID(int=0))
    damaged = f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}"
    try:
        genuine = await fetcher.look(f"{base_url}/unsubscribe/{token}")
        return Reached(genuine, await fetcher.look(f"{base_url}/unsubscribe/{damaged}"))
    except MemoError as error:
        return Reached(problem=error.message, is_refused_here=isinstance(error, AddressNotAllowed))


def _is_inside(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return (
        address.is_loopback
        or address.is_link_local
        or any(address in network for network in INSIDE if network.version == address.version)
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
