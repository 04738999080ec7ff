from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.delivery.models import DkimKey as Row
from service.delivery.models import DkimKeyState

KEY_EXAMPLE: dict[str, Any] = {
    "domain": "news.example.org",
    "selector": "memo-20261127",
    "state": "ready",
    "bits": 2048,
    "record_name": "memo-20261127._domainkey.news.example.org",
    "record": "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA",
    "created_at": "2026-11-27T09:00:00Z",
    "activated_at": None,
    "retired_at": None,
}


class NewDkimKey(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"domain": "news.example.org"}]}
    )

    domain: str = Field(max_length=300, description="What stands behind the @ of a newsletter's sender.")
    selector: str = Field(
        default="", max_length=100, description="Its name in the DNS; left out: made from today's date."
    )
    private_key: str | None = Field(
        default=None,
        max_length=20_000,
        description="An RSA key of 2048 to 4096 bits in PEM form, to take in one that exists; left out: one is made. "
        "Kept encrypted; no answer ever has it.",
    )


class DkimKey(BaseModel):
    """A key that signs messages, or will or did. Its private half is never told."""

    domain: str
    selector: str
    state: DkimKeyState
    bits: int
    record_name: str = Field(description="The name of the TXT record to publish.")
    record: str = Field(description="The text of that record.")
    created_at: Instant
    activated_at: Instant | None
    retired_at: Instant | None = Field(description="It signs nothing new since then.")


class DkimKeys(BaseModel):
    items: list[DkimKey]


def dkim_key(row: Row) -> DkimKey:
    from service.delivery import dkim_material

    return DkimKey(
        **row.model_dump(include=set(DkimKey.model_fields)),
        record_name=dkim_material.record_name(row.domain, row.selector),
        record=dkim_material.record_text(row.public),
    )
