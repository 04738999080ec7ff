"""Pages by cursor: `?after=…&limit=…`, with `next` in the answer. A cursor is opaque and good for its own listing only."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from service.errors import Invalid

MOST = 500
USUAL = 50
T = TypeVar("T")
Row = TypeVar("Row")


class CursorInvalid(Invalid):
    """This is no cursor of this listing. Take `next` from the page before, or leave `after` out to begin."""


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = Field(
        description="Give this as `after` for the next page; null: this was the last one."
    )


@dataclass(frozen=True)
class Paging:
    after: str | None
    limit: int

    def start(self, listing: str) -> int:
        """The number after which the page begins."""
        return _read(listing, self.after) if self.after else 0

    def page(
        self, listing: str, rows: Sequence[Row], number: Callable[[Row], int], shown: Callable[[Row], T]
    ) -> Page[T]:
        """`rows` holds one more than the page, if there is one more."""
        kept = rows[: self.limit]
        following = _written(listing, number(kept[-1])) if len(rows) > self.limit else None
        return Page(items=[shown(row) for row in kept], next=following)


def _paging(
    after: Annotated[str | None, Query(description="`next` of the page before.", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most.")] = USUAL,
) -> Paging:
    return Paging(after, limit)


Paged = Annotated[Paging, Depends(_paging)]


def _written(listing: str, number: int) -> str:
    return base64.urlsafe_b64encode(f"{listing}:{number}".encode()).rstrip(b"=").decode()


def _read(listing: str, cursor: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        name, _, number = raw.partition(":")
        if name == listing and number.isascii() and number.isdigit():
            return min(int(number), 2**62)
    except (binascii.Error, ValueError):
        pass
    raise CursorInvalid(field="after")
