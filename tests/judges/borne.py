"""What judges of pages say of ours, and why it stays all the same. Whatever is not here fails, and so does a row that nobody needs."""

import re
from collections.abc import Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    tool: str
    page: str
    said: str


class Borne(NamedTuple):
    """`said`: a regular expression for the whole of it."""

    tool: str
    said: str
    reason: str


_LAYOUT = "Word, and whatever drops styles, lays tables out by these attributes alone"
BORNE = (
    Borne(
        "html-validate",
        r'no-deprecated-attr: Attribute "(width|align|valign|cellpadding|cellspacing)" is deprecated on <(table|td)> element',
        _LAYOUT,
    ),
    Borne(
        "vnu",
        r"The “(width|align|valign|cellpadding|cellspacing|border)” attribute on the “(table|td)” element is obsolete\..*",
        _LAYOUT,
    ),
    Borne(
        "html-validate",
        r"prefer-native-element: Prefer to use the native <article> element",
        "several programs throw <article> away with its language and direction, and keep a <div>",
    ),
    Borne(
        "vnu",
        r"CSS: “mso-padding-alt”: Property “mso-padding-alt” doesn't exist\.",
        "Word pads no link, but the cell around it, if told so in its own words",
    ),
)


def faults(findings: Iterable[Finding], rows: Iterable[Borne] = BORNE) -> list[str]:
    """What is not borne, each once with the first page that has it; and rows that nothing answers to."""
    needed: set[Borne] = set()
    found: dict[tuple[str, str], str] = {}
    for tool, page, said in findings:
        row = next((row for row in rows if row.tool == tool and re.fullmatch(row.said, said)), None)
        if row is None:
            found.setdefault((tool, said), f"{tool}, {page}: {said}")
        else:
            needed.add(row)
    idle = [
        f"{row.tool} says nothing like this any more, so take it out: {row.said}"
        for row in rows
        if row not in needed
    ]
    return [*found.values(), *idle]
