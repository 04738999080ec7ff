"""What a picture of ours is, and what is refused as one."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from service.errors import Invalid

MOST_OCTETS = 10_000_000  # of a picture on its way in
MOST_MADE_OCTETS = 2_000_000  # of one that is kept
MOST_WIDTH = 1200  # twice the column of an edition, for screens that have two points to a pixel
MOST_HEIGHT = 4000
NAME = re.compile(r"[0-9a-f]{64}\.(?:jpg|png)")
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_PATH = re.compile(rf"https?://[^/?#]+(?:/[^?#]*)?/media/({NAME.pattern})\Z", re.IGNORECASE)


class PictureInvalid(Invalid):
    """This is no picture that can be used here. Save it as JPEG or PNG and try again."""


@dataclass(frozen=True)
class Made:
    """A picture as it is kept: 8 bits a colour in sRGB, upright, with nothing in it but what is seen."""

    body: bytes
    extension: str
    width: int
    height: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def name(self) -> str:
        return f"{self.sha256}.{self.extension}"


class Store(Protocol):
    """Where the bytes are. Names are made of them, so what is there once never changes. Raises StoreFailed."""

    async def put(self, name: str, body: bytes) -> None: ...

    async def get(self, name: str) -> bytes | None: ...

    async def remove(self, name: str) -> None: ...

    async def close(self) -> None: ...


async def take(store: Store, raw: bytes) -> Made:
    """Make it fit for mail and keep its bytes. Raises PictureInvalid with what to do, StoreFailed."""
    if len(raw) > MOST_OCTETS:
        raise PictureInvalid(
            f"This picture is larger than {MOST_OCTETS // 1_000_000} MB. Save a smaller one."
        )
    made = await asyncio.to_thread(_made, raw)
    await store.put(made.name, made.body)
    return made


def path_of(name: str) -> str:
    return f"media/{name}"


def own_name(address: str) -> str | None:
    """The name in an address of ours, whatever host it was made for; None for any other address."""
    found = _PATH.match(address)
    return found[1] if found else None


def _made(raw: bytes) -> Made:
    from service.media import processing

    return processing.made(raw)
