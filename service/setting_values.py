"""What a setting may say, beside its type: each check tells what to write instead. A value that cannot be used is found at the start."""

import ipaddress
import logging
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})\Z|\[[0-9A-Za-z:.]{2,60}\]\Z")
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def _level(value: str) -> str:
    level = value.strip().upper()
    if level not in logging.getLevelNamesMapping():
        raise ValueError("is one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return level


def _keys(value: str) -> str:
    if value and not value.strip(", \t\r\n"):
        raise ValueError("holds no key; leave it empty to have one made, or give keys divided by commas")
    return value


def _greeting(value: str) -> str:
    """RFC 5321 §4.1.1.1: a domain, or an address in brackets."""
    if value and not _NAME.match(value):
        raise ValueError("give a host name, or an address in brackets, for example mail.example.org")
    return value


def _certificates(value: Path | None) -> Path | None:
    if value is None:
        return None
    try:
        found = value.read_bytes()
    except OSError as error:
        raise ValueError(f"{value} cannot be read: {error.strerror}") from error
    if _CERTIFICATE not in found:
        raise ValueError(f"{value} holds no certificate in PEM form (a line {_CERTIFICATE.decode()})")
    return value


def _proxies(value: str) -> str:
    for part in value.replace(",", " ").split():
        try:
            if part != "*":
                ipaddress.ip_network(part)
        except ValueError:
            raise ValueError(
                f"{part!r} is no address and no network; give for example 127.0.0.1,10.0.0.0/8"
            ) from None
    return value


def _name_server(value: str) -> str:
    host, _, port = value.strip().rpartition(":")
    for text, number in ((value.strip(), "53"), (host, port)):
        try:
            ipaddress.ip_address(text.strip("[]"))
        except ValueError:
            continue
        if number.isascii() and number.isdigit() and 0 < int(number) <= 65535:
            return value
    if value.strip():
        raise ValueError("give the address of a name server, for example 192.0.2.53 or 192.0.2.53:5353")
    return value


Level = Annotated[str, AfterValidator(_level)]
SigningKeys = Annotated[str, AfterValidator(_keys)]
GreetingName = Annotated[str, AfterValidator(_greeting)]
Certificates = Annotated[Path | None, AfterValidator(_certificates)]
Proxies = Annotated[str, AfterValidator(_proxies)]
NameServer = Annotated[str, AfterValidator(_name_server)]
