"""Who may do what: people who sign in to the desk (`memo account …`), and programs that call the API (`memo key …`)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from service.cli import opening

if TYPE_CHECKING:
    from service.accounts.models import Account, Key
    from service.dependencies import Resources

ACTOR = "the command line"
T = TypeVar("T")

account = typer.Typer(no_args_is_help=True, help="People who sign in to the desk.")
key = typer.Typer(no_args_is_help=True, help="Keys for programs that call the API.")
Address = Annotated[str, typer.Argument(help="The mail address that the person signs in with.")]
NewPassword = Annotated[
    str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="At least 10 characters.")
]


@account.command("add")
def account_add(
    name: Annotated[str, typer.Option(prompt=True, help="The person's name, as the desk shows it.")],
    address: Annotated[str, typer.Option(prompt=True, help="The mail address to sign in with.")],
    password: NewPassword,
) -> None:
    """Let a person sign in to the desk."""
    from service import addresses
    from service.accounts import passwords, signin

    parsed = addresses.parse(address)

    async def add(resources: "Resources") -> str:
        hashed = await asyncio.to_thread(passwords.hash_password, password)
        await resources.database.write(
            signin.create_account, name, parsed.wire, hashed, now=resources.clock.now()
        )
        return resources.settings.base_url

    print(f"{name} can sign in at {_run(add)}/desk with {parsed.shown}.")


@account.command("list")
def account_list() -> None:
    """Who can sign in."""
    from service.accounts import signin

    async def read(resources: "Resources") -> "list[Account]":
        return await resources.database.read(signin.all_accounts)

    found = _run(read)
    for one in found:
        print(f"{one.address}  {one.name}, since {one.created_at.date()}")
    if not found:
        print("Nobody can sign in yet: memo account add")


@account.command("password")
def account_password(address: Address, password: NewPassword) -> None:
    """Give a person another password; whoever is signed in with the old one is signed out."""
    from service.accounts import passwords, signin

    async def change(resources: "Resources") -> int:
        hashed = await asyncio.to_thread(passwords.hash_password, password)
        return await resources.database.write(
            signin.change_password, address, hashed, now=resources.clock.now(), actor=ACTOR
        )

    print(f"The new password is in use; {_browsers(_run(change))}.")


@account.command("sign-out")
def account_sign_out(address: Address) -> None:
    """Sign a person out everywhere, for a telephone that was lost."""
    from service.accounts import signin

    async def close(resources: "Resources") -> int:
        return await resources.database.write(
            signin.sign_out_everywhere, address, now=resources.clock.now(), actor=ACTOR
        )

    print(f"Done: {_browsers(_run(close))}.")


@key.command("create")
def key_create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read, write or send; can be given several times.")],
) -> None:
    """Make an API key. It is shown this once."""
    from service.accounts import keys

    async def create(resources: "Resources") -> "tuple[Key, str]":
        return await resources.database.write(keys.create, name, scope, now=resources.clock.now())

    _, secret = _run(create)
    print(secret)


@key.command("list")
def key_list() -> None:
    """The keys there are, by the first characters of each."""
    from service.accounts import keys

    async def read(resources: "Resources") -> "list[Key]":
        return await resources.database.read(keys.all_of)

    found = _run(read)
    for one in found:
        end = f", revoked {one.revoked_at.date()}" if one.revoked_at else ""
        print(f"{one.prefix}…  {one.name}: {one.scopes}, since {one.created_at.date()}{end}")
    if not found:
        print('There is no key yet: memo key create --name "our site" --scope write')


@key.command("revoke")
def key_revoke(
    beginning: Annotated[str, typer.Argument(help="Its first characters, as `memo key list` shows them.")],
) -> None:
    """End a key at once: whoever calls with it is refused from now on."""
    from service.accounts import keys

    async def end(resources: "Resources") -> "Key":
        return await resources.database.write(
            keys.revoke_beginning, beginning.rstrip("…."), actor=ACTOR, now=resources.clock.now()
        )

    print(f"{_run(end).name} is revoked.")


def _browsers(count: int) -> str:
    return (
        "nobody was signed in" if count == 0 else f"signed out of {count} browser{'s' if count > 1 else ''}"
    )


def _run(function: "Callable[[Resources], Awaitable[T]]") -> T:
    return opening.run(opening.with_resources(opening.current(), function))
