import uuid
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.editions.models import Edition as EditionRow
from service.editions.models import State
from service.ledger.models import DeliveryState, Lane
from service.ledger.rows import DeliveryRow
from service.newsletters import web
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document

DOCUMENT_EXAMPLE: dict[str, Any] = {
    "subject": "King tide, ferry bond, later bells",
    "preheader": "What the city talks about today.",
    "blocks": [
        {"kind": "masthead"},
        {
            "kind": "lead",
            "headline": "King tide floods Water Street before dawn",
            "body_markdown": "The water came at **four** in the morning.",
            "url": "https://news.example.org/articles/king-tide-water-street",
            "read_more": True,
        },
        {"kind": "briefs", "heading": "In brief", "items": [{"headline": "The library opens on Sundays"}]},
    ],
}
EDITION_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7a4-0d3e-7b1c-9f00-1a2b3c4d5e6f",
    "newsletter": "morning-memo",
    "date": "2026-03-03",
    "slot": 1,
    "state": "scheduled",
    "standing": "scheduled",
    "is_automatic": False,
    "version": 2,
    "subject": "King tide, ferry bond, later bells",
    "scheduled_at": "2026-03-03T05:00:00Z",
    "time_zone": "Europe/Berlin",
    "started_at": None,
    "ended_at": None,
    "stop_reason": None,
    "missing_count": 0,
    "web_url": "https://memo.example.org/n/morning-memo/2026-03-03",
    "created_at": "2026-03-02T15:20:00Z",
}
WHOLE_EXAMPLE: dict[str, Any] = {**EDITION_EXAMPLE, "document": DOCUMENT_EXAMPLE}
SENT_AGAIN_EXAMPLE: dict[str, Any] = {"readers": 3, "edition": {**WHOLE_EXAMPLE, "state": "sending"}}
NEW_EXAMPLES: list[Any] = [
    {"newsletter": "morning-memo", "date": "2026-03-03", "document": DOCUMENT_EXAMPLE},
    {"newsletter": "morning-memo", "articles": ["0198c7a2-9c01-7aa1-b3c2-5d4e3f2a1b00"]},
    {"newsletter": "morning-memo", "automatic": True},
]
SCHEDULE_EXAMPLES: list[Any] = [{"at": "2026-03-03T06:00"}, {"at": "2026-03-03T06:00:00+01:00"}]
TEST_EXAMPLE: dict[str, Any] = {"addresses": ["nora@example.org"]}
PREVIEW_EXAMPLE: dict[str, Any] = {
    "sender": "Harbor Ledger <memo@example.org>",
    "to": "nora@example.org",
    "subject": "King tide, ferry bond, later bells",
    "html": '<!doctype html><html lang="en">…</html>',
    "text": "MORNING MEMO\n\nKing tide floods Water Street before dawn\n…",
    "html_octets": 38211,
    "warnings": [],
}
DELIVERY_EXAMPLE: dict[str, Any] = {
    "number": 17,
    "address": "ada+memo@example.org",
    "state": "deferred",
    "attempts": 1,
    "reply": "451 4.7.1 Greylisted, try again later",
    "at": "2026-03-03T05:00:02Z",
    "due_at": "2026-03-03T05:05:02Z",
}
STANDING = "The state as the desk says it: `sent, 3 missing` if readers do not have it who should."
MISSING = "Once sent: readers who certainly do not have it and could be sent to, as counted when it ended."
OUTLOOK_EXAMPLE: dict[str, Any] = {
    "readers": 61000,
    "quota": "amazon-ses may take 50,000 more of its 50,000 messages in 24 hours: 11,000 of 61,000 readers have to wait "
    "until more is allowed, and get it then.",
}


