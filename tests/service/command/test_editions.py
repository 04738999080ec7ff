"""`memo proof` and `memo send` of an edition that has been sent."""

import json
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, settings
from service.clock import SystemClock
from service.dependencies import opened
from service.editions import composition, versions
from service.editions.models import Edition, State
from service.ledger.models import Delivery, DeliveryState, Notice, Run
from service.rendering.blocks import Document, Note
from tests.service.command.test_memo import memo, said
from tests.support.outbox import make_newsletter, open_outbox

WIRES = ("ada@example.org", "eve@example.org", "noor@example.org")


@pytest.fixture
async def edition(migrated: Path) -> str:
    """Sent: one reader has it, one is missing, one is held."""
    url = f"sqlite:///{migrated / 'var' / 'memo.sqlite3'}"
    chosen = settings.load(data_dir=migrated / "var", database_url=url)
    async with opened(chosen, SystemClock()) as resources:
        outbox = await open_outbox(resources, WIRES)
        await resources.database.write(_end, outbox.edition)
    return str(outbox.edition.uid)


def _end(session: Session, edition: Edition) -> None:
    states = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.HELD)
    for number, state in enumerate(states, 1):
        session.get_one(Delivery, (edition.id, number)).state = state
    session.get_one(Run, edition.id).ended_at = database.now(session)
    held = session.get_one(Edition, edition.id)
    held.state, held.missing_count = State.SENT, 1


def test_a_proof_is_written_checked_and_a_changed_byte_is_found(migrated: Path, edition: str) -> None:
    made = memo(migrated, "proof", edition, "--format", "csv", "--output", "proof.csv")
    assert made.returncode == 0, made.stderr
    assert "sent, 1 missing: 3 readers" in made.stderr

    good = memo(migrated, "proof", "--verify", "proof.csv")
    assert good.returncode == 0, good.stderr
    assert good.stdout.startswith("Genuine: Morning Memo, 2026-03-02")

    file = migrated / "proof.csv"
    file.write_bytes(file.read_bytes().replace(b",refused,", b",accepted,"))
    assert "NOT genuine" in said(memo(migrated, "proof", "--verify", "proof.csv"))


def test_without_a_file_it_goes_to_standard_output(migrated: Path, edition: str) -> None:
    made = memo(migrated, "proof", edition, "--whole-addresses")
    read = json.loads(made.stdout)
    assert [row["address"] for row in read["deliveries"]] == list(WIRES)
    assert read["proof"]["edition"]["uid"] == edition


def test_what_cannot_be_proven_or_checked_is_said(
    tmp_path: Path,
) -> None:
    assert "memo proof ID" in said(memo(tmp_path, "proof"))
    assert "nowhere.json" in said(memo(tmp_path, "proof", "--verify", "nowhere.json"))
    (tmp_path / "proof.json").write_text("{}")
    assert "--key" in said(memo(tmp_path, "proof", "--verify", "proof.json"))
    assert not (tmp_path / "var").exists(), "checking a file makes no key"


async def test_it_is_sent_to_the_missing_and_the_held_only_if_asked(migrated: Path, edition: str) -> None:
    for two in (("--missing", "--held"), ("--missing", "--breaking")):
        assert "one of --missing, --held and --breaking" in said(memo(migrated, "send", edition, *two))

    first = memo(migrated, "send", edition, "--missing")
    assert first.returncode == 0, first.stderr
    assert "on its way to 1 more" in first.stdout

    url = f"sqlite:///{migrated / 'var' / 'memo.sqlite3'}"
    async with opened(settings.load(data_dir=migrated / "var", database_url=url)) as resources:
        run = await resources.database.read(
            lambda session: session.execute(sa.select(col(Run.reopening))).scalar_one()
        )
    assert run == "missing"


async def test_an_unknown_personal_field_is_refused_before_anything_leaves(migrated: Path) -> None:
    url = f"sqlite:///{migrated / 'var' / 'memo.sqlite3'}"
    async with opened(settings.load(data_dir=migrated / "var", database_url=url), SystemClock()) as resources:
        uid = await resources.database.write(_stored_before_it_was_checked)

    refused = said(memo(migrated, "send", str(uid)))

    assert "Block 1 (Note from the editor), text: “{{frist_name|x}}” is no personal field" in refused


def _stored_before_it_was_checked(session: Session) -> uuid.UUID:
    now = database.now(session)
    newsletter = make_newsletter(session, now)
    edition = composition.start(session, newsletter, now=now, actor="test")
    document = Document(subject="x", blocks=[Note(text_markdown="Dear {{frist_name|x}}")])
    versions.add(session, edition, document, author="test", now=now)
    return edition.uid


async def test_a_test_goes_to_those_it_names(migrated: Path, edition: str) -> None:
    sent = memo(migrated, "test", edition, "nora@example.org", "jonas@example.org")
    assert sent.returncode == 0, sent.stderr
    assert "nora@example.org, jonas@example.org" in sent.stdout

    url = f"sqlite:///{migrated / 'var' / 'memo.sqlite3'}"
    async with opened(settings.load(data_dir=migrated / "var", database_url=url)) as resources:
        kinds = await resources.database.read(
            lambda session: session.execute(sa.select(col(Notice.kind), col(Notice.address))).all()
        )
    assert sorted(tuple(row) for row in kinds) == [
        ("test", "jonas@example.org"),
        ("test", "nora@example.org"),
    ]
    assert "mail address" in said(memo(migrated, "test", edition, "nobody"))
