from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.delivery import profiles, relay_pace
from service.delivery.models import Relay as RelayRow
from service.delivery.models import Role
from service.delivery.relay_details import PASSWORD_MOST
from service.delivery.relay_pace import QUOTA_MOST, RATE_MOST
from service.delivery.relay_trial import Trial as Tried
from service.delivery.transport import Tls

PACE_EXAMPLE: dict[str, Any] = {"rate": 14, "per_hour": None, "per_day": 50000, "slowed_to": None}
RELAY_EXAMPLE: dict[str, Any] = {
    "name": "amazon-ses",
    "role": "main",
    "is_from_setting": False,
    "host": "email-smtp.eu-central-1.amazonaws.com",
    "port": 587,
    "tls": "required",
    "user": "AKIAEXAMPLE",
    "has_password": True,
    "profile": "ses",
    "connections": None,
    "pace": PACE_EXAMPLE,
    "paused_because": None,
    "problem": None,
    "since": None,
    "wait_until": None,
    "handed_over_at": None,
}
NEW_EXAMPLE: dict[str, Any] = {
    "name": "amazon-ses",
    "host": "email-smtp.eu-central-1.amazonaws.com",
    "user": "AKIAEXAMPLE",
    "password": "the SMTP password of that account",
}
TRIAL_EXAMPLE: dict[str, Any] = {
    "works": False,
    "has_sent": False,
    "queue_id": None,
    "steps": [
        {"name": "host", "state": "works", "said": "192.0.2.25", "advice": "", "seconds": 0.012},
        {
            "name": "connection",
            "state": "failed",
            "said": "No answer in time.",
            "advice": "Nothing comes back. Many hosting companies block port 25: try another one that the relay offers.",
            "seconds": 10.0,
        },
        {"name": "greeting", "state": "not reached", "said": "", "advice": "", "seconds": 0.0},
    ],
}
PROFILES = ", ".join(f"`{one.key}`" for one in profiles.PROFILES)
PASSWORD = Field(
    default=None,
    max_length=PASSWORD_MOST,
    description="Kept encrypted; no answer ever has it. In a change, left out: as it is; empty: none.",
)


class NewRelay(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [NEW_EXAMPLE]})

    name: str = Field(description="Small letters, digits and hyphens; it never changes.")
    host: str
    port: int | None = Field(default=None, description="Left out: 587, or 465 with implicit TLS.")
    tls: Tls = Field(default="required", description="`required` and `opportunistic` are STARTTLS.")
    user: str | None = None
    password: str | None = PASSWORD
    profile: str = Field(default="", description=f"One of {PROFILES}; left out: told by the host.")
    connections: int | None = Field(
        default=None,
        description="At once, from all workers together, one of them for notices; null: "
        "as many as MEMO_RELAY_CONNECTIONS says.",
    )


class RelayChanges(BaseModel):
    """Only what is given changes."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"password": "the new one", "connections": 5}]}
    )

    host: str | None = None
    port: int | None = None
    tls: Tls | None = None
    user: str | None = None
    password: str | None = PASSWORD
    profile: str | None = None
    connections: int | None = None


class NewRole(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"role": "main"}]})

    role: Role


class Pace(BaseModel):
    """What all workers together give this relay; null: no limit of ours."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PACE_EXAMPLE]})

    rate: int | None = Field(default=None, ge=1, le=RATE_MOST, description="Messages a second.")
    per_hour: int | None = Field(default=None, ge=1, le=QUOTA_MOST)
    per_day: int | None = Field(default=None, ge=1, le=QUOTA_MOST, description="In any 24 hours.")
    slowed_to: int | None = Field(
        default=None,
        ge=1,
        le=RATE_MOST,
        description="Messages a second for now, beside `rate`: the lesser one counts.",
    )


class WantedTrial(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "ops@example.org"}]})

    to: str = Field(
        default="", max_length=320, description="Who gets the test message; left out: nothing is sent."
    )
    from_address: str = Field(
        default="", max_length=320, description="Its sender; left out: that of a newsletter."
    )


class Relay(BaseModel):
    """A mail server that takes our messages. It has a password or none; the password itself is never told."""

    name: str
    role: Role
    is_from_setting: bool = Field(
        description="Told by MEMO_RELAY_URL: it is the main relay, and is changed there."
    )
    host: str
    port: int
    tls: str
    user: str | None
    has_password: bool
    profile: str
    connections: int | None
    pace: Pace
    paused_because: str | None = Field(description="Why a person paused it; null: it is not paused.")
    problem: str | None = Field(description="What it last said or did, if it does not take messages now.")
    since: Instant | None
    wait_until: Instant | None = Field(description="It is left alone until then.")
    handed_over_at: Instant | None = Field(
        description="Since when the fallback stands in, because this one is out of reach."
    )


class Relays(BaseModel):
    items: list[Relay]


class Step(BaseModel):
    name: str
    state: Literal["works", "look at this", "failed", "not reached"]
    said: str = Field(description="What happened.")
    advice: str = Field(description="What to do about it.")
    seconds: float


class Trial(BaseModel):
    works: bool
    has_sent: bool = Field(description="Whether the relay took a test message.")
    queue_id: str | None = Field(description="The relay's own number for that message.")
    steps: list[Step]


def relay(row: RelayRow) -> Relay:
    known = {name: getattr(row, name) for name in Relay.model_fields if name not in {"has_password", "pace"}}
    has_password = row.password_box is not None
    if row.is_from_setting:
        has_password = row.user is not None
    return Relay.model_validate(
        known | {"has_password": has_password, "pace": relay_pace.of(row).model_dump()}
    )


def trial(tried: Tried) -> Trial:
    return Trial(
        works=tried.works,
        has_sent=tried.has_sent,
        queue_id=tried.queue_id,
        steps=[
            Step(
                name=step.name,
                state=step.state.value,
                said=step.said,
                advice=step.advice,
                seconds=step.seconds,
            )
            for step in tried.steps
        ],
    )
