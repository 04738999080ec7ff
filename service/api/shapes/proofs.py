"""A proof's JSON as programs read it; the room `proofs` writes it."""

import uuid
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from service.api.shapes.moments import Instant
from service.ledger.models import DeliveryState

ROW_EXAMPLE: dict[str, Any] = {
    "number": 17,
    "address": "a***@example.org",
    "state": "accepted",
    "at": "2026-03-03T05:00:02.125000Z",
    "reply": "250 2.0.0 Ok: queued as 4F2B",
    "reason": None,
    "attempts": 1,
    "unclear": 0,
    "may_have_come_twice": False,
    "rendition": 1,
    "bounced_at": "2026-03-03T05:04:40Z",
    "bounced": "550 5.1.1 no such user",
}
TOTALS_EXAMPLE: dict[str, int] = {
    "audience": 12000,
    "accepted": 11994,
    "refused": 3,
    "expired": 0,
    "skipped": 2,
    "cancelled": 0,
    "held": 1,
    "open": 0,
    "queued": 0,
    "deferred": 0,
    "uncertain": 0,
    "may_have_come_twice": 1,
    "bounced_later": 4,
}
PROOF_EXAMPLE: dict[str, Any] = {
    "proof": {
        "format": "morning-memo.proof",
        "version": 2,
        "newsletter": {"slug": "morning-memo", "name": "Morning Memo", "time_zone": "Europe/Berlin"},
        "edition": {
            "uid": "0198c7a4-0d3e-7b1c-9f00-1a2b3c4d5e6f",
            "date": "2026-03-03",
            "slot": 1,
            "subject": "King tide, ferry bond, later bells",
            "state": "sent",
        },
        "audience": {"readers": 12000, "cutoff_at": "2026-03-03T05:00:00.010000Z"},
        "started_at": "2026-03-03T05:00:00.010000Z",
        "ended_at": "2026-03-03T05:00:31.400000Z",
        "made_at": "2026-03-03T08:12:00Z",
        "is_final": True,
        "addresses": "masked",
        "totals": TOTALS_EXAMPLE,
        "renditions": [
            {
                "rendition": 1,
                "sha256": "9f2b4c1d" * 8,
                "made_at": "2026-03-03T05:00:00Z",
                "version": 2,
                "version_sha256": "0a1b2c3d" * 8,
            }
        ],
    },
    "deliveries": [ROW_EXAMPLE],
    "listed": TOTALS_EXAMPLE,
    "signature": {
        "algorithm": "Ed25519",
        "key": "12cca61ab088e590",
        "sha256": "77aa3c5e" * 8,
        "value": "1YNQ/e6ficrcNVF8OYupm1PDPmArTRLq4HwlOy73qK50/Awfq8Z69lrRKh+Qo0ye0FApJCJ6MhGKJBOlg+FKAQ==",
    },
}
CSV_EXAMPLE = (
    "format,morning-memo.proof\r\nversion,2\r\n…\r\n\r\n"
    "number,address,state,at,reply,reason,attempts,unclear,may_have_come_twice,rendition,bounced_at,bounced\r\n"
    "17,a***@example.org,accepted,2026-03-03T05:00:02.125000Z,250 2.0.0 Ok: queued as 4F2B,,1,0,no,1,,\r\n…\r\n"
)


class ProvenNewsletter(BaseModel):
    slug: str
    name: str
    time_zone: str


class ProvenEdition(BaseModel):
    uid: uuid.UUID
    date: date
    slot: int
    subject: str
    state: str = Field(description="Its standing in words, such as `sent, 3 missing`.")


class ProvenAudience(BaseModel):
    readers: int
    cutoff_at: Instant = Field(description="Whoever was an active subscriber then belongs to it.")


class ProvenRendition(BaseModel):
    rendition: int = Field(description="The number that rows refer to.")
    sha256: str = Field(description="Of the message as bytes with holes for personal values.")
    made_at: Instant
    version: int
    version_sha256: str = Field(description="Of the document it shows.")


class ProofTotals(BaseModel):
    """audience = accepted + refused + expired + skipped + cancelled + held + open; open = queued + deferred + uncertain."""

    audience: int
    accepted: int
    refused: int
    expired: int
    skipped: int
    cancelled: int
    held: int
    open: int
    queued: int
    deferred: int
    uncertain: int
    may_have_come_twice: int
    bounced_later: int = Field(
        description="Of those accepted: they came back, up to ten seconds before the proof."
    )


class ProofFacts(BaseModel):
    format: Literal["morning-memo.proof"]
    version: Literal[2]
    newsletter: ProvenNewsletter
    edition: ProvenEdition
    audience: ProvenAudience
    started_at: Instant
    ended_at: Instant | None
    made_at: Instant
    is_final: bool = Field(description="False: it is still being sent, so rows were changing meanwhile.")
    addresses: Literal["masked", "whole"]
    totals: ProofTotals
    renditions: list[ProvenRendition]


class ProofRow(BaseModel):
    number: int
    address: str
    state: DeliveryState
    at: Instant | None
    reply: str | None = Field(description="What the relay said.")
    reason: str | None = Field(description="What we say where the relay did not.")
    attempts: int
    unclear: int = Field(
        description="How often it was handed over without a clear answer: it may have arrived."
    )
    may_have_come_twice: bool
    rendition: int | None
    bounced_at: Instant | None = Field(description="When it came back, if it did.")
    bounced: str | None = Field(description="What was said then, without addresses.")


class Signature(BaseModel):
    algorithm: Literal["Ed25519"]
    key: str = Field(description="The public key's name at `/proof-keys`.")
    sha256: str = Field(description="Of all bytes before the last line.")
    value: str


class Proof(BaseModel):
    proof: ProofFacts
    deliveries: list[ProofRow]
    listed: ProofTotals = Field(description="The totals once more, counted from these rows.")
    signature: Signature
