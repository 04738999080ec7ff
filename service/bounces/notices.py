"""Bounces in words alone: whom they name, and what they say of each. By their forms, not by whose programs wrote them.

qmail and its kin put an address and a colon, Exim and Google an address on a line of its own, others an address and what
happened to it, Sendmail a transcript of the dialogue with its sum below.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from service.bounces import addressing
from service.bounces.addressing import ADDRESS
from service.bounces.opened import Opened
from service.bounces.sayings import Saying

MOST_OF_ALL = 12_000
MOST_LINES = 400
MOST_OF_A_LINE = 1_000
MOST_CHARACTERS = 4_000
_FORMS = (
    # <reader@example.org>: what happened          "reader@example.org":          reader@example.org: what happened
    re.compile(rf"^[ \t]*[<\"'(]?({ADDRESS})[>\"')]?(?: \([^()]{{0,100}}\))? ?:(?!\S)[ \t]*(.*)$"),
    # an address on a line of its own, with a bullet or an arrow, and perhaps its name before it
    re.compile(
        rf"^[ \t]*(?:[*>•-]+[ \t]+(?:[^<>\n]{{0,100}} (?=<))?)?[<\"']?({ADDRESS})[>\"']?[ \t]*[,;]?()$"
    ),
    # * [reader@example.org]: what happened    Recipient: [SMTP:reader@example.org]
    re.compile(rf"^[ \t]*(?:\*|recipient:)[ \t]*\[(?:SMTP:)?({ADDRESS})\]:?[ \t]*(.*)$", re.IGNORECASE),
    # <reader@example.org> ... unknown user
    re.compile(rf"^[ \t]*<?({ADDRESS})>? ?\.\.\.[ \t]*(.*)$"),
    # reader@example.org [User unknown]    reader@example.org on Thu, 29 Apr …    reader@example.org Invalid address, ERROR_CODE
    re.compile(
        rf"^[ \t]*[<\"']?({ADDRESS})[>\"']?[ \t]+((?:[\[(]|on (?:[A-Z][a-z]{{2}},|\d)|(?:invalid|error|failed|unknown|rejected"
        rf"|is not)\b).*)$",
        re.IGNORECASE,
    ),
)
# an undisclosed address, and below it: (generated from reader@example.org)
_GENERATED = re.compile(rf"^[ \t]*\((?:ultimately )?generated from ({ADDRESS})\)[ \t]*$")
# 550 <reader@example.org>... User unknown
_SUM = re.compile(rf"^\s*[45]\d\d[ -](?:\d\.\d+\.\d+ )?<?({ADDRESS})>?\.\.\.(.*)$")
_LABELLED = re.compile(
    r"(?:(?:intended )?recipients?|rcpt to|address(?:ed to)?|local mailbox|userid|undeliverable to"
    r"|unknown user|user unknown|your (?:message|mail|e-?mail) to"
    r"|(?:be )?deliver(?:ed|y|ing)?(?: (?:your|the|this|a))?(?: (?:message|mail|e-?mail))?[ \t]*(?:to|for))[ \t]*:?[ \t]*"
    r"(?:the following (?:address|recipient)[^\n]{0,30}\n\s*)?"
    rf"[<\"'\[]{{0,2}}(?:SMTP:)?({ADDRESS})",
    re.IGNORECASE,
)
_NOT_THEIRS = re.compile(r"^\s*(?:to|from|cc|reply-to|sender|mail from|by|for|contact)\s*:", re.IGNORECASE)
_ABOUT_ANOTHER = re.compile(
    r"(?:sent (?:by|from|to)|from|contact|send (?:mail|e-?mail) to|write to|assistance)\W*$", re.IGNORECASE
)
_COMMAND = re.compile(r"^\s*(?:>>> ?)?(?:RCPT|MAIL|DATA|HELO|EHLO|QUIT|RSET)\b|^\s*<<<", re.IGNORECASE)
_DELAYED = re.compile(
    r"warning message only|not yet been delivered|delivery attempts will continue|still being retried"
    r"|will (?:be retried|keep trying|retry)"
    r"|(?:has been|is|was) (?:delayed|postponed)|could not be delivered (?:yet|within the last)|no action is required on your part",
    re.IGNORECASE,
)


class _Entry(NamedTuple):
    recipient: str
    line: int
    rest: str
    is_sum: bool  # what is said of it stands above


def words_of(opened: Opened) -> str:
    """What it says for people: text before the copy of the message, HTML only where there is no plain text."""
    texts = [part for part in opened.parts if part.kind.startswith("text/") and not part.is_original]
    plain = [part for part in texts if part.kind != "text/html"] or texts
    said = [addressing.parted(part.text)[0] for part in plain]
    return "\n".join(words for words in said if words.strip())[:MOST_OF_ALL]


def is_delay(words: str) -> bool:
    """A warning that says it will go on trying."""
    return bool(_DELAYED.search(words[:3_000]))


def sayings_of(opened: Opened, words: str) -> list[Saying]:
    """One for each recipient the words name, or the header X-Failed-Recipients; empty where nobody is named."""
    ours = {address.casefold() for address in addressing.every_in(opened.fields.first("from"))}
    found = [saying for saying in _said_of_each(words) if (saying.recipient or "").casefold() not in ours]
    if not found:
        named = addressing.every_in(
            " ".join(opened.fields.every("x-failed-recipients"))
        ) or _LABELLED.findall(words)
        others = [address for address in dict.fromkeys(named) if address.casefold() not in ours]
        found = [Saying(address, words[:MOST_CHARACTERS]) for address in others]
    action = "delayed" if is_delay(words) else ""
    around = words if len(found) == 1 else _preface(words)
    return [saying._replace(action=action, around=around) for saying in found]


def _preface(words: str) -> str:
    """What is said before the first of several is named: of all of them."""
    lines = words.split("\n")[:MOST_LINES]
    first = next(_entries(lines), None)
    return "\n".join(lines[: first.line]) if first else ""


def by_recipient(words: str) -> dict[str, str]:
    """What the words say of each whom they tell apart; addresses in small letters."""
    return {(one.recipient or "").casefold(): one.text for one in _said_of_each(words)}


def _said_of_each(words: str) -> list[Saying]:
    """Each with the lines up to the next; what is said twice of one is put together."""
    lines = words.split("\n")[:MOST_LINES]
    entries = list(_entries(lines))
    said: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    above = 0
    for number, entry in enumerate(entries):
        key = entry.recipient.casefold()
        spelled.setdefault(key, entry.recipient)
        until = entries[number + 1].line if number + 1 < len(entries) else len(lines)
        if entry.is_sum:
            text = "\n".join([lines[entry.line].strip(), *_last_exchange(lines[above : entry.line])])
        else:
            text = "\n".join([entry.rest, *lines[entry.line + 1 : until]])
        above = entry.line + 1
        said.setdefault(key, []).append(text.strip())
    return [Saying(spelled[key], "\n".join(texts)[:MOST_CHARACTERS]) for key, texts in said.items()]


def _last_exchange(lines: list[str]) -> list[str]:
    """The last command and its reply."""
    commands = [number for number, line in enumerate(lines) if line.lstrip().startswith(">>>")]
    return lines[commands[-1] :] if commands else []


def _entries(lines: list[str]) -> Iterator[_Entry]:
    before = ""
    for number, line in enumerate(lines):
        if len(line) > MOST_OF_A_LINE:
            continue
        undisclosed = None if "@" in before else _GENERATED.match(line)
        is_another = _NOT_THEIRS.match(line) or _COMMAND.match(line) or _ABOUT_ANOTHER.search(before)
        before = line if line.strip() else before
        if is_another:
            continue
        if undisclosed:
            yield _Entry(undisclosed[1].strip("."), number, "", is_sum=False)
        elif found := next((match for form in _FORMS if (match := form.match(line))), None):
            yield _Entry(found[1].strip("."), number, found[2], is_sum=False)
        elif found := _SUM.match(line):
            yield _Entry(found[1].strip("."), number, found[2], is_sum=True)