class NewEdition(BaseModel):
    """Exactly one of `document` (blocks as you want them), `articles` (the first leads) and `automatic` (what is new)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": NEW_EXAMPLES})

    newsletter: str = Field(description="The newsletter's short name.")
    local_date: date | None = Field(
        default=None,
        alias="date",
        description="The day it is for; without it, today in the newsletter's zone.",
    )
    document: Document | None = None
    articles: list[uuid.UUID] | None = Field(default=None, min_length=1, max_length=30)
    automatic: bool = False

    @property
    def ways(self) -> int:
        return sum((self.document is not None, self.articles is not None, self.automatic))


class Edition(BaseModel):
    uid: uuid.UUID
    newsletter: str
    date: date
    slot: int = Field(description="The second edition of a day has 2.")
    state: State
    standing: str = Field(description=STANDING)
    is_automatic: bool
    version: int = Field(description="The number of the newest version of its document.")
    subject: str
    scheduled_at: Instant | None
    time_zone: str = Field(description="The newsletter's: what a time without an offset was meant in.")
    started_at: Instant | None
    ended_at: Instant | None
    stop_reason: str | None
    missing_count: int = Field(description=MISSING)
    web_url: str | None = Field(description="Null where the newsletter is sent by mail only.")
    created_at: Instant


class WholeEdition(Edition):
    document: Document


class SentAgain(BaseModel):
    readers: int = Field(description="How many it goes to now, unless they leave before their turn.")
    edition: WholeEdition


class Moment(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": SCHEDULE_EXAMPLES})

    at: str = Field(
        max_length=40, description="RFC 3339; without an offset it is meant on the newsletter's own clock."
    )


class Departure(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"lane": "breaking"}]})

    lane: Lane = Field(
        default=Lane.SCHEDULED,
        description="`breaking`: before every edition that is under way, without a first few that go ahead. It takes no slot of the "
        "newsletter's regular edition, which leaves all the same.",
    )


class Outlook(BaseModel):
    readers: int = Field(description="Active subscribers that may be mailed, at this moment.")
    quota: str | None = Field(
        description="What the relay's quota does not leave; null: enough for all of them."
    )


class WantedPace(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"per_second": 50}]})

    per_second: int | None = Field(ge=1, le=100_000, description="Null: full speed again.")


class Reason(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "The lead has a wrong name in it."}]}
    )

    reason: str = Field(default="", max_length=300, description="Shown at the desk.")


class TestAddresses(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TEST_EXAMPLE]})

    addresses: list[str] = Field(min_length=1, max_length=10)


class TestsQueued(BaseModel):
    addresses: list[str] = Field(description="As they are written to.")


class Preview(BaseModel):
    sender: str
    to: str = Field(description="Whose message it is; `reader@example.org` stands for nobody in particular.")
    subject: str
    html: str
    text: str
    html_octets: int
    warnings: list[str]


class Delivery(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    address: str
    state: DeliveryState
    attempts: int
    reply: str | None
    at: Instant | None
    due_at: Instant | None = Field(description="When it is tried again, while it is open.")


def edition(row: EditionRow, newsletter: Newsletter, document: Document, base_url: str) -> Edition:
    return Edition(**_values(row, newsletter, document, base_url))


def whole(row: EditionRow, newsletter: Newsletter, document: Document, base_url: str) -> WholeEdition:
    return WholeEdition(document=document, **_values(row, newsletter, document, base_url))


def delivery(row: DeliveryRow) -> Delivery:
    return Delivery.model_validate(row)


def _values(row: EditionRow, newsletter: Newsletter, document: Document, base_url: str) -> dict[str, Any]:
    return {
        "uid": row.uid,
        "newsletter": newsletter.slug,
        "date": row.local_date,
        "slot": row.slot,
        "state": row.state,
        "standing": row.standing,
        "is_automatic": row.is_automatic,
        "version": row.version_number,
        "subject": document.subject,
        "scheduled_at": row.scheduled_at,
        "time_zone": newsletter.time_zone,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "stop_reason": row.stop_reason,
        "missing_count": row.missing_count,
        "web_url": web.address(newsletter, row.local_date, row.slot, base_url=base_url),
        "created_at": row.created_at,
    }
