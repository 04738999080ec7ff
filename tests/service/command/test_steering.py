"""`memo pause`, `resume`, `cancel`, `editions` and `edition`: what somebody on a shell sees and does while an edition leaves."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import Session, select

from service import settings
from service.clock import SystemClock
from service.dependencies import opened
from service.desk.sending_view import NO_WORKER
from service.editions.models import Edition
from service.events.models import Event
from tests.service.command.test_memo import memo, said
from tests.support.outbox import open_outbox
from tests.support.processes import environment

WIRES = ("ada@example.org", "eve@example.org", "noor@example.org")


@pytest.fixture
async def edition(migrated: Path) -> str:
    """Under way, to three readers, and nobody is at work."""
    async with opened(_settings(migrated), SystemClock()) as resources:
        return str((await open_outbox(resources, WIRES)).edition.uid)


def _settings(folder: Path) -> settings.Settings:
    url = f"sqlite:///{folder / 'var' / 'memo.sqlite3'}"
    return settings.load(data_dir=folder / "var", database_url=url)


async def _recorded(folder: Path) -> list[tuple[str, str]]:
    async with opened(_settings(folder)) as resources:
        found = await resources.database.read(
            lambda session: [(one.name, one.actor) for one in session.exec(select(Event))]
        )
    return [one for one in found if one[0].startswith("edition.")]


async def _reason(folder: Path) -> str | None:
    async with opened(_settings(folder)) as resources:
        return await resources.database.read(_stop_reason)


def _stop_reason(session: Session) -> str | None:
    return session.exec(select(Edition)).one().stop_reason


async def test_it_is_paused_goes_on_and_is_ended(migrated: Path, edition: str) -> None:
    paused = memo(migrated, "pause", edition, "--because", "  A wrong\n name in the lead ")
    assert paused.returncode == 0, paused.stderr
    assert f"memo resume {edition}" in paused.stdout
    assert await _reason(migrated) == "A wrong name in the lead"
    assert "only one that is being sent can be paused" in said(memo(migrated, "pause", edition))

    assert "goes on where it stopped" in memo(migrated, "resume", edition).stdout
    assert "only a paused one can be resumed" in said(memo(migrated, "resume", edition))

    assert memo(migrated, "pause", edition).returncode == 0
    assert await _reason(migrated) == "paused by the command line"
    assert "nobody else gets it" in memo(migrated, "cancel", edition, "--yes").stdout
    assert "is cancelled" in said(memo(migrated, "resume", edition))
    steps = ("edition.paused", "edition.resumed", "edition.paused", "edition.cancelled_by")
    assert await _recorded(migrated) == [(name, "the command line") for name in steps]


def _by_itself(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As anybody starts it: nothing of ours has been imported before, in whatever order."""
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment({}), capture_output=True, text=True, check=False, timeout=60
    )


def test_an_edition_and_a_relay_are_slowed_down(migrated: Path, edition: str) -> None:
    slowed = _by_itself(migrated, "slow", edition, "--to", "5")
    assert (slowed.returncode, slowed.stderr) == (0, "")
    assert slowed.stdout.strip() == "At most 5 messages a second from now on."
    assert json.loads(memo(migrated, "edition", edition, "--json").stdout)["slowed_to"] == 5

    assert memo(migrated, "relay", "add", "spare", "--host", "relay.example.org").returncode == 0
    paced = _by_itself(migrated, "relay", "pace", "spare", "--rate", "14")
    assert (paced.returncode, paced.stderr) == (0, "")
    assert "14 messages a second" in memo(migrated, "relay", "list").stdout


def test_what_cannot_be_is_said(migrated: Path, edition: str) -> None:
    for command in ("pause", "resume", "cancel", "edition"):
        assert "no such edition" in said(memo(migrated, command, "0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"))
        assert "memo editions" in said(memo(migrated, command, "this-morning"))
    assert said(memo(migrated, "slow", edition, "--to", "x")).endswith("'--to': takes a whole number")
    assert said(memo(migrated, "editions", "--limit", "0")).endswith("'--limit': is at least 1")
    assert "at most 300" in said(memo(migrated, "pause", edition, "--because", "x" * 301))


def test_the_list_says_how_far_each_is_and_why_it_waits(migrated: Path, edition: str) -> None:
    shown = memo(migrated, "editions", "--open")
    assert shown.returncode == 0, shown.stderr
    heading, row, *reasons = shown.stdout.splitlines()
    assert heading.split() == [
        "edition",
        "newsletter",
        "date",
        "state",
        "lane",
        "readers",
        "accepted",
        "open",
        "time",
    ]
    assert row.split()[:8] == [edition, "morning-memo", "2026-03-02", "sending", "scheduled", "3", "0", "3"]
    assert any(NO_WORKER in line for line in reasons)

    (facts,) = json.loads(memo(migrated, "editions", "--json").stdout)
    assert (facts["edition"], facts["readers"], facts["open"]) == (edition, 3, 3)
    assert facts["waits_because"] == [NO_WORKER]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts["started_at"])

    asked = memo(migrated, "cancel", edition)
    assert asked.returncode == 130, "nobody has answered: it is no yes"
    assert "Cancel it? That cannot be taken back." in asked.stdout
    assert edition in memo(migrated, "editions", "--open").stdout
    assert memo(migrated, "cancel", edition, "--yes").returncode == 0
    assert "No edition is under way." in memo(migrated, "editions", "--open").stdout
    assert edition in memo(migrated, "editions").stdout


def test_one_edition_says_what_it_waits_for(migrated: Path, edition: str) -> None:
    assert memo(migrated, "pause", edition, "--because", "The lead is wrong.").returncode == 0
    shown = memo(migrated, "edition", edition).stdout
    assert shown.startswith("Morning Memo, 2026-03-02: paused\n3 readers: 3 still to go\n")
    assert f"Paused: The lead is wrong. memo resume {edition} lets it go on." in shown

    assert memo(migrated, "resume", edition).returncode == 0
    assert memo(migrated, "hold").returncode == 0
    facts = json.loads(memo(migrated, "edition", edition, "--json").stdout)
    assert facts["state"] == "paused"
    assert any("memo release" in reason for reason in facts["waits_because"])
    listed = memo(migrated, "editions")
    assert "Sending is on hold since" in listed.stderr


def test_where_there_is_none_the_list_says_so(migrated: Path) -> None:
    assert "There is no edition yet" in memo(migrated, "editions").stdout
    assert json.loads(memo(migrated, "editions", "--json").stdout) == []
