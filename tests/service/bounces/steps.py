"""An edition that the relay has accepted, and what comes back of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.bounces import handling
from service.bounces.findings import Finding, Form, Kind
from service.bounces.matching import Means
from service.bounces.models import Bounce
from service.bounces.rows import Evidence
from service.delivery.return_paths import Named, ReturnPaths
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import tallies
from service.ledger.models import Bounced, Delivery, DeliveryState, Notice, Run, Span
from service.suppressions import register
from service.suppressions.models import Suppression
from tests.support.outbox import Outbox, open_outbox

DOMAIN = "bounces.news.example.org"


@dataclass
class Desk:
    """What a test asks and does."""

    resources: Resources
    outbox: Outbox
    means: Means
    told: int = 0

    @property
    def now(self) -> datetime:
        return self.resources.clock.now()

    async def named(self, address: str) -> Named:
        row = (await self.outbox.rows())[address]
        return Named(self.outbox.edition.id, row.number)

    async def tell(
        self, kind: Kind, named: Named | None, *, event: str = "", is_proved: bool = False, **said: object
    ) -> Bounce | None:
        """Apply a finding: of a report that was sent to a return path, or of a relay's event."""
        self.told += 1
        finding = Finding(kind, str(said.pop("rule", "a-rule")), "the test", **said)  # type: ignore[arg-type]
        evidence = Evidence("test", event or f"event-{self.told}", Form.DSN, named, is_proved)
        return await self.resources.database.write(
            handling.apply, finding, evidence, self.means, now=self.now
        )

    async def suppression(self, address: str) -> Suppression | None:
        return await self.resources.database.read(
            register.find_by_address, address, pepper=self.resources.pepper
        )

    async def returned(self) -> list[Bounced]:
        query = select(Bounced).order_by(col(Bounced.number))
        return await self.resources.database.read(lambda session: list(session.exec(query)))

    async def bounces(self) -> list[Bounce]:
        query = select(Bounce).order_by(col(Bounce.id))
        return await self.resources.database.read(lambda session: list(session.exec(query)))

    async def alarms(self) -> list[Notice]:
        query = select(Notice).where(Notice.kind == "alarm")
        return await self.resources.database.read(lambda session: list(session.exec(query)))


def means_of(resources: Resources) -> Means:
    return Means(resources.keys, resources.pepper, ReturnPaths(resources.keys, DOMAIN))


async def desk_of(resources: Resources, readers: list[str]) -> Desk:
    outbox = await open_outbox(resources, readers)
    await resources.database.write(accept_all, outbox.edition.id, resources.clock.now())
    return Desk(resources, outbox, means_of(resources))


def accept_all(session: Session, edition_id: int, now: datetime) -> None:
    """As a relay that takes everything, at once."""
    session.execute(
        sa.update(Delivery)
        .where(col(Delivery.edition_id) == edition_id)
        .values(state=DeliveryState.ACCEPTED, at=now, attempts=1, reply="250 2.0.0 Ok")
    )
    for span in session.exec(select(Span).where(Span.edition_id == edition_id)):
        span.due_at = None
        tallies.write(session, span)
        session.add(span)
    run = session.get_one(Run, edition_id)
    run.started_at = now
    session.add(run)


def earlier_edition(
    session: Session,
    outbox: Outbox,
    *,
    days_ago: int,
    now: datetime,
    state: DeliveryState = DeliveryState.ACCEPTED,
    reply: str = "250 2.0.0 Ok",
) -> int:
    """One more edition of the same newsletter to the same readers, that many days ago. Returns its key."""
    at = now - timedelta(days=days_ago)
    edition = Edition(
        newsletter_id=outbox.edition.newsletter_id,
        local_date=date(2026, 3, 1) - timedelta(days=days_ago),
        state=State.SENT,
        version_number=1,
        created_at=at,
        started_at=at,
    )
    session.add(edition)
    session.flush()
    session.add(
        Run(
            edition_id=edition.id,
            newsletter_id=edition.newsletter_id,
            cutoff_at=at,
            span_size=1000,
            fanned_at=at,
            give_up_at=at,
            started_at=at,
            ended_at=at,
            is_fanned_out=True,
        )
    )
    session.flush()
    for row in session.exec(select(Delivery).where(Delivery.edition_id == outbox.edition.id)).all():
        session.add(
            Delivery(
                edition_id=edition.id,
                number=row.number,
                subscriber_id=row.subscriber_id,
                subscription_id=row.subscription_id,
                address=row.address,
                fields=row.fields,
                state=state,
                reply=reply,
                at=at,
            )
        )
    return edition.id
