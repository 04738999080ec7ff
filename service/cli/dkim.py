"""Commands about keys for DKIM: `memo dkim …`. The private half never leaves; what is printed can be published."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from service.cli import opening

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from sqlmodel import Session

    from service.delivery.dkim_keys import Activated
    from service.delivery.models import DkimKey
    from service.dependencies import Resources

ACTOR = "the command line"
T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Keys that sign what the newsletters send (DKIM).")
Domain = Annotated[str, typer.Argument(help="What stands behind the @ of the newsletter's From address.")]
Selector = Annotated[str, typer.Argument(help="The key's name in the DNS, as `memo dkim list` shows it.")]


@app.command()
def create(
    domain: Domain,
    selector: Annotated[
        str, typer.Option(help="The key's name in the DNS; without it, made from today's date.")
    ] = "",
) -> None:
    """Make a key. It signs nothing until it is activated."""
    from service.delivery import dkim_material

    async def make(resources: "Resources") -> "DkimKey":
        private = await asyncio.to_thread(dkim_material.new_private_key)
        return await _add(resources, domain, selector, private)

    _say_how_to_go_on(_run(make))


@app.command("import")
def import_key(
    domain: Domain,
    file: Annotated[Path, typer.Argument(help="An RSA private key of 2048 to 4096 bits in PEM form.")],
    selector: Annotated[str, typer.Option(help="The name under which its record is in the DNS.")],
) -> None:
    """Take in a key that there is already. It signs nothing until it is activated."""
    from service.delivery import dkim_material

    private = dkim_material.read_pem(file.read_bytes())

    async def take(resources: "Resources") -> "DkimKey":
        return await _add(resources, domain, selector, private)

    _say_how_to_go_on(_run(take))


@app.command("list")
def list_keys() -> None:
    """All keys, and the DNS records to publish for those that sign or will."""
    from service import vault
    from service.delivery import dkim_keys, dkim_material
    from service.delivery.models import DkimKeyState

    async def find(resources: "Resources") -> "list[tuple[DkimKey, bool]]":
        found = await resources.database.read(dkim_keys.all_of)
        return [(key, vault.is_current(resources.keys, key.box)) for key in found]

    found = _run(find)
    if not found:
        print("There is no key: messages leave unsigned. `memo dkim create DOMAIN` makes one.")
    for key, is_current in found:
        print(f"{key.domain}  {key.selector}  {key.bits} bits  {_standing(key)}")
        if not is_current:
            print(
                "    locked with an older key of MEMO_SECRET_KEY; `memo dkim relock` locks it with the first"
            )
        if key.state is not DkimKeyState.RETIRED:
            print(f"    {dkim_material.zone_line(key.domain, key.selector, key.public)}")


@app.command()
def activate(domain: Domain, selector: Selector) -> None:
    """Sign with this key from now on, in place of the one before. Its DNS record has to be published first."""
    from service.delivery import dkim_keys

    async def act(resources: "Resources") -> "Activated":
        now = resources.clock.now()
        return await resources.database.write(dkim_keys.activate, (domain, selector), actor=ACTOR, now=now)

    done = _run(act)
    print(f"Messages from {done.key.domain} are signed with {done.key.selector} from now on.")
    if done.replaced:
        days = dkim_keys.KEPT_AFTER_RETIRING.days
        print(f"{done.replaced} is retired: keep its record in the DNS for at least {days} more days.")


@app.command()
def retire(domain: Domain, selector: Selector) -> None:
    """Sign nothing new with this key. Without another active one, the domain's messages leave unsigned."""
    from service.delivery import dkim_keys

    async def act(resources: "Resources") -> "tuple[DkimKey, dict[str, str]]":
        now = resources.clock.now()
        key = await resources.database.write(dkim_keys.retire, (domain, selector), actor=ACTOR, now=now)
        return key, await resources.database.read(dkim_keys.active)

    key, active = _run(act)
    print(f"{key.selector} is retired.")
    if key.domain not in active:
        print(f"No key of {key.domain} is active: its messages leave unsigned from now on.")


@app.command()
def remove(domain: Domain, selector: Selector) -> None:
    """Delete a key for good, a week after it was retired."""
    from service.delivery import dkim_keys, dkim_material

    async def act(resources: "Resources") -> "DkimKey":
        now = resources.clock.now()
        return await resources.database.write(dkim_keys.remove, (domain, selector), actor=ACTOR, now=now)

    key = _run(act)
    print(f"The key is gone. Take {dkim_material.record_name(key.domain, key.selector)} out of the DNS.")


@app.command()
def relock() -> None:
    """Lock all keys with the first key of MEMO_SECRET_KEY, so that an older one can be taken out of it."""
    from service.delivery import dkim_keys

    async def act(resources: "Resources") -> int:
        return await resources.database.write(dkim_keys.lock_anew, resources.keys)

    print(f"Locked anew: {_run(act)}.")


def _run(act: "Callable[[Resources], Awaitable[T]]") -> T:
    chosen = opening.current()
    return opening.run(opening.with_resources(chosen, act))


async def _add(resources: "Resources", domain: str, selector: str, private: "RSAPrivateKey") -> "DkimKey":
    from service.delivery import dkim_keys

    now = resources.clock.now()

    def add(session: "Session") -> "DkimKey":
        place = domain, selector or dkim_keys.free_selector(session, domain, now)
        return dkim_keys.add(session, resources.keys, place, private, actor=ACTOR, now=now)

    return await resources.database.write(add)


def _say_how_to_go_on(key: "DkimKey") -> None:
    from service.delivery import dkim_material

    print(f"Publish this TXT record for {dkim_material.record_name(key.domain, key.selector)}:")
    print(dkim_material.record_text(key.public))
    print("The same as a line of a zone file:")
    print(dkim_material.zone_line(key.domain, key.selector, key.public))
    print(f"Once the DNS answers with it: memo dkim activate {key.domain} {key.selector}")


def _standing(key: "DkimKey") -> str:
    from service.delivery.models import DkimKeyState

    if key.state is DkimKeyState.ACTIVE:
        return f"signs since {key.activated_at:%Y-%m-%d %H:%M} UTC"
    if key.state is DkimKeyState.RETIRED:
        return f"retired since {key.retired_at:%Y-%m-%d %H:%M} UTC"
    return "ready: publish its record, then activate it"
