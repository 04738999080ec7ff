"""`memo workers`: who is alive, what each holds, and how quickly it hands over."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import opening, tables

if TYPE_CHECKING:
    from service.backups.continuity import Hold
    from service.dependencies import Resources
    from service.workers.present import Held, Present

NOBODY = "No worker has been at work yet. Start one with memo serve, or memo worker beside PostgreSQL."
HEADINGS = ("worker", "standing", "version", "started", "per second", "holds")


def workers(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of objects.")] = False,
) -> None:
    """Who is at work, what each worker holds, and how quickly it hands over."""
    from service.backups import continuity
    from service.workers import present

    chosen = opening.current()

    async def read(resources: "Resources") -> "tuple[list[Present], Hold | None]":
        held = resources.database
        return await held.read(present.everybody), await held.read(continuity.hold)

    found, hold = opening.run(opening.with_resources(chosen, read))
    if hold is not None:
        print(
            f"Sending is on hold since {_moment(hold.since)}. {hold.reason} See memo release.",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps([_facts(one) for one in found], indent=2))
    elif not found:
        print(NOBODY)
    else:
        print("\n".join(tables.aligned([HEADINGS, *map(_row, found)])))
        for one in found:
            for relay, problem in one.cannot_reach.items():
                print(f"{one.name} stands by, while others get through to the relay {relay}: {problem}")


def _facts(one: "Present") -> dict[str, Any]:
    return {
        "name": one.name,
        "host": one.host,
        "pid": one.pid,
        "version": one.version,
        "standing": one.standing.value,
        "started_at": _moment(one.started_at),
        "seen_at": _moment(one.seen_at),
        "rate_per_second": one.rate,
        "accepted": one.figures.get("accepted", 0),
        "cannot_reach": one.cannot_reach,
        "holds": [
            {
                "edition": str(held.edition_uid),
                "newsletter": held.newsletter,
                "date": held.local_date.isoformat(),
                "first": held.first,
                "last": held.last,
                "in_flight": held.in_flight,
            }
            for held in one.held
        ],
    }


def _row(one: "Present") -> tuple[str, ...]:
    standing = (
        "alive" if one.is_alive else f"{one.standing} {'at' if one.standing == 'stopped' else 'since'} "
    )
    seen = "" if one.is_alive else _moment(one.seen_at)
    holds = ", ".join(map(_held, one.held)) or "-"
    return one.name, standing + seen, one.version, _moment(one.started_at), f"{one.rate:,.1f}", holds


def _held(held: "Held") -> str:
    return f"{held.newsletter} {held.local_date} {held.first}-{held.last}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
