"""RFC 3464: groups of fields, one for each recipient, wherever in a report they stand."""

import re
from itertools import groupby, islice

from service.bounces import addressing
from service.bounces.opened import Fields, Opened
from service.bounces.sayings import Saying

_PER_RECIPIENT = (
    "final-recipient",
    "original-recipient",
    "x-actual-recipient",
    "action",
    "status",
    "diagnostic-code",
)
_KNOWN = re.compile(
    r"(final-recipient|original-recipient|action|status|diagnostic-code|remote-mta|last-attempt-date|final-log-id"
    r"|will-retry-until|reporting-mta|dsn-gateway|received-from-mta|arrival-date|original-envelope-id|failure-reason"
    r"|x-[a-z0-9-]+)[ \t]*:[ \t]*(.*)",
    re.IGNORECASE,
)
_STARTS = ("final-recipient", "original-recipient")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
MOST_RECIPIENTS = 200


def sayings_of(opened: Opened) -> list[Saying]:
    """One for each recipient named; empty for what is no delivery status."""
    found: list[Saying] = []
    for part in opened.parts:
        if part.is_original or len(found) >= MOST_RECIPIENTS:
            continue
        text = addressing.parted(part.text)[0] if part.kind.startswith("text/") else part.text
        if part.kind.endswith("delivery-status") or re.search(
            r"(?mi)^[ \t]*(final|original)-recipient[ \t]*:", text
        ):
            said = (saying for group in _groups(text) if (saying := _saying(group)))
            found += islice(said, MOST_RECIPIENTS)
    return found[:MOST_RECIPIENTS]


def envelope_id_of(opened: Opened) -> str:
    """Original-Envelope-Id, RFC 3464 section 2.2.1."""
    for part in opened.parts:
        if part.kind.endswith("delivery-status"):
            for fields in _groups(part.text):
                if value := fields.first("original-envelope-id"):
                    return value[:200]
    return ""


def _groups(text: str) -> list[Fields]:
    """An empty line ends a group; so does a recipient that comes twice. A group that lacks its recipient belongs to the one above."""
    groups: list[list[tuple[str, str]]] = []
    for is_empty, lines in groupby(text.split("\n"), key=lambda line: not line.strip()):
        if is_empty:
            continue
        fields = _fields(list(lines))
        names = {name for name, _ in fields}
        above = {name for name, _ in groups[-1]} if groups else set()
        is_rest = names & set(_PER_RECIPIENT) and not names & set(_STARTS) and above & set(_STARTS)
        if groups and is_rest and not names & above & {"action", "status"}:
            groups[-1] += fields
        else:
            groups += _at_each_recipient(fields)
    return [Fields(group) for group in groups]


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in lines:
        if match := _KNOWN.match(line.strip()):
            found.append((match[1].lower(), match[2].strip()))
        elif found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {line.strip()}"[:4_000])
    return found


def _at_each_recipient(fields: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    groups: list[list[tuple[str, str]]] = [[]]
    for name, value in fields:
        if name in _STARTS and name in {known for known, _ in groups[-1]}:
            groups.append([])
        groups[-1].append((name, value))
    return [group for group in groups if group]


def _saying(fields: Fields) -> Saying | None:
    """The address we sent to, if the report still knows it: a final recipient may be where that one forwards to."""
    recipient = fields.first("original-recipient") or fields.first("final-recipient")
    named = addressing.typed(recipient)
    if "@" not in named:
        named = addressing.typed(fields.first("final-recipient", "x-actual-recipient")) or named
    if not named and not fields.first("action"):
        return None
    kind, semicolon, rest = fields.first("diagnostic-code").partition(";")
    text = rest.strip() if semicolon and " " not in kind.strip() else fields.first("diagnostic-code")
    status = _STATUS.search(fields.first("status"))
    action = re.match(r"[a-z]+", fields.first("action").lower())
    return Saying(
        named or None,
        text or fields.first("failure-reason"),
        status[0] if status else "",
        action[0] if action else "",
    )
