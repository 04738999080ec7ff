import uuid
from datetime import date
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.articles.models import Feed as FeedRow
from service.editions import rhythm
from service.editions.models import Cadence as CadenceRow
from service.newsletters import publication
from service.newsletters.canary import CanaryRules
from service.newsletters.models import Newsletter as NewsletterRow
from service.newsletters.models import UncertainPolicy
from service.newsletters.publication import DigestRules
from service.newsletters.web import Web
from service.rendering import frames
from service.rendering.themes import Look

DATES_SHOWN = 5
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

DETAILS_EXAMPLE: dict[str, Any] = {
    "slug": "morning-memo",
    "name": "Morning Memo",
    "description": "What the city talks about today, in five minutes.",
    "language": "en",
    "time_zone": "Europe/Berlin",
    "from_name": "Harbor Ledger",
    "from_address": "memo@example.org",
    "reply_to": "desk@example.org",
    "postal_address": "Harbor Ledger, 1 Quay Street, Port Example",
}
LOOK_EXAMPLE: dict[str, Any] = Look(theme="gazette", density="regular").model_dump(mode="json")
NEWSLETTER_EXAMPLE: dict[str, Any] = {
    **DETAILS_EXAMPLE,
    "uid": "0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77",
    "list_id": "morning-memo.example.org",
    "accent": "#b3261e",
    "look": LOOK_EXAMPLE,
    "template": "",
    "consent_wording": "By signing up you agree to receive Morning Memo from Harbor Ledger by mail.",
    "staff": [{"name": "Nora Quist", "role": "Editor"}],
    "is_open": True,
    "uncertain_policy": "repeat_once",
    "lateness_minutes": 120,
    "alarm_address": None,
    "digest": {"item_count": 8, "brief_count": 20, "latest_from": "", "latest_count": 3, "pinned": []},
    "canary": {
        "is_on": None,
        "first_count": 200,
        "wait_seconds": 60,
        "refused_percent": 5,
        "seeds": ["inbox-check@example.org"],
    },
    "deadline_minutes": 30,
    "ping_url": "https://watch.example.org/ping/0b8a6c1e",
    "web": "public",
    "created_at": "2026-03-02T05:30:00Z",
}
CHANGES_EXAMPLE: dict[str, Any] = {"description": "The city before breakfast.", "is_open": False}
RULE_EXAMPLE: dict[str, Any] = {
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "local_time": "06:00",
    "is_automatic": True,
}
CADENCE_EXAMPLE: dict[str, Any] = {
    "slot": 1,
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "local_time": "06:00",
    "time_zone": "Europe/Berlin",
    "is_automatic": True,
    "next": [{"date": f"2026-03-0{day}", "at": f"2026-03-0{day}T05:00:00Z"} for day in (3, 4, 5, 6, 9)],
}
FEED_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7a2-7b11-7d02-8a61-0b5f7a1c9d10",
    "url": "https://news.example.org/feed.xml",
    "title": "Harbor Ledger",
    "next_poll_at": "2026-03-02T05:45:00Z",
    "polled_at": "2026-03-02T05:30:00Z",
    "failures": 0,
    "problem": None,
    "created_at": "2026-03-01T09:00:00Z",
}


class StaffMember(BaseModel):
    name: str
    role: str = ""


class Newsletter(BaseModel):
    """A newsletter with all its details."""

    model_config = ConfigDict(json_schema_extra={"examples": [NEWSLETTER_EXAMPLE]})

    uid: uuid.UUID
    slug: str
    name: str
    description: str
    language: str
    time_zone: str
    from_name: str
    from_address: str
    reply_to: str | None
    list_id: str = Field(description="What readers' filters hang on; it never changes (RFC 2919).")
    postal_address: str
    accent: str
    look: Look
    template: str = Field(description="A page of its own around an edition's blocks; empty: ours.")
    consent_wording: str
    staff: list[StaffMember]
    is_open: bool = Field(description="Whether new readers may sign up.")
    uncertain_policy: UncertainPolicy = Field(
        description="What happens to a message whose fate a lost connection hides: sent once more, or held."
    )
    lateness_minutes: int = Field(description="An occurrence that is later than this is missed, not sent.")
    alarm_address: str | None
    digest: DigestRules
    canary: CanaryRules
    deadline_minutes: int = Field(
        description="An edition is to be handed over within so many minutes of its time."
    )
    ping_url: str | None = Field(
        description="Called (GET) once for each edition of which 99 % was handed over by its deadline, and never for another."
    )
    web: Web = Field(
        description="Who may read editions on the web: everybody, only who has the address in the mail, or nobody."
    )
    created_at: Instant


