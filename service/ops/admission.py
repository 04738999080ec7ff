"""Who may look into the built-in mailbox: it holds everybody's links, so this computer itself, or a person signed in to the desk.

`is_here` also decides who reads the metrics without a token.
"""

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from service.accounts import signin
from service.asking import Asked, Client
from service.dependencies import Resources
from service.errors import MemoError, NotFound

DESK_COOKIE = "memo_desk"  # the desk's session, which the desk alone gives and takes back
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class MailboxClosed(MemoError):
    """The mailbox opens on the computer that Morning Memo runs on, or for people who are signed in to the desk."""


class NoMailbox(NotFound):
    """There is no built-in mailbox here: a relay is set, and messages go to their readers."""


async def admitted(request: Request, asked: Asked, client: Client) -> None:
    if asked.settings.relay_url:
        raise NoMailbox
    if is_here(request, client):
        return
    if not await _is_signed_in(request, asked):
        raise MailboxClosed


async def _is_signed_in(request: Request, asked: Resources) -> bool:
    secret = request.cookies.get(DESK_COOKIE)
    if not secret:
        return False
    return await asked.database.read(signin.account_of, secret, now=asked.clock.now()) is not None


def is_here(request: Request, client: str) -> bool:
    """A browser of this computer that means this computer.

    The name it asked for must be this computer's too: else any site could have its own name answer with 127.0.0.1 and read
    along (DNS rebinding). A proxy on this computer makes the whole world look local, so what is forwarded is not.
    """
    is_forwarded = any(name in request.headers for name in FORWARDED)
    return _is_loopback(client) and not is_forwarded and _names_loopback(_name_asked_for(request))


def _name_asked_for(request: Request) -> str:
    """Read from the header itself: the framework puts the server's own address in the place of a malformed one."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _names_loopback(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
