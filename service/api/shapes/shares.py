import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.editions import sharing
from service.editions.models import Share as ShareRow
from service.tokens import Keys

SHARE_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7b0-1f2e-7d3c-8a00-5b6c7d8e9f01",
    "url": "https://memo.example.org/shared/AZjHsB8ufTyKAFtsfY6fARr3kQm1",
    "made_by": "Nora Lind",
    "created_at": "2026-03-02T15:20:00Z",
    "expires_at": "2026-03-04T15:20:00Z",
}


class NewShare(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"hours": 48}]})

    hours: int = Field(default=sharing.USUAL_HOURS, ge=1, le=sharing.MOST_HOURS)


class Share(BaseModel):
    uid: uuid.UUID
    url: str = Field(description="Opens the edition to whoever has it, without signing in.")
    made_by: str
    created_at: Instant
    expires_at: Instant


class Shares(BaseModel):
    items: list[Share]


def share(row: ShareRow, keys: Keys, base_url: str) -> Share:
    return Share(
        uid=row.uid,
        url=f"{base_url}/shared/{sharing.token(keys, row)}",
        made_by=row.made_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
