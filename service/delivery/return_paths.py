"""Return paths: the sender of each message's envelope names its delivery, so that what comes back can be told apart (VERP). Pure.

    bounce-{40 hex digits}@{our bounce domain}      six octets: edition or notice, four: number in the edition (0: a notice), ten: tag

The tag is keyed BLAKE2b over the first ten octets, so nobody can make one up for another reader. Hexadecimal, because servers on the
way may change the case of letters (RFC 5321 section 2.4 lets nobody, and some do); 47 octets, where section 4.5.3.1.1 allows 64.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from service.tokens import Keys

LOCAL_PART_OCTETS = 47
_PREFIX = "bounce-"
_TAG_OCTETS = 10
_PERSON = b"memo-return-path"
_FORM = re.compile(rf"{_PREFIX}([0-9a-f]{{40}})\Z")


@dataclass(frozen=True)
class Named:
    """What a return path stands for: delivery `number` of an edition, or a notice where `number` is 0. Both by their key."""

    id: int
    number: int

    @property
    def is_notice(self) -> bool:
        return self.number == 0


@dataclass(frozen=True)
class ReturnPaths:
    """`domain`: ours, in lower case; its mail is brought back to us."""

    keys: Keys
    domain: str

    def of_delivery(self, edition_id: int, number: int) -> str:
        return self._signed(edition_id, number)

    def of_notice(self, notice_id: int) -> str:
        return self._signed(notice_id, 0)

    def is_ours(self, address: str) -> bool:
        """Whether it is at our bounce domain at all."""
        return address.rpartition("@")[2].rstrip(".").lower() == self.domain

    def read(self, address: str) -> Named | None:
        """What it names, in any case of letters; None for what we did not sign."""
        local, _, _ = address.rpartition("@")
        found = (
            _FORM.match(local.lower()) if self.is_ours(address) and len(local) == LOCAL_PART_OCTETS else None
        )
        if found is None:
            return None
        raw = bytes.fromhex(found[1])
        named, tag = raw[:-_TAG_OCTETS], raw[-_TAG_OCTETS:]
        matches = [hmac.compare_digest(tag, _tag(key, named)) for key in self.keys.values]
        return (
            Named(int.from_bytes(named[:6], "big"), int.from_bytes(named[6:], "big"))
            if any(matches)
            else None
        )

    def _signed(self, key_of_row: int, number: int) -> str:
        named = key_of_row.to_bytes(6, "big") + number.to_bytes(4, "big")
        return f"{_PREFIX}{named.hex()}{_tag(self.keys.values[0], named).hex()}@{self.domain}"


def has_form(address: str) -> bool:
    """Whether it looks like one of ours: then it was either damaged on the way or made up."""
    return address.lower().startswith(_PREFIX)


def _tag(key: bytes, named: bytes) -> bytes:
    return hashlib.blake2b(named, digest_size=_TAG_OCTETS, key=key, person=_PERSON).digest()
