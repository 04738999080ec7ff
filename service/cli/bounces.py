"""`memo bounce`: a mail that came back, on standard input."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening
from service.errors import Invalid

if TYPE_CHECKING:
    from service.dependencies import Resources

MOST_OCTETS = 10_000_000
TRY_AGAIN = 75  # sysexits.h, EX_TEMPFAIL: a mail server keeps the mail and asks again
NOTHING_CAME = "No mail came in. Pipe one in: memo bounce --explain < mail"


def bounce(
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say what it is taken for, and why, as one line of JSON. Touches nothing."
        ),
    ] = False,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="The address it came to, if the mail server says it: in Postfix ${recipient}."
        ),
    ] = "",
) -> None:
    """Take in a mail that came back, from standard input; a worker handles it. For a mail server's pipe: 75 means try again later."""
    raw = _read()
    if explain:
        print(json.dumps(_explained(raw)))
        return
    try:
        _keep(raw, to)
    except Exception as error:
        print(f"The mail could not be kept now: {error}", file=sys.stderr)
        sys.exit(TRY_AGAIN)


def _keep(raw: bytes, to: str) -> None:
    from service.bounces import keeping

    chosen = opening.current()

    async def keep(resources: "Resources") -> None:
        mail = keeping.Brought("pipe", raw, to)
        await resources.database.write(keeping.keep, mail, now=resources.clock.now())

    opening.run(opening.with_resources(chosen, keep))


def _read() -> bytes:
    raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(MOST_OCTETS)
    if not raw.strip():
        raise Invalid(NOTHING_CAME)
    return raw


def _explained(raw: bytes) -> dict[str, object]:
    from service.bounces import explanation, report

    return explanation.explain(report.read(raw))
