"""The command `memo`: what it refuses, and that one sentence says what to do."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.support.nursery import ran
from tests.support.processes import environment


def memo(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return ran(folder, *arguments, settings=settings)


def said(refused: subprocess.CompletedProcess[str]) -> str:
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    (line,) = refused.stderr.strip().splitlines()
    return line


def test_a_database_without_tables_is_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    assert "memo migrate" in said(memo(tmp_path, "serve"))


def test_a_worker_without_a_relay_is_refused(migrated: Path) -> None:
    assert "MEMO_RELAY_URL" in said(memo(migrated, "worker"))


def test_what_cannot_be_used_is_named(migrated: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "MEMO_PORT" in said(memo(migrated, "serve", MEMO_PORT=port))
        assert "MEMO_MAILBOX_PORT" in said(memo(migrated, "serve", MEMO_PORT="0", MEMO_MAILBOX_PORT=port))
    beside = {"MEMO_RELAY_URL": "smtp://127.0.0.1:9?tls=none", "MEMO_MAILBOX_PORT": "8325", "MEMO_PORT": "0"}
    assert "mailbox" in said(memo(migrated, "serve", **beside))
    assert "MEMO_PORT" in said(memo(migrated, "serve", MEMO_PORT="ninety"))
    assert "MEMO_DATABASE_URL" in said(memo(migrated, "serve", MEMO_DATABASE_URL="mysql://x/y"))
    assert "MEMO_RELAY_URL" in said(memo(migrated, "worker", MEMO_RELAY_URL="relay.example.org"))
    assert "id" in said(memo(migrated, "send", "no-such-edition"))
    bad_address = ["account", "add", "--name", "Ada", "--address", "ada", "--password", "long enough words"]
    assert "mail address" in said(memo(migrated, *bad_address))


def test_from_nothing_to_a_newsletter_and_a_key(tmp_path: Path) -> None:
    assert memo(tmp_path, "migrate").returncode == 0
    made = memo(
        tmp_path, "newsletter", "create", "--slug", "morning-memo", "--name", "Morning Memo", "--from-address",
        "memo@news.example.org", "--postal-address", "1 Water Street", "--time-zone", "Europe/Berlin",
    )  # fmt: skip
    assert "/n/morning-memo" in made.stdout
    key = memo(tmp_path, "key", "create", "--name", "our site", "--scope", "read")
    assert key.stdout.startswith("memo_")
    account = memo(
        tmp_path,
        "account",
        "add",
        "--name",
        "Ada",
        "--address",
        "ada@example.org",
        "--password",
        "long enough words",
    )
    assert "/desk" in account.stdout
    for secret in ("secret-key", "suppression-pepper"):
        assert (tmp_path / "var" / secret).stat().st_mode & 0o777 == 0o600


def test_what_a_newsletter_says_of_itself_can_be_mended(migrated: Path) -> None:
    named = ["--slug", "morning-memo", "--name", "Morning Memo", "--from-address", "memo@ledger.example.org"]
    told = ["--postal-address", "14 Quay Stret", "--time-zone", "America/New_York"]
    assert memo(migrated, "newsletter", "create", *named, *told).returncode == 0
    mended = ["--postal-address", "14 Quay Street", "--alarm-address", "desk@ledger.example.org"]
    changed = memo(migrated, "newsletter", "change", "morning-memo", *mended)
    assert changed.stdout.strip() == "morning-memo is changed: postal_address, alarm_address."
    assert "memo@ledger.example.org, America/New_York" in memo(migrated, "newsletter", "list").stdout
    refused = memo(migrated, "newsletter", "change", "morning-memo", "--time-zone", "Nowhere/Atall")
    assert "zone" in said(refused)
    assert "newsletter" in said(memo(migrated, "newsletter", "change", "evening-memo", "--name", "x"))


def test_it_stops_when_it_is_asked_to(migrated: Path) -> None:
    settings = {"MEMO_PORT": "0", "MEMO_MAILBOX_PORT": "0", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "service", "serve"]
    with subprocess.Popen(
        command,
        cwd=migrated,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert "is up at" in running.stdout.readline()
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(timeout=60) == 0


def test_a_database_that_is_not_there_is_named_with_what_to_look_at(tmp_path: Path) -> None:
    line = said(memo(tmp_path, "worker", MEMO_DATABASE_URL="postgresql://memo:secret@127.0.0.1:1/memo"))
    assert "MEMO_DATABASE_URL" in line
    assert "127.0.0.1:1" in line
    assert "secret" not in line


def test_memo_alone_shows_what_there_is_and_no_empty_error(tmp_path: Path) -> None:
    shown = memo(tmp_path)
    assert shown.returncode == 2
    assert "serve" in shown.stdout + shown.stderr
    assert "memo:" not in shown.stderr


def test_the_help_puts_every_command_where_a_newcomer_looks(tmp_path: Path) -> None:
    shown = memo(tmp_path, "--help", COLUMNS="100").stdout
    panels = ["Set up", "Run", "Send and steer", "Look", "Back up"]
    places = [shown.index(f"─ {panel} ─") for panel in panels]
    assert places == sorted(places)
    assert "─ Commands ─" not in shown, "a command without a panel"
    set_up, steered = shown[places[0] : places[1]], shown[places[2] : places[3]]
    assert all(name in set_up for name in ("migrate", "account", "newsletter", "relay", "dkim", "key"))
    assert all(name in steered for name in ("send", "test", "pause", "resume", "cancel", "slow"))
