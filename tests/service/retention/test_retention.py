"""An old edition's details go; its counts and its proof answer for it from then on. Whoever is killed in between loses nothing."""

import io
from datetime import date, timedelta

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, postgresql
from service.clock import SystemClock
from service.delivery import reopening
from service.delivery.reopening import Summarised
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import partitions, rows, tallies
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.proofs import checking, facts, kept, seal, writing
from service.proofs.kept import OnlyAsKept
from service.proofs.models import ProofPart
from service.retention import removal, summarising, tiers
from tests.service.desk import steps
from tests.support.clock import HandClock
from tests.support.outbox import Outbox, open_outbox

READERS = [f"reader{number}@example.org" for number in range(12)]
OLD = timedelta(days=91)


@pytest.fixture
async def outbox(resources: Resources, clock: HandClock) -> Outbox:
    """Sent, and old: nine have it, one is missing, one is held, one had left."""
    outbox = await open_outbox(resources, READERS)
    await resources.database.write(_end, outbox.edition.id)
    clock.set(SystemClock().now() + OLD)
    return outbox


def _end(session: Session, edition_id: int) -> None:
    now = database.now(session)
    odd = {1: DeliveryState.REFUSED, 2: DeliveryState.HELD, 3: DeliveryState.SKIPPED}
    for number in range(1, len(READERS) + 1):
        row = session.get_one(Delivery, (edition_id, number))
        row.state, row.at = odd.get(number, DeliveryState.ACCEPTED), now
    for span in session.execute(sa.select(Span).where(col(Span.edition_id) == edition_id)).scalars():
        tallies.write(session, span)
        span.due_at = None
    session.get_one(Run, edition_id).ended_at = now
    edition = session.get_one(Edition, edition_id)
    edition.state, edition.missing_count = State.SENT, 1


def _much_later(session: Session, newsletter_id: int, *, state: State = State.SENT) -> None:
    """Editions of other partitions, so that the first one is a thing of the past."""
    now = database.now(session)
    session.add(
        Edition(id=250, newsletter_id=newsletter_id, local_date=date(2026, 9, 1), state=state, created_at=now)
    )
    session.flush()
    partitions.ensure(session)


def _rows_left(session: Session) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(Delivery)).scalar_one())


def _partitions(session: Session) -> list[str]:
    return list(
        session.execute(
            sa.text("SELECT relname FROM pg_class WHERE relname ~ '^delivery_p[0-9]+$'")
        ).scalars()
    )


def _run(session: Session, edition_id: int) -> Run:
    return session.get_one(Run, edition_id)


async def _proof(outbox: Outbox) -> bytes:
    held = outbox.resources
    found = await held.database.read(facts.of, outbox.edition.uid, now=held.clock.now())
    asked = writing.wanted("json")
    return b"".join([piece async for piece in writing.stream(held.database, held.keys, found, asked)])


async def test_counts_and_proof_answer_for_an_old_edition(outbox: Outbox, client: httpx2.AsyncClient) -> None:
    held = outbox.resources
    before = await outbox.progress()
    await held.database.write(_much_later, outbox.edition.newsletter_id)
    await tiers.apply(held)

    after = await outbox.progress()
    assert after.summarised_at is not None
    assert (after.counts, after.audience, after.last_accepted_at) == (
        before.counts, 12, before.last_accepted_at,
    )  # fmt: skip
    assert await held.database.read(_rows_left) == 0
    if not held.database.is_sqlite:
        assert "delivery_p0" not in await held.database.read(_partitions)
    assert not (await held.database.read(_run, outbox.edition.id)).has_details
    proof = await _proof(outbox)
    assert "accepted 9 of 12" in str(checking.check(io.BytesIO(proof), seal.public_keys(held.keys)))
    assert proof.count(b"@example.org") == 12
    assert b"reader7@" not in proof, "masked"
    await tiers.apply(held)  # and nothing is left to do
    assert await _proof(outbox) == proof

    await steps.account(held)
    await steps.sign_in(client)
    path = f"/desk/editions/{outbox.edition.uid}"
    page = await client.get(path)
    for words in (
        "sent, 1 missing",
        "Details summarised on",
        "accepted the message for <strong>9",
        "Who is missing: 1",
    ):
        assert words in page.text, words
    assert f"{path}/send-missing" not in page.text
    assert "Details summarised on" in (await client.get(f"{path}/deliveries")).text
    assert (await client.get(f"{path}/proof?format=json")).content == proof
    assert (await client.get(f"{path}/proof?format=csv")).status_code == 409


