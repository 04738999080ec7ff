"""Commands about the addresses at which relays tell us events: `memo relay hook show`, `make`, `renew`, `key`, `confirm`, `remove`."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from service.cli import opening

if TYPE_CHECKING:
    from sqlmodel import Session

    from service.bounces.hooks.register import Made
    from service.dependencies import Resources

T = TypeVar("T")
ACTOR = "the command line"
hook = typer.Typer(
    no_args_is_help=True, help="Where a relay tells us what became of messages: bounces, complaints."
)
Name = Annotated[str, typer.Argument(help="The relay's name.")]


@hook.command("show")
def show(name: Name) -> None:
    """What it is, and what was heard there. The address itself is shown only when it is made."""
    from service.bounces.hooks import formats, keeping, register
    from service.bounces.hooks.calls import Trouble

    row = _read(lambda session: register.of_relay(session, name))
    if row is None:
        raise register.HookNotFound
    heard = f"{row.heard_at:%Y-%m-%d %H:%M} UTC" if row.heard_at else "never"
    print(f"{formats.BY_KEY[row.format].label}. Last heard: {heard}.")
    if row.topic or row.invited_topic:
        print(f"Topic: {row.topic or 'none confirmed'}.")
    if row.invited_topic:
        print(f"Waits to be confirmed: {row.invited_topic} (memo relay hook confirm {name})")
    for word, one in row.troubles.items():
        often = f"{one['count']} times since {one['since'][:16]}" if one["count"] > 1 else one["last"][:16]
        print(f"Not believed ({often}): {Trouble[word].value}.")
    for event in _read(lambda session: keeping.latest(session, row.id, limit=10)):
        print(
            f"{event.received_at:%Y-%m-%d %H:%M} {event.kind.value:11} {event.name}: {event.outcome or 'waits'}"
        )


@hook.command("make")
def make(
    name: Name,
    form: Annotated[str, typer.Option("--format", help="Such as ses; empty: what this relay speaks.")] = "",
) -> None:
    """Make the address, and print it: this once."""
    from service.bounces.hooks import register

    _print(
        lambda session, held: register.make(
            session, name, form, keys=held.keys, now=held.clock.now(), actor=ACTOR
        )
    )
    _say_what_is_to_do(name)


@hook.command("renew")
def renew(
    name: Name,
    hours: Annotated[int, typer.Option(help="For so long the address until now works on.", min=0)] = 24,
) -> None:
    """Make another address with a new secret, and print it: this once."""
    from service.bounces.hooks import register

    kept = timedelta(hours=hours)
    _print(
        lambda session, held: register.renew(
            session, name, former_for=kept, now=held.clock.now(), actor=ACTOR
        )
    )


@hook.command("key")
def key(
    name: Name,
    file: Annotated[str, typer.Option("--key-file", help="A file with it; - for standard input.")] = "-",
) -> None:
    """Enter the key that the relay shows, for its signatures."""
    from service.bounces.hooks import register

    text = sys.stdin.read() if file == "-" else Path(file).read_text()
    _write(
        lambda session, held: register.enter_key(
            session, name, text, keys=held.keys, now=held.clock.now(), actor=ACTOR
        )
    )
    print(f"The key of {name} is entered.")


@hook.command("confirm")
def confirm(name: Name) -> None:
    """Confirm the topic that waits (Amazon SNS): from then on it is believed, and no other."""
    from service.bounces.hooks import confirming

    async def confirmed(held: "Resources") -> str:
        return await confirming.confirm(held.database, held.fetcher, held.clock, name, actor=ACTOR)

    topic = opening.run(opening.with_resources(opening.current(), confirmed))
    print(f"{topic} is confirmed.")


@hook.command("remove")
def remove(name: Name) -> None:
    """Take the address away, with what was told there."""
    from service.bounces.hooks import register

    _write(lambda session, held: register.remove(session, name, now=held.clock.now(), actor=ACTOR))
    print(f"{name} has no address for events any more.")


def _print(function: "Callable[[Session, Resources], Made]") -> None:
    made, url = _write(lambda session, held: _with_url(function(session, held), held))
    print(
        f"Have {made.relay} tell its events to this address. It is a secret, and not shown again:\n\n    {url}\n"
    )
    if made.key:
        print(
            f"Sign what you send there with this key (docs/HOOKS.md), which is not shown again either:\n\n    {made.key}\n"
        )


def _say_what_is_to_do(name: str) -> None:
    from service.bounces.hooks import formats, register
    from service.bounces.hooks.formats import KeyKind

    row = _read(lambda session: register.of_relay(session, name))
    if row is None:
        raise register.HookNotFound
    form = formats.BY_KEY[row.format]
    print(f"At {form.label}:")
    for number, step in enumerate(form.steps, 1):
        print(f"  {number}. {step}")
    if form.key_kind is KeyKind.TOPIC:
        print(f"Here that is: memo relay hook show {name}, then memo relay hook confirm {name}")
    if form.key_kind is KeyKind.THEIRS:
        print(f"The field for it is here: memo relay hook key {name} --key-file FILE")


def _with_url(made: "Made", held: "Resources") -> "tuple[Made, str]":
    return made, held.url(made.path)


def _read(function: "Callable[[Session], T]") -> T:
    async def read(held: "Resources") -> T:
        return await held.database.read(function)

    return opening.run(opening.with_resources(opening.current(), read))


def _write(function: "Callable[[Session, Resources], T]") -> T:
    async def written(held: "Resources") -> T:
        return await held.database.write(function, held)

    return opening.run(opening.with_resources(opening.current(), written))