class NewsletterChanges(BaseModel):
    """Only what is given changes; the short name cannot. What may be written is the same as for a new newsletter."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [CHANGES_EXAMPLE]})

    name: str | None = None
    description: str | None = None
    language: str | None = None
    time_zone: str | None = None
    from_name: str | None = None
    from_address: str | None = None
    reply_to: str | None = None
    postal_address: str | None = None
    accent: str | None = None
    look: Look | None = Field(
        default=None, description="The whole look: a part that is left out is the theme's own again."
    )
    template: str | None = Field(
        default=None,
        max_length=frames.MOST_CHARACTERS,
        description="HTML with names; empty: ours again. It is tried on before it is kept.",
    )
    consent_wording: str | None = None
    staff: list[StaffMember] | None = None
    is_open: bool | None = None
    uncertain_policy: UncertainPolicy | None = None
    lateness_minutes: int | None = None
    alarm_address: str | None = None
    digest: DigestRules | None = None
    canary: CanaryRules | None = None
    deadline_minutes: int | None = None
    ping_url: str | None = None
    web: Web | None = None


class CadenceRule(BaseModel):
    """When a newsletter appears regularly. Weekdays are names, for in some places a week's 0 or 1 is another day."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RULE_EXAMPLE]})

    weekdays: list[str | int] = Field(
        min_length=1,
        max_length=14,
        description="Names such as `mon`, or `weekdays`, `weekends`, `daily`; numbers are refused.",
    )
    local_time: str = Field(max_length=10, description="On the newsletter's wall clock, such as 06:00.")
    is_automatic: bool = Field(
        default=False,
        description="Whether an edition is made and sent from the articles that are new by then.",
    )


class Coming(BaseModel):
    date: date
    at: Instant


class Cadence(BaseModel):
    slot: int
    weekdays: list[Weekday]
    local_time: str
    time_zone: str
    is_automatic: bool
    next: list[Coming] = Field(description="The next five dates.")


class Cadences(BaseModel):
    items: list[Cadence]


class NewFeed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": "https://news.example.org/feed.xml"}]}
    )

    url: str = Field(
        min_length=1, max_length=2000, description="The RSS or Atom feed itself, on the public web."
    )


class Feed(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    uid: uuid.UUID
    url: str
    title: str
    next_poll_at: Instant
    polled_at: Instant | None
    failures: int
    problem: str | None = Field(description="Why it could not be read the last time.")
    created_at: Instant


class Feeds(BaseModel):
    items: list[Feed]


class Newsletters(BaseModel):
    items: list[Newsletter]


def newsletter(row: NewsletterRow) -> Newsletter:
    details = publication.details_of(row).model_dump()
    return Newsletter(uid=row.uid, list_id=row.list_id, created_at=row.created_at, **details)


def cadence(row: CadenceRow) -> Cadence:
    chosen = set(row.weekdays.split(","))
    return Cadence(
        slot=row.slot,
        weekdays=[name for name in get_args(Weekday) if name in chosen],
        local_time=f"{row.local_time:%H:%M}",
        time_zone=row.time_zone,
        is_automatic=row.is_automatic,
        next=[Coming(date=day, at=at) for day, at in rhythm.next_dates(row, DATES_SHOWN)],
    )


def feed(row: FeedRow) -> Feed:
    return Feed.model_validate(row)
