"""What our two SMTP servers have in common: bound inside the application's loop, each connection known until it ends, all cut on stop."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import MutableSet

from aiosmtpd.smtp import SMTP


class Receiver(ABC):
    def __init__(self, connections: MutableSet[SMTP]) -> None:
        self._connections = connections
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The bound one; raises RuntimeError before it listens."""
        if self._server is None:
            raise RuntimeError("the SMTP server has not been started")
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """A message under way is cut, and its sender is left without an answer."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.close()
        await self._server.wait_closed()
        self._server = None

    async def _listen(self, host: str, port: int) -> None:
        """Raises OSError when the port cannot be had."""
        self._server = await asyncio.get_running_loop().create_server(self._connection, host, port)

    @abstractmethod
    def _connection(self) -> asyncio.Protocol: ...
