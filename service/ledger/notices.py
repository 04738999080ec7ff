"""Messages that are no edition: queued in the transaction that makes them due, sent in a lane of their own."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from service import database
from service.ledger.models import Notice

GIVE_UP_AFTER = timedelta(hours=24)


def queue(
    session: Session,
    kind: str,
    *,
    address: str,
    payload: dict[str, Any],
    now: datetime,
    subject_id: int | None = None,
) -> Notice:
    """A notice of that kind, due now, by the clock that will ask. Nudge `jobs.Kind.NOTICE` after the commit; a tick finds it in any case.

    `payload` holds what its message will need: it is made only when the notice is taken, then pinned.
    """
    due_at = database.now(session)
    notice = Notice(
        kind=kind,
        address=address,
        payload=payload,
        subject_id=subject_id,
        due_at=due_at,
        give_up_at=due_at + GIVE_UP_AFTER,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    return notice
