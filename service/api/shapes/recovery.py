import uuid
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from service.api.shapes.moments import Instant
from service.backups.standstill import Standstill

RECOVERY_EXAMPLE: dict[str, Any] = {
    "is_held": True,
    "reason": "A backup of 2026-03-02 05:10:00 UTC was restored.",
    "since": "2026-03-02T07:30:00Z",
    "copy_of": "2026-03-02T05:10:00Z",
    "stopped": [
        {
            "edition": "0198c7a2-9d10-7a51-8f5e-5a0c4c0e7b21",
            "newsletter": "Morning Memo",
            "date": "2026-03-02",
            "accepted": 8000,
            "open": 4000,
        }
    ],
    "missed": [{"newsletter": "Evening Memo", "date": "2026-03-02", "due_at": "2026-03-02T06:00:00Z"}],
}
RELEASED_EXAMPLE = RECOVERY_EXAMPLE | {"is_held": False, "reason": None, "since": None}


class StoppedEdition(BaseModel):
    """`accepted` and `open` as far as the copy of the database knows."""

    edition: uuid.UUID
    newsletter: str
    date: date
    accepted: int
    open: int


class MissedSlot(BaseModel):
    newsletter: str
    date: date
    due_at: Instant


class Recovery(BaseModel):
    """What waits for a person after an older copy of the database was put back."""

    is_held: bool = Field(description="Whether nothing leaves until somebody has decided.")
    reason: str | None
    since: Instant | None
    copy_of: Instant | None = Field(description="The last moment that the copy knows.")
    stopped: list[StoppedEdition]
    missed: list[MissedSlot] = Field(description="Slots that may have been sent after the copy was made.")


def recovery(found: Standstill) -> Recovery:
    hold = found.hold
    return Recovery(
        is_held=hold is not None,
        reason=hold.reason if hold else None,
        since=hold.since if hold else None,
        copy_of=hold.copy_of if hold else None,
        stopped=[
            StoppedEdition(
                edition=one.uid,
                newsletter=one.newsletter,
                date=one.local_date,
                accepted=one.accepted,
                open=one.open,
            )
            for one in found.stopped
        ],
        missed=[
            MissedSlot(newsletter=one.newsletter, date=one.local_date, due_at=one.due_at)
            for one in found.missed
        ],
    )
