"""A name server on loopback, over UDP and TCP: it answers from a few lines, and can be told to fail like real ones do."""

import asyncio
import struct
from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset
from dns.message import Message, QueryMessage
from dns.name import Name

CNAMES_MOST = 8
TRIES = 20
LENGTH = struct.Struct(">H")


class NameServer(asyncio.DatagramProtocol):
    """`asked`: each question that came, and by which way."""

    def __init__(self) -> None:
        self._records: dict[tuple[Name, str], list[str]] = defaultdict(list)
        self._silent: set[Name] = set()
        self._failing: dict[Name, str] = {}
        self._cut_off: set[Name] = set()
        self.asked: list[tuple[str, str, str]] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        for tries_left in reversed(range(TRIES)):
            try:
                await self._listen()
            except OSError:
                if not tries_left:
                    raise
            else:
                break
        return self

    async def _listen(self) -> None:
        """One number for both: what is free for TCP may be taken for UDP, then another one is tried."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        try:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self, local_addr=("127.0.0.1", self.port)
            )
        except OSError:
            server.close()
            raise
        self._server = server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transport is not None
        assert self._server is not None
        self._transport.close()
        self._server.close()

    @property
    def address(self) -> str:
        """As MEMO_RESOLVER takes it."""
        return f"127.0.0.1:{self.port}"

    def txt(self, name: str, *texts: str) -> Self:
        """One record for each text; one of more than 255 octets becomes several strings. What was there before is gone."""
        parts = [[text[at : at + 255] for at in range(0, len(text) or 1, 255)] for text in texts]
        strings = [
            " ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in each)
            for each in parts
        ]
        return self.put(name, "TXT", *strings)

    def put(self, name: str, kind: str, *values: str) -> Self:
        """As a zone file has them, for example `put("example.org", "MX", "10 mail.example.org.")`."""
        self._records[dns.name.from_text(name), kind] = list(values)
        return self

    def named(self, address: str, name: str) -> Self:
        """The reverse of an address."""
        return self.put(str(dns.reversename.from_address(address)), "PTR", name)

    def forget(self, name: str) -> Self:
        whole = dns.name.from_text(name)
        for key in [key for key in self._records if key[0] == whole]:
            del self._records[key]
        return self

    def silent(self, *names: str) -> Self:
        """Questions about these are never answered."""
        self._silent |= {dns.name.from_text(name) for name in names}
        return self

    def failing(self, name: str, code: str = "SERVFAIL") -> Self:
        self._failing[dns.name.from_text(name)] = code
        return self

    def cut_off(self, name: str) -> Self:
        """Over UDP the answer is said not to fit (TC), so it has to be asked for again over TCP."""
        self._cut_off.add(dns.name.from_text(name))
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data, "udp")
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer.to_wire(), addr)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            answer = self._answer(await reader.readexactly(length), "tcp")
            if answer is not None:
                wire = answer.to_wire(max_size=65535)
                writer.write(LENGTH.pack(len(wire)) + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, data: bytes, way: str) -> Message | None:
        query = dns.message.from_wire(data)
        assert isinstance(query, QueryMessage)
        question = query.question[0]
        name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        self.asked.append((str(name).rstrip("."), kind, way))
        if name in self._silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self._failing:
            answer.set_rcode(dns.rcode.from_text(self._failing[name]))
        elif way == "udp" and name in self._cut_off:
            answer.flags |= dns.flags.TC
        else:
            self._fill(answer, name, kind)
        return answer

    def _fill(self, answer: Message, name: Name, kind: str) -> None:
        for _ in range(CNAMES_MOST):
            if alias := self._records.get((name, "CNAME")):
                answer.answer.append(_rrset(name, "CNAME", alias))
                name = dns.name.from_text(alias[0])
                continue
            break
        if values := self._records.get((name, kind)):
            answer.answer.append(_rrset(name, kind, values))
        elif not any(known.is_subdomain(name) for (known, _), held in self._records.items() if held):
            answer.set_rcode(dns.rcode.NXDOMAIN)


def _rrset(name: Name, kind: str, values: Iterable[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, 300, "IN", kind, *values)
