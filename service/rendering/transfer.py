"""Text in its transfer encoding, with room for values that come later (RFC 2045 §6.7, §6.8).

Quoted-printable: every run ends where a line may end, so a value stands between soft breaks. Base64 works in groups of three bytes:
each run is kept encoded for the three places in a group where it may begin, and only the bridge between runs is encoded per reader.
"""

import binascii
import re
from dataclasses import dataclass

LINE = 76
_SOFT_BREAK = b"=\r\n"
_ROOM = LINE - 1  # the "=" of a soft break takes the last place
# A blank behind a blank is spelled out: then "relaxed" (RFC 6376 §3.4.4) finds nothing to do in a body of ours, nor does a hop that tidies.
_UNSAFE = re.compile(rb"[^\x20-\x3c\x3e-\x7e]|(?<= ) ")
# A full line and no half of an escape ("=3D" is the only one here).
_FULL_LINES = re.compile(r".{1,75}(?<!=)(?<!=.)")
_DAMAGED_AT_START = (".", "From ")
_ESCAPED = {bytes([code]): b"=%02X" % code for code in range(256)}
_INSIDE_CHARACTER = (b"=8", b"=9", b"=A", b"=B")  # a UTF-8 continuation byte (RFC 3629 §3)


def quoted(text: str) -> bytes:
    """Encode a run that begins at the start of a line; line ends in the text become CRLF.

    Ends without a line end unless the text has one. The longest line is 75, so that a soft break fits behind it.
    """
    lines = text.encode().split(b"\n")
    return b"\r\n".join(
        _quoted_line(line, at_end=number == len(lines) - 1) for number, line in enumerate(lines)
    )


def quoted_run(text: str) -> bytes:
    """A run that something follows: closed by a soft break, so that the next run begins a line. Nothing stays nothing."""
    if text.isascii() and text.isprintable():
        return visible_run(text)
    return _closed(text)


def visible_run(text: str) -> bytes:
    """The same for a text that is known to hold blanks and visible ASCII alone, as most names do and every link."""
    encoded = text.replace("=", "=3D")
    if len(encoded) <= _ROOM:
        run = encoded
    elif len(encoded) == len(text):  # no escape that could be cut
        run = "=\r\n".join([text[start : start + _ROOM] for start in range(0, len(text), _ROOM)])
    else:
        run = "=\r\n".join(_FULL_LINES.findall(encoded))
    if not text or "  " in text or run.startswith(_DAMAGED_AT_START) or "\n." in run or "\nFrom " in run:
        return _closed(text)
    return (run + "=\r\n").encode("ascii")


def _closed(text: str) -> bytes:
    encoded = quoted(text)
    return encoded if not encoded or encoded.endswith(b"\r\n") else encoded + _SOFT_BREAK


def _quoted_line(line: bytes, *, at_end: bool) -> bytes:
    encoded = _UNSAFE.sub(lambda found: _ESCAPED[found.group()], line)
    if encoded.endswith(b" ") and not at_end:
        encoded = encoded[:-1] + b"=20"
    pieces: list[bytes] = []
    while True:
        # Gateways are known to damage these two at the start of a line (RFC 2049 §3).
        if encoded.startswith(b"."):
            encoded = b"=2E" + encoded[1:]
        elif encoded.startswith(b"From "):
            encoded = b"=46" + encoded[1:]
        if len(encoded) <= _ROOM:
            break
        end = _break_before(encoded)
        pieces.append(encoded[:end])
        encoded = encoded[end:]
    return _SOFT_BREAK.join([*pieces, encoded])


def _break_before(encoded: bytes) -> int:
    end = _ROOM
    if encoded[end - 1 : end] == b"=":
        end -= 1
    elif encoded[end - 2 : end - 1] == b"=":
        end -= 2
    while encoded.startswith(_INSIDE_CHARACTER, end):
        end -= 3
    return end


@dataclass(frozen=True)
class Phases:
    """A run of bytes, encoded for each number of its first bytes (0, 1, 2) that the bridge before it takes along."""

    first: bytes  # at most two bytes, of which a bridge takes what it needs
    encoded: tuple[bytes, bytes, bytes]
    rest: tuple[bytes, bytes, bytes]


def phases(run: bytes) -> Phases:
    encoded: list[bytes] = []
    rest: list[bytes] = []
    for taken in range(3):
        whole = max(0, (len(run) - taken) // 3 * 3)
        encoded.append(base64_lines(run[taken : taken + whole]))
        rest.append(run[taken + whole :])
    return Phases(run[:2], (encoded[0], encoded[1], encoded[2]), (rest[0], rest[1], rest[2]))


def base64_joined(pieces: tuple[Phases | bytes, ...]) -> list[bytes]:
    """Encode runs and values as if they had been one run of bytes; lines may be shorter where they meet."""
    out: list[bytes] = []
    bridge = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            bridge += piece
            continue
        taken = -len(bridge) % 3
        if len(piece.first) < taken:
            bridge += piece.first
            continue
        bridge += piece.first[:taken]
        if bridge:
            out.append(base64_lines(bridge))
        out.append(piece.encoded[taken])
        bridge = piece.rest[taken]
    if bridge:
        out.append(base64_lines(bridge))
    return out


def base64_lines(data: bytes) -> bytes:
    encoded = binascii.b2a_base64(data, newline=False)
    if len(encoded) <= LINE:
        return encoded + b"\r\n" if encoded else b""
    return b"".join(encoded[start : start + LINE] + b"\r\n" for start in range(0, len(encoded), LINE))


def base64_size(octets: int) -> int:
    return (octets + 2) // 3 * 4 * (LINE + 2) // LINE
