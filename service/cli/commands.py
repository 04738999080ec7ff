"""The command `memo`: every error is one sentence that says what to do, and a non-zero exit code.

A command imports what it needs when it is called: nobody who asks for help waits for a web server, and no worker carries one.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import (
    access,
    backups,
    bounces,
    dkim,
    doctor,
    editions,
    imports,
    newsletters,
    opening,
    relays,
    steering,
    watching,
    workers,
)
from service.errors import MemoError

if TYPE_CHECKING:
    from service.serving import Served
    from service.worker import Worker

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Morning Memo: newsletters for newsrooms.")


def main() -> None:
    try:
        code = app(standalone_mode=False)
        sys.exit(
            code if isinstance(code, int) else 0
        )  # a command that ends by typer.Exit hands its code back
    except (MemoError, OSError) as error:
        _fail(_sentence(error), 1)
    except typer.Abort:
        _fail("Stopped.", 130)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        if not message():  # no command was given: what there is has been printed
            sys.exit(getattr(error, "exit_code", 2))
        from service import wording

        _fail(wording.corrected(message(), error.__cause__), getattr(error, "exit_code", 2))


def _sentence(error: MemoError | OSError) -> str:
    if isinstance(error, MemoError):
        from service import wording

        return wording.message_of(error)
    return f"{error.filename}: {error.strerror}." if error.filename else str(error)


def _fail(message: str, code: int) -> None:
    print(f"memo: {message}", file=sys.stderr)
    sys.exit(code)


def migrate() -> None:
    """Bring the database to the version this program needs."""
    from service import migrations

    chosen = opening.settings()
    migrations.upgrade(chosen.database)
    print("The database is up to date.")


def serve(
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Pages and API only; workers run elsewhere.")
    ] = False,
) -> None:
    """Run the pages, the API and (unless told otherwise) the worker in one process."""
    from service import serving

    chosen = opening.current()
    opening.run(serving.serve(chosen, with_worker=not no_worker, announce=_announce))


def _announce(served: "Served") -> None:
    base = served.resources.settings.base_url
    print(f"Morning Memo is up at {base} (desk: {base}/desk).", flush=True)
    if served.is_kept_here:
        print(f"No relay is set: messages stay in the built-in mailbox at {base}/mailbox.", flush=True)


def worker() -> None:
    """Run a worker without pages: it sends what is due. Any number of them beside PostgreSQL."""
    from service import working

    chosen = opening.settings()
    opening.ensure_current(chosen)

    def announce(at_work: "Worker") -> None:
        print(f"Worker {at_work.name} is at work.", flush=True)

    opening.run(working.work(chosen, announce=announce))


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Take the whole tour without a person, then stop.")
    ] = False,
) -> None:
    """A sample newsroom, its newsletter and a mailbox, all on this computer."""
    from service import logs
    from service.demo import newsroom, running, tour

    logs.configure(form="console", level="WARNING")
    sockets = newsroom.listening_sockets()
    newsroom_port = sockets[0].getsockname()[1]
    if not check:
        with running.alone(running.FOLDER):
            port = running.usual_or_free_port()
            opening.run(
                running.run(running.fresh_settings(running.FOLDER, newsroom_port, port=port), sockets)
            )
        return
    with tempfile.TemporaryDirectory() as folder:
        opening.run(
            tour.checked(running.fresh_settings(Path(folder) / "demo", newsroom_port, port=0), sockets)
        )
    print("The whole tour works.")


# In the order in which somebody meets them: the help shows a panel where its first command is registered, and groups after commands.
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Set up": (migrate, imports.bring_in),
    "Run": (serve, worker, demo, bounces.bounce),
    "Send and steer": (
        editions.send,
        editions.test,
        steering.pause,
        steering.resume,
        steering.cancel,
        editions.slow,
    ),
    "Look": (watching.editions, watching.edition, workers.workers, doctor.doctor, editions.proof),
    "Back up": (backups.backup, backups.restore, backups.hold, backups.release),
}
NAMES = {imports.bring_in: "import"}  # a word that Python keeps for itself
GROUPS: dict[str, dict[str, typer.Typer]] = {
    "Set up": {
        "account": access.account,
        "newsletter": newsletters.newsletter,
        "relay": relays.relay,
        "dkim": dkim.app,
        "key": access.key,
    }
}
for _panel, _commands in PANELS.items():
    for _command in _commands:
        app.command(NAMES.get(_command), rich_help_panel=_panel)(_command)
for _panel, _groups in GROUPS.items():
    for _name, _group in _groups.items():
        app.add_typer(_group, name=_name, rich_help_panel=_panel)
