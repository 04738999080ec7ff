"""Is this file a proof that we made, byte for byte? Read line by line; no database is asked.

All but the last line is hashed; the last line holds the hash, the key's name and the signature, in exactly one spelling.
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from typing import Any, BinaryIO

from service.errors import Invalid
from service.proofs import seal
from service.proofs.forms import BYTE_ORDER_MARK, CSV, FORMAT, JSON, Form
from service.proofs.seal import PublicKeys
from service.proofs.signature import ALGORITHM, Seal

LINE_OCTETS = 1_000_000  # a line of a proof is far shorter


class NotAProof(Invalid):
    """This is no proof of an edition as `memo proof` or the desk makes it."""


class Incomplete(Invalid):
    """This proof has no signature on its last line: it was cut off, or something was added behind it. Fetch it again."""


class KeyNotKnown(Invalid):
    """This proof is signed with a key that is not known here, or it was changed."""


class Altered(Invalid):
    """This proof is NOT genuine: something in it was changed after it was signed."""


@dataclass(frozen=True)
class Genuine:
    """What a genuine proof says of itself."""

    newsletter: str
    date: str
    subject: str
    state: str
    made_at: str
    audience: int
    accepted: int

    def __str__(self) -> str:
        return (
            f"Genuine: {self.newsletter}, {self.date}, “{self.subject}”: {self.state}. "
            f"The relay accepted {self.accepted:,} of {self.audience:,}, as of {self.made_at}."
        )


def check(file: BinaryIO, public_keys: PublicKeys) -> Genuine:
    """Raises NotAProof, Incomplete, KeyNotKnown, Altered."""
    first = _line(file)
    form = _form_of(first)
    digest, opening, last, is_opening = hashlib.sha256(), [first], first, form is CSV
    while line := _line(file):
        digest.update(last)
        last = line
        if is_opening:
            opening.append(line)
            is_opening = line.strip() != b""
    signature = _read_seal(form, last)
    if signature is None or form.sealed(signature) != last:
        raise Incomplete
    _check_seal(signature, digest.hexdigest(), public_keys)
    return _genuine(_values(form, opening))


def _line(file: BinaryIO) -> bytes:
    line = file.readline(LINE_OCTETS + 1)
    if len(line) > LINE_OCTETS:
        raise NotAProof
    return line


def _form_of(first: bytes) -> Form:
    starts = {
        JSON: f'{{"proof":{{"format":"{FORMAT}",'.encode(),
        CSV: f"{BYTE_ORDER_MARK}format,{FORMAT}\r\n".encode(),
    }
    for form, start in starts.items():
        if first.startswith(start):
            return form
    raise NotAProof


def _read_seal(form: Form, line: bytes) -> Seal | None:
    try:
        if form is JSON:
            values = json.loads(b"{" + line.strip())["signature"]
            return Seal(str(values["key"]), str(values["sha256"]), str(values["value"]))
        word, algorithm, key, sha256, value = line.decode("ascii").strip().split(",")
    except (ValueError, KeyError, TypeError):
        return None
    return Seal(key, sha256, value) if (word, algorithm) == ("signature", ALGORITHM) else None


def _check_seal(signature: Seal, sha256: str, public_keys: PublicKeys) -> None:
    public = public_keys.get(signature.key)
    if public is None:
        known = ", ".join(public_keys) or "none"
        raise KeyNotKnown(
            f"This proof names the key {signature.key[:40]}, which is not known here (known: {known}). Give the key of the service "
            "that made it with --key; it publishes it at /proof-keys."
        )
    if not seal.holds(signature, public):
        raise Altered("This proof is NOT genuine: its signature was not made with the key it names.")
    if signature.sha256 != sha256:
        raise Altered(
            "This proof is NOT genuine: something in it was changed after it was signed. "
            f"Its SHA-256 was {signature.sha256} and is now {sha256}."
        )


def _values(form: Form, opening: list[bytes]) -> dict[str, Any]:
    if form is JSON:
        values: dict[str, Any] = json.loads(opening[0].rstrip().rstrip(b",") + b"}")["proof"]
        return values
    table = csv.reader(line.decode("utf-8-sig") for line in opening)
    return {row[0]: row[1] for row in table if len(row) == 2}


def _genuine(values: dict[str, Any]) -> Genuine:
    flat = values if "newsletter name" in values else _flattened(values)
    return Genuine(
        newsletter=flat["newsletter name"],
        date=flat["edition date"],
        subject=flat["edition subject"],
        state=flat["edition state"],
        made_at=flat["made_at"],
        audience=int(flat["totals audience"]),
        accepted=int(flat["totals accepted"]),
    )


def _flattened(values: dict[str, Any]) -> dict[str, Any]:
    nested = {
        f"{outer} {inner}": value
        for outer in ("newsletter", "edition", "totals")
        for inner, value in values[outer].items()
    }
    return {**nested, "made_at": values["made_at"]}
