"""What an operator says about a relay, checked: every text that is refused says what to write instead."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from service import wording
from service.delivery import profiles
from service.delivery.models import Relay
from service.delivery.transport import Tls
from service.errors import Invalid

PORT_OF = {"implicit": 465}
PORT_USUAL = 587
CONNECTIONS_MOST = 200
PASSWORD_MOST = 1_000
RATE_MOST = (
    100_000  # messages a second; said here, for relay_pace and provider_limits would wait for each other
)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?\Z")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z|[0-9A-Fa-f:.]{2,45}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RelayInvalid(Invalid):
    """These details of the relay cannot be used."""


def _name(value: str) -> str:
    if not _NAME.match(value):
        raise ValueError("takes small letters a to z, digits and hyphens, 60 at most, for example amazon-ses")
    return value


def _host(value: str) -> str:
    host = value.strip().strip("[]").rstrip(".")
    if not _HOST.match(host) or (":" in host and not _is_ipv6(host)):
        raise ValueError(
            "takes a host name or an address, without smtp:// before it and without a port behind it"
        )
    return host.lower()


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _user(value: str | None) -> str | None:
    if not value:
        return None
    if _CONTROL.search(value):
        raise ValueError("holds a line break or a control character; take it out")
    return value


def _profile(value: str) -> str:
    if value and value not in profiles.BY_KEY:
        raise ValueError(f"is one of {', '.join(profiles.BY_KEY)}; empty: told by the host")
    return value


class RelayDetails(BaseModel):
    """`profile` empty: told by the host. `port` empty: the usual one. `connections` empty: what the setting says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)]
    host: Annotated[str, AfterValidator(_host)]
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: Tls = "required"
    user: Annotated[str | None, Field(max_length=250), AfterValidator(_user)] = None
    profile: Annotated[str, AfterValidator(_profile)] = ""
    connections: int | None = Field(default=None, ge=1, le=CONNECTIONS_MOST)

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if self.tls == "none" and self.user:
            raise ValueError(
                "A password is never sent without TLS: choose another TLS, or leave the user empty."
            )
        return self

    @property
    def shown_port(self) -> int:
        return self.port or PORT_OF.get(self.tls, PORT_USUAL)

    @property
    def shown_profile(self) -> str:
        return self.profile or profiles.guessed(self.host).key


def read(values: Mapping[str, Any]) -> RelayDetails:
    """Details from a form, a command or a stored row; raises RelayInvalid with the field and what to write there."""
    try:
        return RelayDetails.model_validate({key: value for key, value in values.items() if value != ""})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else None
        said = "is needed" if first["type"] == "missing" else wording.phrase(first)
        raise RelayInvalid(f"{field} {said}" if field else said, field=field) from error


def of(relay: Relay) -> RelayDetails:
    """The present details, for a form or for a change of some of them."""
    names = set(RelayDetails.model_fields)
    return RelayDetails.model_validate({name: getattr(relay, name) for name in names})


def checked_password(password: str) -> str:
    """Raises RelayInvalid for what AUTH PLAIN cannot carry (RFC 4616 section 2)."""
    if "\0" in password or len(password) > PASSWORD_MOST:
        raise RelayInvalid(
            f"A password has at most {PASSWORD_MOST} characters, and no NUL.", field="password"
        )
    return password
