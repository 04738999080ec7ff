"""What a relay has not read yet of all that we have written to it."""

import socket
import struct
from asyncio import Transport
from dataclasses import dataclass

# struct tcp_info of Linux: tcpi_bytes_acked (4.1 and newer) and tcpi_notsent_bytes (4.6 and newer).
_ACKNOWLEDGED = struct.Struct("@Q"), 120
_NOT_SENT = struct.Struct("@I"), 144
_OCTETS = 148


@dataclass(frozen=True)
class Unread:
    """Octets that are still here, and something that grows as the relay reads."""

    octets: int
    mark: tuple[int, int]


def of(transport: Transport) -> Unread:
    """The transport's own buffer, and that of the kernel, where it tells us. Behind TLS the transport's hides what it has
    encrypted already; so does the kernel's for a relay that takes a few octets a second, but it counts what was acknowledged.
    """
    buffered = transport.get_write_buffer_size()
    acknowledged, not_sent = _kernels(transport)
    return Unread(buffered + not_sent, (acknowledged, -buffered))


def _kernels(transport: Transport) -> tuple[int, int]:
    connection, option = transport.get_extra_info("socket"), getattr(socket, "TCP_INFO", None)
    if connection is None or option is None:
        return 0, 0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, option, _OCTETS)
    except OSError:
        return 0, 0
    if len(info) < _OCTETS:
        return 0, 0
    (acknowledged,), (not_sent,) = (
        form.unpack_from(info, place) for form, place in (_ACKNOWLEDGED, _NOT_SENT)
    )
    return acknowledged, not_sent
