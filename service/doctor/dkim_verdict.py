"""Whether the DKIM records in the DNS are those of our keys (RFC 6376 §3.6.1). Pure."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.delivery.dkim_keys import KEPT_AFTER_RETIRING
from service.delivery.models import DkimKeyState
from service.doctor.answers import Answer, tags
from service.doctor.findings import Finding, Group, Remedy, Severity
from service.doctor.sending_facts import Sending

WHY = (
    "Readers' servers check our signature with this record; without it every message counts as badly signed."
)
OCTETS_OF_2048_BITS = 294  # of a SubjectPublicKeyInfo with the exponent 65537; 162 with 1024 bits
RECORD = "v=DKIM1; k=rsa; p={public}"


@dataclass(frozen=True)
class PublicKey:
    """A key of ours as it has to be in the DNS."""

    domain: str
    selector: str
    public: str
    state: DkimKeyState
    retired_at: datetime | None = None

    @property
    def place(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def remedy(self) -> Remedy:
        return Remedy(RECORD.format(public=self.public), name=self.place, kind="TXT")


def judged(
    domain: str, keys: Sequence[tuple[PublicKey, Answer]], sending: Sending, now: datetime
) -> list[Finding]:
    """About one domain that newsletters come from, and all its keys."""
    found = [one for key, answer in keys for one in _key(key, answer, sending, now)]
    if not any(key.state is DkimKeyState.ACTIVE for key, _ in keys):
        found.append(_no_key(domain, [key for key, _ in keys], sending))
    return found


def _no_key(domain: str, keys: Sequence[PublicKey], sending: Sending) -> Finding:
    if not sending.we_sign:
        return Finding(
            "dkim.relay_signs", Group.DOMAIN, Severity.NOTE, domain,
            f"We have no key for this domain: {sending.labels} signs.",
            "Its signature has to name this domain (d=), or DMARC does not count it.",
            f"Verify the domain at {sending.labels}, and publish the records it shows there.",
        )  # fmt: skip
    ready = next((key for key in keys if key.state is DkimKeyState.READY), None)
    command = f"memo dkim activate {domain} {ready.selector}" if ready else f"memo dkim create {domain}"
    return Finding(
        "dkim.no_key", Group.DOMAIN, Severity.FAIL if sending.relays else Severity.WARN, domain,
        "Messages leave unsigned: no key is active for this domain.",
        "Google, Yahoo and Microsoft want bulk mail signed by its own domain.",
        "Activate it once its record is published." if ready else "Make a key, publish its record, then activate it.",
        (Remedy(command),),
    )  # fmt: skip


def _key(key: PublicKey, answer: Answer, sending: Sending, now: datetime) -> list[Finding]:
    if key.state is DkimKeyState.RETIRED:
        return _retired(key, answer, now)
    trouble = _trouble(key, answer)
    if key.state is DkimKeyState.READY:
        return [_ready(key, trouble)]
    if trouble is not None:
        return [trouble]
    found = f"The record of {key.selector} is that of our key{answer.by_way_of}."
    kept = [] if sending.we_sign else [
        Finding(
            "dkim.rewritten", Group.DOMAIN, Severity.NOTE, key.domain,
            f"{sending.labels} changes messages, so ours leave unsigned and it signs by itself.",
            "Its signature has to name this domain (d=), or DMARC does not count it.",
            f"Verify the domain at {sending.labels}, and publish the records it shows there.",
        )
    ]  # fmt: skip
    return [
        Finding("dkim.ok", Group.DOMAIN, Severity.OK, key.domain, found, WHY),
        *_small_things(key, answer),
        *kept,
    ]


def _ready(key: PublicKey, trouble: Finding | None) -> Finding:
    if trouble is None:
        return Finding(
            "dkim.can_be_activated", Group.DOMAIN, Severity.NOTE, key.domain,
            f"{key.selector} waits, and its record is there: it can sign.", "", "Activate it when you like.",
            (Remedy(f"memo dkim activate {key.domain} {key.selector}"),),
        )  # fmt: skip
    return Finding(
        "dkim.waits_for_record", Group.DOMAIN, Severity.NOTE, key.domain,
        f"{key.selector} waits. {trouble.found}", "It signs nothing until it is activated, and that has to wait for the record.",
        "Publish this record.", (key.remedy,),
    )  # fmt: skip


def _retired(key: PublicKey, answer: Answer, now: datetime) -> list[Finding]:
    is_needed = key.retired_at is not None and now < key.retired_at + KEPT_AFTER_RETIRING
    if not is_needed or key.retired_at is None or not answer.is_void:
        return []
    until = key.retired_at + KEPT_AFTER_RETIRING
    return [
        Finding(
            "dkim.gone_too_early", Group.DOMAIN, Severity.WARN, key.domain,
            f"{key.selector} is retired, and its record is gone already.",
            "Messages signed with it are still being read; for their readers' servers they are badly signed now.",
            f"Publish it again until {until:%d %B %Y}.", (key.remedy,),
        )
    ]  # fmt: skip


def _trouble(key: PublicKey, answer: Answer) -> Finding | None:
    """What keeps a verifier from using the record."""
    where = f"{key.selector}._domainkey"
    if answer.failed:
        return Finding(
            "dkim.could_not_ask", Group.DOMAIN, Severity.WARN, key.domain,
            f"The record of {key.selector} could not be asked for: {answer.problem}.",
            "This says nothing about the record. Look again later, or name another name server in MEMO_RESOLVER.",
        )  # fmt: skip
    if answer.is_void:
        gone = f"{answer.status.value}{answer.by_way_of}"
        return _bad(
            "dkim.missing", key, f"There is no record for {key.selector}: {where} is {gone}.", "Publish it."
        )
    if len(answer.values) > 1:
        found = f"{where} has {len(answer.values)} TXT records; verifiers may take any of them, or none."
        return _bad("dkim.several", key, found, "Delete all but this one.")
    return _unlike(key, answer.values[0])


def _unlike(key: PublicKey, text: str) -> Finding | None:
    read = tags(text)
    if read is None or read.get("v", "DKIM1") != "DKIM1" or "p" not in read:
        found = f"The record of {key.selector} is no DKIM record: “{text[:60]}”."
        return _bad("dkim.syntax", key, found, "Publish this one in its place, whole and without additions.")
    if not read["p"]:
        found = f"The record of {key.selector} revokes the key: its p= is empty."
        return _bad("dkim.revoked", key, found, "Publish this one in its place, or activate another key.")
    if wrong := _wrong_use(read):
        return _bad(
            "dkim.unusable", key, f"The record of {key.selector} {wrong}.", "Publish this one in its place."
        )
    return _another(key, read["p"])


def _wrong_use(read: dict[str, str]) -> str | None:
    if read.get("k", "rsa").lower() != "rsa":
        return f"is for another kind of key (k={read['k']})"
    hashes = read.get("h", "sha256").lower().replace(" ", "").split(":")
    if "sha256" not in hashes:
        return f"does not allow sha256 (h={read['h']})"
    services = read.get("s", "*").lower().replace(" ", "").split(":")
    if not {"*", "email"} & set(services):
        return f"is not for mail (s={read['s']})"
    return None


def _another(key: PublicKey, published: str) -> Finding | None:
    theirs, ours = _octets(published), _octets(key.public)
    if theirs is None:
        found = f"The p= of {key.selector} is no base64: a part of it got lost or changed, often where it was split into strings."
        return _bad("dkim.damaged", key, found, "Publish it again, whole.")
    if theirs == ours or (ours or b"").endswith(
        theirs
    ):  # with or without the wrapping (RFC 6376 erratum 3017)
        return None
    if ours is not None and ours.startswith(theirs):
        found = f"The record of {key.selector} is cut off: {len(theirs)} of {len(ours)} octets of the key are there."
        return _bad(
            "dkim.cut_off",
            key,
            found,
            "Publish it whole; a text over 255 characters is split into several strings.",
        )
    if len(theirs) < OCTETS_OF_2048_BITS - 4:
        found = (
            f"The record of {key.selector} holds another key, and a weak one: it has fewer than 2048 bits."
        )
        return _bad("dkim.weak", key, found, "Publish the record of our key in its place.")
    found = f"The record of {key.selector} holds another key than the one that signs here."
    return _bad(
        "dkim.different",
        key,
        found,
        "Publish the record of our key in its place, or import the key it belongs to.",
    )


def _small_things(key: PublicKey, answer: Answer) -> list[Finding]:
    read = tags(answer.values[0]) or {}
    if "y" not in read.get("t", "").replace(" ", "").split(":"):
        return []
    return [
        Finding(
            "dkim.testing", Group.DOMAIN, Severity.WARN, key.domain,
            f"The record of {key.selector} says that it is being tested (t=y).",
            "Verifiers then treat signed messages as if they were unsigned.", "Publish it without t=y.", (key.remedy,),
        )
    ]  # fmt: skip


def _bad(code: str, key: PublicKey, found: str, advice: str) -> Finding:
    return Finding(code, Group.DOMAIN, Severity.FAIL, key.domain, found, WHY, advice, (key.remedy,))


def _octets(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
