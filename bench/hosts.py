"""Other hosts on one computer: network namespaces with addresses of their own, each behind a cable (veth pair). As root."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

NETWORK = "10.77.0.0/16"
OURS = "10.77.1.1"  # where what they all ask listens: the database and the relay


class NotRoot(Exception):
    """Network namespaces need root and `ip` (Debian: iproute2)."""


@dataclass(frozen=True)
class Host:
    name: str
    address: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The same program there; it is exec'd, so that its process is the one that is started."""
        return ["ip", "netns", "exec", self.name, *arguments]


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """Gone again afterwards, cables included."""
    if os.geteuid() != 0:
        raise NotRoot
    with ExitStack() as stack:
        yield [stack.enter_context(_host(number)) for number in range(1, count + 1)]


@contextmanager
def _host(number: int) -> Iterator[Host]:
    name, cable = f"memo-{os.getpid()}-{number}", f"mm{os.getpid()}n{number}"
    gateway, address = f"10.77.{number}.1", f"10.77.{number}.2"
    host = Host(name, address)
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", f"{gateway}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        for words in (
            ("addr", "add", f"{address}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", gateway),
        ):
            _ip("-n", name, *words)
        yield host
    finally:
        _ip("netns", "delete", name)  # the cable goes with its end


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotRoot from error
    except subprocess.CalledProcessError as error:
        raise NotRoot(f"ip {' '.join(words)}: {error.stderr.strip()}") from error
