"""Commands about relays: `memo relay list`, `add`, `change`, `pace`, `provider`, `use`, `off`, `remove`, `test`, and `hook` (`hooks`)."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import hooks, opening
from service.errors import MemoError

if TYPE_CHECKING:
    from sqlmodel import Session

    from service.delivery.models import ProviderLimit, Relay, Role
    from service.delivery.relay_trial import Trial
    from service.dependencies import Resources

    Listed = list[tuple[Relay, list[ProviderLimit]]]

ACTOR = "the command line"
relay = typer.Typer(no_args_is_help=True, help="The mail servers that take our messages.")
relay.add_typer(hooks.hook, name="hook")

Name = Annotated[str, typer.Argument(help="Its name: small letters, digits and hyphens.")]
Host = Annotated[str | None, typer.Option(help="For example smtp.example.org.")]
Port = Annotated[int | None, typer.Option(help="Usually 587, or 465 with implicit TLS.")]
Tls = Annotated[str | None, typer.Option(help="required (STARTTLS), implicit, opportunistic or none.")]
User = Annotated[str | None, typer.Option(help="Who signs in; empty: nobody.")]
PasswordFile = Annotated[
    str | None,
    typer.Option(
        "--password-file", help="A file with the password, - for standard input; without it, it is asked for."
    ),
]
Profile = Annotated[str | None, typer.Option(help="Its kind, such as ses; empty: told by the host.")]
Connections = Annotated[int | None, typer.Option(help="At once, from all workers together.")]


class TrialFailed(MemoError):
    """The relay does not work yet."""


@relay.command("list")
def listed() -> None:
    """All relays, the one in use first."""
    from service.delivery import provider_limits, relay_pace

    rows = _read(_with_limits)
    if not rows:
        print("No relay is entered: messages stay in the built-in mailbox.")
    for row, of_providers in rows:
        user = f", signs in as {row.user}" if row.user else ""
        print(f"{row.role.value:9} {row.name}: {row.host}:{row.port}, TLS {row.tls}{user}")
        if limits := relay_pace.said(row):
            print(f"          at most {limits}")
        for one in of_providers:
            print(f"          {provider_limits.said(one)}")
        if row.problem:
            print(f"          takes nothing now: {row.problem}")


@relay.command("add")
def add(
    name: Name,
    host: Annotated[str, typer.Option(help="For example smtp.example.org.")],
    port: Port = None,
    tls: Tls = None,
    user: User = None,
    password_file: PasswordFile = None,
    profile: Profile = None,
    connections: Connections = None,
) -> None:
    """Enter a relay. It is off until `memo relay use`."""
    from service.delivery import relay_details, relay_register

    details = relay_details.read(
        _given(name=name, host=host, port=port, tls=tls, user=user, profile=profile, connections=connections)
    )
    password = _password(password_file) if details.user else ""
    _write(
        lambda session, resources: relay_register.add(
            session, details, password=password, keys=resources.keys, now=resources.clock.now(), actor=ACTOR
        )
    )
    print(
        f"{name} is entered, and off. Try it out: memo relay test {name}. Then put it to work: memo relay use {name}"
    )


@relay.command("change")
def change(
    name: Name,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    user: User = None,
    new_password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
    password_file: PasswordFile = None,
    profile: Profile = None,
    connections: Connections = None,
) -> None:
    """Change what is given; the rest stays."""
    from service.delivery import relay_details, relay_register

    changes = _given(host=host, port=port, tls=tls, user=user, profile=profile, connections=connections)
    password = _password(password_file) if new_password or password_file else None

    def changed(session: "Session", resources: "Resources") -> "Relay":
        row = relay_register.get_own(session, name)
        wanted = relay_details.read(relay_details.of(row).model_dump() | changes)
        return relay_register.change(
            session, wanted, password=password, keys=resources.keys, now=resources.clock.now(), actor=ACTOR
        )

    _write(changed)
    print(f"{name} is changed. Try it out: memo relay test {name}")


@relay.command("pace")
def pace(
    name: Name,
    rate: Annotated[int | None, typer.Option(help="Messages a second, from all workers together.")] = None,
    per_hour: Annotated[int | None, typer.Option(help="Its quota.")] = None,
    per_day: Annotated[int | None, typer.Option(help="Its quota in any 24 hours.")] = None,
    slow_to: Annotated[
        int | None, typer.Option(help="Messages a second for now, whatever --rate says.")
    ] = None,
) -> None:
    """How much it may be given. Only what is given changes; 0 takes a limit away. Workers follow within a second."""
    from service.delivery import relay_pace, relay_register

    changes = _given(rate=rate, per_hour=per_hour, per_day=per_day, slowed_to=slow_to)

    def changed(session: "Session", resources: "Resources") -> "Relay":
        present = relay_pace.of(relay_register.get(session, name)).model_dump()
        wanted = relay_pace.read({key: value or None for key, value in (present | changes).items()})
        return relay_pace.change(session, name, wanted, now=resources.clock.now(), actor=ACTOR)

    _write(changed)
    print(f"{name} has its pace. memo relay list shows it.")


@relay.command("pause")
def pause(
    name: Name, why: Annotated[str, typer.Option(help="Shown wherever an edition waits for it.")] = ""
) -> None:
    """Editions wait, whichever they are; notices still leave. Workers follow within a second."""
    from service.delivery import relay_pause

    _write(lambda session, held: relay_pause.pause(session, name, why, now=held.clock.now(), actor=ACTOR))
    print(f"{name} is paused. memo relay resume {name} ends that.")


@relay.command("resume")
def resume(name: Name) -> None:
    """Let editions through it again."""
    from service.delivery import relay_pause

    _write(lambda session, held: relay_pause.resume(session, name, now=held.clock.now(), actor=ACTOR))
    print(f"{name} takes editions again.")


@relay.command("provider")
def provider(
    name: Name,
    provider: Annotated[str, typer.Argument(help="One of its domains, for example gmail.com.")],
    rate: Annotated[int, typer.Option(help="Messages a second, from all workers together; 0: no limit.")],
    why: Annotated[str, typer.Option(help="Shown wherever readers wait for it.")] = "",
) -> None:
    """How much the readers of one provider get through it, all its domains together. Workers follow within a second."""
    from service.delivery import provider_limits

    meant = provider_limits.named(provider)
    wanted = provider_limits.read({"rate": rate, "why": why}) if rate else None

    def changed(session: "Session", resources: "Resources") -> None:
        now = resources.clock.now()
        if wanted is None:
            provider_limits.lift(session, name, meant, now=now, actor=ACTOR)
        else:
            provider_limits.put(session, name, meant, wanted, now=now, actor=ACTOR)

    _write(changed)
    print(f"{meant} has no limit any more." if wanted is None else f"{meant} gets at most {rate:,} a second.")


@relay.command("use")
def use(
    name: Name,
    fallback: Annotated[
        bool, typer.Option("--fallback", help="As the one that stands in, not as the main one.")
    ] = False,
) -> None:
    """Make it the main relay, or the fallback. Whichever had that place changes with it."""
    from service.delivery.models import Role

    role = Role.FALLBACK if fallback else Role.MAIN
    _give(name, role)
    print(f"{name} is the {'fallback' if fallback else 'main relay'} now.")


@relay.command("off")
def off(name: Name) -> None:
    """Switch it off: nothing is sent through it."""
    from service.delivery.models import Role

    _give(name, Role.OFF)
    print(f"{name} is off.")


@relay.command("remove")
def remove(name: Name) -> None:
    """Remove one that is off."""
    from service.delivery import relay_register

    _write(
        lambda session, resources: relay_register.remove(
            session, name, now=resources.clock.now(), actor=ACTOR
        )
    )
    print(f"{name} is removed.")


@relay.command("test")
def test(
    name: Name,
    to: Annotated[str, typer.Option(help="Who gets a test message; without it, nothing is sent.")] = "",
    sender: Annotated[str, typer.Option("--from", help="Its sender; without it, a newsletter's.")] = "",
) -> None:
    """Connect, encrypt, sign in and, with --to, send a message; each step says what happened."""
    from service.delivery import relay_trial
    from service.delivery.relay_trial import Wanted

    async def tried(resources: "Resources") -> "Trial":
        _, trial = await relay_trial.take(resources, Wanted(name, to, sender), actor=ACTOR)
        return trial

    chosen = opening.current()
    trial = opening.run(opening.with_resources(chosen, tried))
    for step in trial.steps:
        print(f"{step.state.value:13} {step.title}" + (f": {step.said}" if step.said else ""))
        if step.advice:
            print(f"{'':13} {step.advice}")
    if trial.failed is not None:
        raise TrialFailed(f"{name} does not work yet: {trial.failed.title}. {trial.failed.advice}")
    number = f" Its number there is {trial.queue_id}." if trial.queue_id else ""
    print(f"{name} took the message.{number}" if trial.has_sent else f"{name} lets us in.")


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _password(file: str | None) -> str:
    """Never an argument: those stand in the list of processes, and in the shell's history."""
    if file == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if file is not None:
        return Path(file).read_text().rstrip("\r\n")
    answer: str = typer.prompt("Password", hide_input=True)
    return answer


def _give(name: str, role: "Role") -> None:
    from service.delivery import relay_register

    _write(
        lambda session, resources: relay_register.give_role(
            session, name, role, now=resources.clock.now(), actor=ACTOR
        )
    )


def _with_limits(session: "Session") -> "list[tuple[Relay, list[ProviderLimit]]]":
    from service.delivery import provider_limits, relay_register

    return [(row, provider_limits.rows_of(session, row.name)) for row in relay_register.all_of(session)]


def _read(function: "Callable[[Session], Listed]") -> "Listed":
    chosen = opening.current()

    async def read(resources: "Resources") -> "Listed":
        return await resources.database.read(function)

    return opening.run(opening.with_resources(chosen, read))


def _write(function: "Callable[[Session, Resources], object]") -> None:
    chosen = opening.current()

    async def written(resources: "Resources") -> None:
        await resources.database.write(function, resources)

    opening.run(opening.with_resources(chosen, written))
