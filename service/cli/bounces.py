"""`memo bounce`: a mail that came back, on standard input."""

import json
import sys
from typing import Annotated

import typer

from service.errors import Invalid

MOST_OCTETS = 10_000_000
NOTHING_CAME = "No mail came in. Pipe one in: memo bounce --explain < mail"


def bounce(
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say what it is taken for, and why, as one line of JSON. Touches nothing."
        ),
    ] = False,
) -> None:
    """Take in a mail that came back, from standard input."""
    if not explain:
        raise Invalid("Say --explain: this version does not take bounces in yet.")
    print(json.dumps(_explained(_read())))


def _read() -> bytes:
    raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(MOST_OCTETS)
    if not raw.strip():
        raise Invalid(NOTHING_CAME)
    return raw


def _explained(raw: bytes) -> dict[str, object]:
    from service.bounces import explanation, report

    return explanation.explain(report.read(raw))