async def test_what_is_not_old_or_under_way_stays(resources: Resources, clock: HandClock) -> None:
    outbox = await open_outbox(resources, READERS)
    clock.set(SystemClock().now() + 2 * OLD)
    await tiers.apply(resources)
    await resources.database.write(_end, outbox.edition.id)
    clock.set(SystemClock().now() + timedelta(days=89))
    await tiers.apply(resources)
    assert (await resources.database.read(_run, outbox.edition.id)).summarised_at is None
    assert len(await resources.database.read(rows.matching, outbox.edition.id, ())) == 12


async def test_nobody_is_sent_to_by_name_once_the_names_are_gone(outbox: Outbox) -> None:
    await summarising.summarise_old(outbox.resources, timedelta(days=90))
    assert await outbox.resources.database.read(rows.matching, outbox.edition.id, ()) == []
    with pytest.raises(Summarised):
        await reopening.send_missing(outbox.resources, outbox.edition.uid, actor="Ada")
    found = await outbox.resources.database.read(
        facts.of, outbox.edition.uid, now=outbox.resources.clock.now()
    )
    with pytest.raises(OnlyAsKept):
        writing.wanted("json", has_whole_addresses=True).headers(found)


async def test_killed_while_the_proof_is_kept_it_is_made_anew(outbox: Outbox) -> None:
    held, edition_id = outbox.resources, outbox.edition.id

    def killed_there(session: Session) -> None:
        summarising._claim(session, held.clock.now())
        session.add_all(ProofPart(edition_id=edition_id, number=number, data=b"half") for number in range(3))

    await held.database.write(killed_there)
    assert await summarising.summarise_old(held, timedelta(days=90)) == 0, "somebody may still be at it"
    assert len(await held.database.read(rows.matching, edition_id, ())) == 12
    an_hour_ago = SystemClock().now() - summarising.CLAIM_LASTS - timedelta(seconds=1)
    await held.database.write(
        lambda session: session.execute(sa.update(Run).values(summarising_at=an_hour_ago)) and None
    )
    assert await summarising.summarise_old(held, timedelta(days=90)) == 1
    assert b'"signature"' in b"".join([piece async for piece in kept.stream(held.database, edition_id)])


async def test_opened_again_meanwhile_it_is_not_old(outbox: Outbox) -> None:
    held = outbox.resources
    found = await held.database.read(facts.of, outbox.edition.uid, now=held.clock.now())
    await held.database.write(lambda session: session.execute(sa.update(Run).values(ended_at=None)) and None)
    assert not await held.database.write(summarising._finish, found, now=held.clock.now())
    assert (await held.database.read(_run, outbox.edition.id)).summarised_at is None


async def test_killed_while_rows_go_the_rest_goes_later(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = outbox.resources
    await summarising.summarise_old(held, timedelta(days=90))
    monkeypatch.setattr(removal, "PIECE_ROWS", 5)
    assert await held.database.write(removal._remove_piece, held.clock.now())
    assert await held.database.read(_rows_left) == 7
    assert (await held.database.read(_run, outbox.edition.id)).has_details
    await removal.remove(held.database, held.settings.database, now=held.clock.now() + removal.LINGER)
    assert await held.database.read(_rows_left) == 0
    assert not (await held.database.read(_run, outbox.edition.id)).has_details


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_partition_that_was_detached_and_not_dropped_goes(outbox: Outbox) -> None:
    held = outbox.resources
    await held.database.write(_much_later, outbox.edition.newsletter_id)
    await summarising.summarise_old(held, timedelta(days=90))
    await postgresql.alone(held.settings.database, "ALTER TABLE delivery DETACH PARTITION delivery_p0")
    await removal.remove(held.database, held.settings.database, now=held.clock.now())
    assert "delivery_p0" not in await held.database.read(_partitions)
    assert not (await held.database.read(_run, outbox.edition.id)).has_details


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_draft_that_may_still_leave_keeps_its_place(outbox: Outbox) -> None:
    held = outbox.resources

    def draft(session: Session) -> None:
        now, memo = database.now(session), outbox.edition.newsletter_id
        session.add(
            Edition(id=99, newsletter_id=memo, local_date=date(2026, 8, 1), state=State.DRAFT, created_at=now)
        )

    await held.database.write(draft)
    await held.database.write(_much_later, outbox.edition.newsletter_id)
    await tiers.apply(held)
    assert "delivery_p0" in await held.database.read(_partitions)
    assert await held.database.read(_rows_left) == 12
    await removal.remove(held.database, held.settings.database, now=held.clock.now() + removal.LINGER)
    assert await held.database.read(_rows_left) == 0
