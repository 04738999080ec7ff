"""How many readers heard the same refusal lately, from all workers together: a worker by itself knows only what it heard.

Asked of the ledger, which has no index for it: a look at the rows of the spans that are held. So it is asked seldom; see `sameness`.
"""

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.delivery import wave_end
from service.ledger.models import Delivery, DeliveryState, Span

ANSWERED = (DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.DEFERRED)


def count(session: Session, edition_id: int, wave: str, *, last: int) -> int:
    """Among the `last` outcomes of this edition. A row that waits for its turn again, since somebody has resumed, is none of them."""
    waits_no_more = sa.and_(
        col(Delivery.state) == DeliveryState.DEFERRED, col(Delivery.due_at) <= database.utc_now()
    )
    query = (
        sa.select(col(Delivery.state), col(Delivery.address), col(Delivery.reply))
        .select_from(Span)
        .join(
            Delivery,
            sa.and_(
                col(Delivery.edition_id) == edition_id,
                col(Delivery.number) >= col(Span.first),
                col(Delivery.number) < col(Span.last),
            ),
        )
        .where(
            col(Span.edition_id) == edition_id,
            col(Span.renewed_at).is_not(None),
            col(Delivery.state).in_(ANSWERED),
            col(Delivery.attempts) > col(Delivery.attempts_before),
            ~waits_no_more,
        )
        .order_by(col(Delivery.at).desc())
        .limit(last)
    )
    return sum(
        state is not DeliveryState.ACCEPTED and wave_end.belongs(reply or "", address, wave)
        for state, address, reply in session.execute(query)
    )
