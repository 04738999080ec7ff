import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.subscribers.models import State
from service.subscribers.models import Subscriber as SubscriberRow
from service.subscribers.models import Subscription as SubscriptionRow
from service.suppressions.models import Reason
from service.suppressions.models import Suppression as SuppressionRow

SUBSCRIBER_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7a3-1f0a-7e55-8c1d-6a7b8c9d0e1f",
    "newsletter": "morning-memo",
    "address": "ada+memo@example.org",
    "first_name": "Ada",
    "state": "active",
    "requested_at": "2026-03-02T05:30:00Z",
    "confirmed_at": "2026-03-02T05:31:00Z",
    "ended_at": None,
    "ended_because": None,
}
NEW_EXAMPLES: list[Any] = [
    {"newsletter": "morning-memo", "address": "ada+memo@example.org", "first_name": "Ada"},
    {
        "newsletter": "morning-memo",
        "address": "ada+memo@example.org",
        "state": "active",
        "consent": "Signed the list at the library's open day on 28 February 2026.",
    },
]
SUPPRESSION_EXAMPLE: dict[str, Any] = {
    "address": "grace@example.org",
    "reason": "request",
    "source": "key City desk",
    "evidence": "Asked by telephone on 2 March.",
    "created_at": "2026-03-02T05:30:00Z",
    "lifted_at": None,
    "lifted_because": None,
}


class NewSubscriber(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": NEW_EXAMPLES})

    newsletter: str = Field(description="The newsletter's short name.")
    address: str = Field(
        max_length=1100, description="In any spelling; decoration around it is cleaned away."
    )
    first_name: str | None = Field(default=None, max_length=200)
    state: Literal["pending", "active"] = Field(
        default="pending",
        description="`pending`: the reader is asked to confirm. `active`: they have agreed already; say in `consent` where.",
    )
    consent: str | None = Field(
        default=None, max_length=1000, description="Where and when the reader agreed; needed for `active`."
    )


class Subscriber(BaseModel):
    """A person as a reader of one newsletter."""

    uid: uuid.UUID
    newsletter: str
    address: str
    first_name: str | None
    state: State
    requested_at: Instant
    confirmed_at: Instant | None
    ended_at: Instant | None
    ended_because: str | None


class NewSuppression(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "address": "grace@example.org",
                    "reason": "request",
                    "evidence": "Asked by telephone on 2 March.",
                }
            ]
        },
    )

    address: str = Field(max_length=1100)
    reason: Literal["request", "complaint", "manual"] = "manual"
    evidence: str = Field(default="", max_length=1000, description="How you know.")


class LiftedSuppression(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"address": "grace@example.org", "because": "The mailbox works again, she says."}]
        },
    )

    address: str = Field(max_length=1100)
    because: str = Field(min_length=3, max_length=500, description="Kept with the entry.")


class Suppression(BaseModel):
    """An address that gets no mail from any newsletter. `lifted_at` is set once it does again."""

    model_config = ConfigDict(from_attributes=True)

    address: str | None = Field(description="Null where only its keyed hash is kept.")
    reason: Reason
    source: str
    evidence: str
    created_at: Instant
    lifted_at: Instant | None
    lifted_because: str | None


def subscriber(row: SubscriptionRow, person: SubscriberRow, newsletter: str) -> Subscriber:
    return Subscriber(
        uid=row.uid,
        newsletter=newsletter,
        address=person.address,
        first_name=person.first_name,
        state=row.state,
        requested_at=row.requested_at,
        confirmed_at=row.confirmed_at,
        ended_at=row.ended_at,
        ended_because=row.ended_because,
    )


def suppression(row: SuppressionRow) -> Suppression:
    return Suppression.model_validate(row)
