"""`memo backup`, `restore`, `hold` and `release`: copies of the database, and what a person decides once one was put back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening
from service.cli.named import ACTOR, edition_id

if TYPE_CHECKING:
    from service.backups.standstill import Standstill
    from service.cli.copying import PutBack
    from service.settings import Settings

SECRETS = {
    "key": (
        "MEMO_SECRET_KEY",
        "links in messages that were sent do not work, and passwords of relays and DKIM keys cannot be read",
    ),
    "pepper": ("MEMO_SUPPRESSION_PEPPER", "addresses that asked never to be mailed again are not recognised"),
}


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="The file to write, or a folder; without it, `backups` in the data folder."),
    ] = None,
) -> None:
    """Copy the whole database into one file, while the service is at work. What is in it is checked before it gets its name."""
    from service.cli import copying

    chosen = opening.settings()
    made = copying.back_up(chosen, file)
    print(
        f"Backed up to {made.path} ({made.path.stat().st_size / 1_000_000:,.1f} MB, read through and found whole)."
    )
    if made.contents is None:
        print("The database is not at the version of this program, so it was copied as it is.")
    else:
        print(f"In it: {made.contents}.")
    print("Not in it, and needed to restore it; keep them at another place than the backup:")
    for line in _outside(chosen):
        print(f"  {line}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that memo backup has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is a newsroom already; it is kept as a file.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """Put a backup in place. Nothing is sent afterwards until a person has decided, at the desk or by memo release."""
    from service.cli import copying

    chosen = opening.settings()
    with file.open("rb"):  # whoever gave a wrong name is told that before anything else
        pass
    there = copying.what_is_there(chosen) if replace and not yes else None
    if there is not None:
        said = f"({there})" if not there.is_empty else "of another version"
        typer.confirm(f"Put the backup in the place of the newsroom that is there now {said}?", abort=True)
    _tell(chosen, copying.put_back(chosen, file, replace=replace))


def hold() -> None:
    """Say that the database is an older copy, put back by other means: all that was open stops, and nothing is sent until released."""
    from service.backups import standstill
    from service.dependencies import Resources

    chosen = opening.current()

    async def begin(resources: Resources) -> "Standstill":
        reason = "Somebody said that the database is an older copy."
        now = resources.clock.now()
        return await resources.database.write(standstill.begin, reason, now=now, actor=ACTOR)

    _tell_what_waits(chosen, opening.run(opening.with_resources(chosen, begin)))


def release(
    edition: Annotated[
        str,
        typer.Argument(help="The id of an edition that was stopped; without it, what is due from now on."),
    ] = "",
) -> None:
    """After an older copy of the database was put back: go on sending, or send a stopped edition to those still open in it."""
    from service.backups import continuity
    from service.delivery import restored
    from service.dependencies import Resources

    chosen, uid = opening.current(), edition_id(edition) if edition else None

    async def go_on(resources: Resources) -> bool:
        now, held = resources.clock.now(), resources.database
        if uid is None:
            await held.write(continuity.release, now=now, actor=ACTOR)
            return False
        await held.write(restored.release, uid, now=now, actor=ACTOR)
        return await held.read(continuity.hold) is not None

    is_held = opening.run(opening.with_resources(chosen, go_on))
    if uid is None:
        print(
            "Sending goes on with what is due from now on. Editions that were stopped wait for a decision of their own."
        )
        return
    print("The edition goes to the readers who are still open in it; the desk shows how far it is.")
    if is_held:
        print(
            "Sending as a whole is still on hold, so nothing leaves yet: memo release without an id lets it go on."
        )


def _tell(chosen: "Settings", done: "PutBack") -> None:
    print("The backup is in place.")
    if done.aside is not None:
        print(f"What was there before is kept in {done.aside}.")
    for name in done.foreign_secrets:
        variable, harm = SECRETS[name]
        print(f"WARNING: it was made with another {variable} than the one here. Without that one {harm}.")
    _tell_what_waits(chosen, done.standstill)


def _tell_what_waits(chosen: "Settings", found: "Standstill") -> None:
    print("Sending is on hold until a person decides:")
    for one in found.stopped:
        print(
            f"  stopped: {one.newsletter}, {one.local_date}, {one.subject!r}: {one.accepted:,} have it as far as the copy knows, "
            f"{one.open:,} are open. To send it to those: memo release {one.uid}"
        )
    for slot in found.missed:
        print(
            f"  missed: {slot.newsletter}, due {slot.due_at:%Y-%m-%d %H:%M} UTC: it may have been sent after the copy was made"
        )
    print(
        f"  memo release, or {chosen.base_url}/desk/recovery, lets sending go on with what is due from now on"
    )


def _outside(chosen: "Settings") -> list[str]:
    """What a restored service needs beside the database, and where it is here."""
    found = []
    for value, name, file in (
        (chosen.secret_key, "MEMO_SECRET_KEY", "secret-key"),
        (chosen.suppression_pepper, "MEMO_SUPPRESSION_PEPPER", "suppression-pepper"),
    ):
        found.append(
            f"{name}, as it is in your settings" if value else f"{chosen.data_dir / file} (or set {name})"
        )
    pictures = chosen.media_bucket or chosen.data_dir / "media"
    found.append(
        f"the pictures that editions show, in {pictures}: without them readers see their words instead"
    )
    found.append("the other settings (MEMO_…), and relays that stand in them")
    return found
