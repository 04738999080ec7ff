"""What a person is told after an older copy was put back, and what they decide: at the desk, in the API, on the command line."""

import json
import uuid
from pathlib import Path

import httpx2
import pytest
from sqlmodel import Session
from typer.testing import CliRunner, Result

from service.accounts import keys
from service.backups import continuity, standstill
from service.cli import app
from service.dependencies import Resources
from service.editions.models import State
from service.workers import register
from service.workers.register import Identity
from tests.service.desk import steps
from tests.support.outbox import Outbox, open_outbox

REASON = "A backup of 2026-03-02 05:10:00 UTC was restored."
AT_WORK = Identity(uid=uuid.UUID(int=1), name="one", host="here", pid=1, version="0")


@pytest.fixture
async def outbox(resources: Resources) -> Outbox:
    """Under way in a database that is on hold."""
    outbox = await open_outbox(resources, ["ada@example.org", "eve@example.org"])
    await resources.database.write(standstill.begin, REASON, now=resources.clock.now(), actor="test")
    return outbox


async def test_the_desk_says_so_on_every_page_and_lets_a_person_decide(
    resources: Resources, client: httpx2.AsyncClient, outbox: Outbox
) -> None:
    await steps.account(resources)
    await steps.sign_in(client)
    for path in ("/desk", "/desk/workers", "/desk/newsletters/morning-memo"):
        page = await client.get(path)
        assert page.status_code == 200
        assert "Sending is on hold." in page.text
        assert REASON in page.text
    page = await client.get("/desk/recovery")
    assert "1 edition was stopped" in page.text
    assert "0 have it, 2 open" in page.text

    path = f"/desk/editions/{outbox.edition.uid}"
    page = await client.get(path)
    assert "Stopped by a restore" in page.text
    assert f'action="{path}/resume"' not in page.text
    assert "Some may get it twice." in (await client.get(f"{path}/release")).text
    assert "Release it" in (await client.post(f"{path}/resume")).text, "a resume refuses and says what to do"
    assert (await client.post(f"{path}/release")).status_code == 303
    assert await outbox.state() is State.SENDING
    assert (await client.get(f"{path}/release")).status_code == 409

    answer = await client.post("/desk/recovery/release")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/recovery")
    page = await client.get("/desk/recovery")
    assert "Sending is on hold" not in page.text
    assert "no edition waits for a decision" in page.text
    assert (await client.post("/desk/recovery/release")).status_code == 409


def _taken_for_gone(session: Session) -> None:
    """As a hold does with a worker that is at work: it says the contrary within seconds, and nobody is to be woken for it."""
    register.beat(session, AT_WORK, {})
    register.end_all(session)


async def test_the_api_and_health_say_so_and_the_api_decides(
    resources: Resources, client: httpx2.AsyncClient, outbox: Outbox
) -> None:
    _, secret = await resources.database.write(
        keys.create, "a program", ("read", "send"), now=resources.clock.now()
    )
    client.headers["Authorization"] = f"Bearer {secret}"
    await resources.database.write(_taken_for_gone)
    assert (await client.get("/healthz")).json()["reasons"] == ["on_hold"]
    found = (await client.get("/api/v1/recovery")).json()
    assert (found["is_held"], found["reason"], found["missed"]) == (True, REASON, [])
    assert [(one["edition"], one["open"]) for one in found["stopped"]] == [(str(outbox.edition.uid), 2)]
    path = f"/api/v1/editions/{outbox.edition.uid}"
    figures = (await client.get(f"{path}/progress")).json()
    assert (figures["state"], figures["stopped"]) == ("paused", "restored")
    assert "restored from a copy" in figures["stop_reason"]
    assert figures["on_hold"] == REASON
    assert (await client.post(f"{path}/resume", json={})).status_code == 409
    assert (await client.post(f"{path}/release", json={})).json()["state"] == "sending"
    assert (await client.post(f"{path}/release", json={})).status_code == 409
    assert (await client.post("/api/v1/recovery/release", json={})).json()["is_held"] is False
    assert (await client.post("/api/v1/recovery/release", json={})).status_code == 409
    await resources.database.write(register.beat, AT_WORK, {})
    assert (await client.get("/healthz")).status_code == 200


async def test_a_stopped_edition_can_be_cancelled(
    resources: Resources, client: httpx2.AsyncClient, outbox: Outbox
) -> None:
    await steps.account(resources)
    await steps.sign_in(client)
    await client.post(f"/desk/editions/{outbox.edition.uid}/cancel")
    assert await outbox.state() is State.CANCELLED
    assert (await resources.database.read(standstill.of)).stopped == ()
    assert await resources.database.read(continuity.hold) is not None


def test_the_command_line_copies_puts_back_and_decides(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(migrated)
    text = memo("backup", "memo.copy").stdout
    for words in ("Backed up to memo.copy", "0 newsletters, 0 readers", "var/secret-key", "Not in it"):
        assert words in text
    assert "not on hold" in str(memo("release").exception)
    there = tmp_path / "elsewhere"
    there.mkdir()
    monkeypatch.chdir(there)
    assert "nowhere" in str(memo("restore", "nowhere").exception)
    text = memo("restore", str(migrated / "memo.copy")).stdout
    assert "another MEMO_SECRET_KEY" in text
    assert "memo release" in text
    found = memo("workers", "--json")
    assert json.loads(found.stdout) == []
    assert "on hold" in found.stderr
    for command in ("release", "hold", "release"):
        assert memo(command).exit_code == 0
    assert "no edition's id" in str(memo("release", "x").exception)


def memo(*arguments: str) -> Result:
    """In this process: each `memo` of its own would take a second."""
    return CliRunner().invoke(app, arguments)
