"""Addresses and copies of messages inside reports. What stands here was written by strangers: it identifies nobody."""

import re

from service.bounces.findings import Original
from service.bounces.opened import Fields, Opened, header_of

MOST_OF_WORDS = 50_000
MOST_SEARCHED = 10_000
MOST_CHARACTERS = 254  # RFC 5321 section 4.5.3.1.3
ADDRESS = r"[^\s<>()\[\],;:\"'@|=]{1,64}@(?:[\w-]{1,63}\.){0,10}[\w-]{1,63}"
_ADDRESS = re.compile(ADDRESS)
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_COPY = re.compile(
    r"^[ \t>*=_-]*(?:"
    r"(?:below this line|this|here|below|enclosed|attached) is (?:a|the) (?:copy|header)\b.*"
    r"|(?:the )?(?:headers? of the )?(?:original|old|unsent|returned|undelivered)[ -](?:message|mail|text)"
    r"(?: (?:is |as )?(?:follow\w*|below|attached|headers?.*))?[ \t.:>*=_-]*"
    r"|(?:original )?message headers? follow.*"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
_BARE_COPY = re.compile(
    r"^(?:Received|Return-Path|DKIM-Signature|ARC-Seal|X-Received|Received-SPF) ?: ?\S",
    re.MULTILINE | re.IGNORECASE,
)


def first_in(text: str) -> str:
    """The first address, or ""."""
    found = _ADDRESS.search(text[:MOST_SEARCHED])
    return found[0].strip(".")[:MOST_CHARACTERS] if found else ""


def every_in(text: str) -> list[str]:
    return list(
        dict.fromkeys(found.strip(".")[:MOST_CHARACTERS] for found in _ADDRESS.findall(text[:MOST_SEARCHED]))
    )


def typed(value: str) -> str:
    """`rfc822; <reader@example.org>` (RFC 3464 section 2.3.1), `utf-8; r\\x{E4}der@…` (RFC 6533 section 3): the address alone.

    One without a domain is given as it is.
    """
    kind, semicolon, rest = value.partition(";")
    plain = (rest if semicolon else kind).strip()
    plain = _HEX.sub(lambda found: _character(found[1]), plain)
    return first_in(plain) or plain.strip("<>\"' ").split(" ")[0][:MOST_CHARACTERS]


def same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def parted(text: str) -> tuple[str, str]:
    """What a report says, and the copy of the message below it. What begins later than a report's words ever do is left out."""
    beginning = text[:MOST_OF_WORDS]
    marks = [found for found in (_COPY.search(beginning), _BARE_COPY.search(beginning)) if found]
    if not marks:
        return beginning, ""
    first = min(marks, key=lambda mark: mark.start())
    start = first.end() if first.re is _COPY else first.start()
    return text[: first.start()], text[start:].lstrip("\n")


def original_of(opened: Opened, envelope_id: str = "") -> Original:
    """What is shown of our message: of a part that is one, else of what stands below the words."""
    copies = [part.text for part in opened.parts if part.is_original]
    copies += [parted(part.text)[1] for part in opened.parts if not part.is_original]
    for copy in copies:
        fields = header_of(_flush(copy).encode("utf-8", "replace"))[0]
        if fields:
            return _shown(fields, envelope_id)
    return Original(envelope_id=envelope_id)


def _flush(copy: str) -> str:
    """A copy that was indented, without its margin."""
    lines = copy.strip("\n").split("\n")
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[margin:] for line in lines) if margin else copy.lstrip()


def _shown(fields: Fields, envelope_id: str) -> Original:
    return Original(
        message_id=fields.first("message-id").strip("<> ")[:500],
        return_path=first_in(fields.first("return-path", "x-envelope-from", "errors-to")),
        to=first_in(fields.first("to", "envelope-to", "delivered-to")),
        envelope_id=envelope_id,
        list_unsubscribe=fields.first("list-unsubscribe")[:2_000],
        feedback_id=fields.first("feedback-id", "x-feedback-id")[:500],
    )


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"
