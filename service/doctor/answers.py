"""What a name server said, so that "it is not there" and "I could not ask" stay apart. Nothing here asks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from service.errors import Invalid


class Unusable(Invalid):
    """This cannot be looked at."""


class Status(StrEnum):
    FOUND = "found"
    EMPTY = "no such record"  # the name is there, without a record of this kind
    UNKNOWN_NAME = "no such name"
    FAILED = "could not ask"


@dataclass(frozen=True)
class Answer:
    """`values`: one text for each record; the strings of a TXT record are joined without blanks (RFC 7208 §3.3), an MX is "10 host".

    `problem`: why it could not be asked. `aliases`: the names that CNAMEs led through.
    """

    name: str
    kind: str
    status: Status
    values: tuple[str, ...] = ()
    problem: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    @property
    def is_void(self) -> bool:
        """RFC 7208 §4.6.4."""
        return self.status in {Status.EMPTY, Status.UNKNOWN_NAME}

    @property
    def by_way_of(self) -> str:
        return f" (by way of {', '.join(self.aliases)})" if self.aliases else ""


Ask = Callable[[str, str], Awaitable[Answer]]


def bare(name: str) -> str:
    """A domain as it is compared: small letters, no dot at its end."""
    return name.strip().rstrip(".").lower()


def hosts(answer: Answer) -> list[str]:
    """The hosts of an MX answer, the preferred one first."""
    pairs = [value.split() for value in answer.values]
    return [bare(pair[1]) for pair in sorted(pairs, key=lambda pair: int(pair[0])) if len(pair) == 2]


def tags(text: str) -> dict[str, str] | None:
    """A tag list such as `v=DKIM1; p=…` (RFC 6376 §3.2), tags in small letters; None for what is none, or names a tag twice."""
    found: dict[str, str] = {}
    for part in text.strip().rstrip("; \t").split(";"):
        tag, equals, value = part.partition("=")
        tag = tag.strip().lower()
        if not equals or not tag.replace("_", "").isalnum() or tag in found:
            return None
        found[tag] = value.strip()
    return found
