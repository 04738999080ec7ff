"""What an edition's proof says to a person before it is downloaded: the totals, who is missing, who may have it twice."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from service.delivery import missing, reopening
from service.delivery.reopening import Short
from service.editions.models import Edition
from service.ledger.models import DeliveryState
from service.ledger.rows import DeliveryRow
from service.proofs import facts as proof_facts
from service.proofs.facts import DoesNotAddUp, Facts

NAMED = 5
ENDED_WITHOUT = (*missing.WITHOUT, DeliveryState.HELD)


@dataclass(frozen=True)
class ProofView:
    """`facts` is None if the ledger does not add up, and `problem` says so; `short` is None until the edition has ended."""

    facts: Facts | None
    problem: str | None
    short: Short | None = None
    named: tuple[DeliveryRow, ...] = ()

    def count(self, state: str) -> int:
        return self.facts.totals.of(DeliveryState(state)) if self.facts else 0

    @property
    def beyond_reach(self) -> int:
        """Ended without it, and neither missing nor in doubt: a dead address, suppressed, or gone since."""
        if self.facts is None or self.short is None:
            return 0
        ended = sum(self.facts.totals.of(state) for state in ENDED_WITHOUT)
        return ended - self.short.missing - self.short.held


def of(session: Session, edition: Edition, *, now: datetime) -> ProofView:
    """For an edition that has begun to leave."""
    try:
        found = proof_facts.of(session, edition.uid, now=now)
    except DoesNotAddUp as error:
        return ProofView(None, error.message)
    if not found.is_final:
        return ProofView(found, None)
    looks_short = any(found.totals.of(state) for state in ENDED_WITHOUT)
    short = reopening.short_of(session, edition, looks_short=looks_short)
    named = (
        missing.first(session, edition.id, limit=NAMED)
        if short.missing and found.summarised_at is None
        else []
    )
    return ProofView(found, None, short, tuple(named))
