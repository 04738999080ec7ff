"""The DNS, asked through the system's name servers or the one of MEMO_RESOLVER. Loaded with the first question (it takes 0.2 s)."""

import asyncio
import socket

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
import dns.reversename
from dns.message import QueryMessage
from dns.rdata import Rdata
from dns.rdtypes.ANY.TXT import TXT

from service.doctor.answers import Answer, Status, Unusable

SECONDS = 5.0
AT_ONCE = 16


class ResolverUnusable(Unusable):
    """MEMO_RESOLVER names no name server. Give the address of one, with its port if that is not 53: 192.0.2.53 or 192.0.2.53:5353."""


class Resolver:
    """Asks, and asks each question once: within one examination many judges want the same record."""

    def __init__(self, server: str = "", *, seconds: float = SECONDS) -> None:
        self._resolver = _made(server, seconds)
        self._seconds = seconds
        self._asked: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def ask(self, name: str, kind: str) -> Answer:
        """`kind`: TXT, MX, A, AAAA, SOA, PTR (then `name` is the address). Raises nothing for what a name server does."""
        task = self._asked.get((name, kind))
        if task is None:
            task = self._asked[name, kind] = asyncio.create_task(self._ask(name, kind))
        return await asyncio.shield(task)

    async def close(self) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _ask(self, name: str, kind: str) -> Answer:
        try:
            whole = dns.reversename.from_address(name) if kind == "PTR" else _name(name)
            async with self._at_once:
                found = await self._resolver.resolve(whole, kind, search=False, lifetime=self._seconds)
        except dns.resolver.NXDOMAIN as error:
            led_to = str(error.canonical_name).rstrip(".")
            return Answer(name, kind, Status.UNKNOWN_NAME, aliases=_unless(led_to, whole))
        except dns.resolver.NoAnswer as error:
            return Answer(name, kind, Status.EMPTY, aliases=_unless(_led_to(error), whole))
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError) as error:
            return Answer(name, kind, Status.FAILED, problem=_words(error))
        aliases = tuple(str(record.name).rstrip(".") for record in found.chaining_result.cnames)
        return Answer(name, kind, Status.FOUND, tuple(sorted(map(_text, found))), aliases=aliases)


def _led_to(error: dns.resolver.NoAnswer) -> str:
    message: QueryMessage = error.kwargs["response"]
    return str(message.canonical_name()).rstrip(".")


def _unless(led_to: str, asked: dns.name.Name) -> tuple[str, ...]:
    """Where CNAMEs led, if they led anywhere."""
    return (led_to,) if dns.name.from_text(f"{led_to}.") != asked else ()


def _name(name: str) -> dns.name.Name:
    return dns.name.from_text(name if name.endswith(".") else f"{name}.")


def _made(server: str, seconds: float) -> dns.asyncresolver.Resolver:
    try:
        made = dns.asyncresolver.Resolver(configure=not server)
    except dns.resolver.NoResolverConfiguration as error:
        raise ResolverUnusable("This machine names no name server. Name one with MEMO_RESOLVER.") from error
    if server:
        host, port = _place(server)
        made.nameservers, made.port = [host], port
    made.timeout = seconds / 2.5  # so that a lost packet costs a second try, not the answer
    made.use_edns(0, 0, 1232)
    return made


def _place(server: str) -> tuple[str, int]:
    host, port = server.strip(), "53"
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        port = (rest.removeprefix(":") or port) if bracket else ""
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
        number = int(port)
    except (OSError, ValueError) as error:
        raise ResolverUnusable from error
    if not 0 < number < 65536:
        raise ResolverUnusable
    return host, number


def _text(record: Rdata) -> str:
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    return str(record.to_text())


def _words(error: Exception) -> str:
    if isinstance(error, dns.resolver.NoNameservers):
        codes = [str(one[3]) for one in error.kwargs["errors"]]
        said = next((code for code in codes if code.isupper()), "")
        return f"the name server answered {said}" if said else "no name server gave a usable answer"
    if isinstance(error, dns.exception.Timeout):
        return "no name server answered in time"
    return " ".join(str(error).split()) or type(error).__name__
