"""A version rendered to bytes with holes: what every message of an edition shares, kept so that it never changes."""

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from service.errors import Invalid
from service.rendering import fitting, transfer
from service.rendering.fields import Hole

Encoding = Literal["quoted-printable", "base64"]
FORMAT = 1


class RenditionUnreadable(Invalid):
    """This stored rendition cannot be read: render the version again."""


@dataclass(frozen=True)
class Part:
    """One MIME part: quoted-printable runs are kept encoded, base64 runs as the octets they stand for."""

    subtype: Literal["plain", "html"]
    encoding: Encoding
    pieces: tuple[bytes | Hole, ...]
    # Whether a value has to be isolated from text that runs the other way (UAX #9).
    is_isolating: bool

    @cached_property
    def prepared(self) -> tuple[transfer.Phases | bytes | Hole, ...]:
        """The pieces as splice joins them: base64 runs encoded at their three phases."""
        if self.encoding == "quoted-printable":
            return self.pieces
        return tuple(transfer.phases(piece) if isinstance(piece, bytes) else piece for piece in self.pieces)

    @cached_property
    def laid_out(self) -> tuple[bytes, ...]:
        """The pieces, with nothing where a value will stand."""
        return tuple(b"" if isinstance(piece, Hole) else piece for piece in self.pieces)

    @cached_property
    def places(self) -> tuple[tuple[Hole, tuple[int, ...]], ...]:
        """Each kind of hole once, with its places among the pieces: a value is encoded once and set wherever it stands."""
        found: dict[Hole, list[int]] = {}
        for place, piece in enumerate(self.pieces):
            if isinstance(piece, Hole):
                found.setdefault(piece, []).append(place)
        return tuple((hole, tuple(places)) for hole, places in found.items())

    @cached_property
    def head(self) -> bytes:
        return (
            f"Content-Type: text/{self.subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {self.encoding}\r\n\r\n"
        ).encode("ascii")


def part(subtype: Literal["plain", "html"], pieces: tuple[str | Hole, ...], *, is_isolating: bool) -> Part:
    """Encode a text in whichever way makes it smaller; both are 7-bit clean, so that nobody has to touch a signed body."""
    octets = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
    quoted = tuple(_quoted(piece) if isinstance(piece, str) else piece for piece in pieces)
    if sum(len(piece) for piece in quoted if isinstance(piece, bytes)) <= transfer.base64_size(octets):
        return Part(subtype, "quoted-printable", quoted, is_isolating)
    runs = tuple(p.replace("\n", "\r\n").encode() if isinstance(p, str) else p for p in pieces)
    return Part(subtype, "base64", runs, is_isolating)


def _quoted(text: str) -> bytes:
    return transfer.quoted_run(text)


@dataclass(frozen=True)
class Rendition:
    boundary: str
    sender: bytes  # the From field
    subject: tuple[str | Hole, ...]
    fixed: bytes  # the fields that are the same for every reader, up to the blank line
    parts: tuple[Part, ...]
    direction: str
    html_octets: int  # decoded, as Gmail counts when it clips
    was_cut: bool

    def to_bytes(self) -> bytes:
        values = {
            "format": FORMAT,
            "boundary": self.boundary,
            "sender": self.sender.decode("utf-8"),
            "subject": [_stored(piece) for piece in self.subject],
            "fixed": self.fixed.decode("utf-8"),
            "parts": [
                [
                    p.subtype,
                    p.encoding,
                    p.is_isolating,
                    [_stored_run(p.encoding, piece) for piece in p.pieces],
                ]
                for p in self.parts
            ],
            "direction": self.direction,
            "html_octets": self.html_octets,
            "was_cut": self.was_cut,
        }
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Rendition":
        try:
            values = json.loads(stored)
            if values.pop("format") != FORMAT:
                raise RenditionUnreadable
            return cls(
                boundary=values["boundary"],
                sender=values["sender"].encode(),
                subject=tuple(_piece(piece) for piece in values["subject"]),
                fixed=values["fixed"].encode(),
                parts=tuple(_part(entry) for entry in values["parts"]),
                direction=values["direction"],
                html_octets=values["html_octets"],
                was_cut=values["was_cut"],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RenditionUnreadable from error

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def bare_subject(self) -> str | None:
        """The subject if it is the same for all."""
        return (
            None
            if any(isinstance(piece, Hole) for piece in self.subject)
            else "".join(map(str, self.subject))
        )

    @property
    def html_cap(self) -> int:
        """How many octets its HTML may have before texts are shortened."""
        is_quoted = self.parts[-1].encoding == "quoted-printable"
        return fitting.QUOTED_OCTETS if is_quoted else fitting.BASE64_OCTETS

    @cached_property
    def seams(self) -> tuple[bytes, ...]:
        """What stands before each part, and at the end."""
        delimiter = f"\r\n--{self.boundary}".encode("ascii")
        opened = [delimiter + b"\r\n" + p.head for p in self.parts]
        return (opened[0][2:], *opened[1:], delimiter + b"--\r\n")


def _stored(piece: str | Hole) -> object:
    return (
        piece
        if isinstance(piece, str)
        else {"field": piece.field, "default": piece.default, "place": piece.place}
    )


def _stored_run(encoding: Encoding, piece: bytes | Hole) -> object:
    if isinstance(piece, Hole):
        return _stored(piece)
    return piece.decode("ascii") if encoding == "quoted-printable" else b64encode(piece).decode("ascii")


def _piece(value: Any) -> str | Hole:
    return value if isinstance(value, str) else Hole(value["field"], value["default"], value["place"])


def _part(entry: Any) -> Part:
    subtype, encoding, is_isolating, stored = entry
    pieces: list[bytes | Hole] = []
    for value in stored:
        piece = _piece(value)
        if isinstance(piece, Hole):
            pieces.append(piece)
        else:
            pieces.append(piece.encode("ascii") if encoding == "quoted-printable" else b64decode(piece))
    return Part(subtype, encoding, tuple(pieces), is_isolating)
