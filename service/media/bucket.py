"""The store as a bucket of S3, or of anything that speaks like it. Addressed by path: https://host/bucket/prefix/name."""

import re
from collections import OrderedDict
from urllib.parse import urlsplit

from service.clock import Clock
from service.fetching import Answer, Fetcher, FetchFailed
from service.media import signing
from service.media.folder import StoreFailed
from service.media.pictures import CONTENT_TYPES, MOST_MADE_OCTETS
from service.media.signing import Credentials

KEPT_OCTETS = 32_000_000  # of what readers ask for again and again
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class Bucket:
    def __init__(self, address: str, who: Credentials, clock: Clock) -> None:
        """`address`: https://host/bucket, with a prefix if wanted. Whoever set it may mean a host inside."""
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._address = address.rstrip("/")
        self._who = who
        self._clock = clock
        self._fetcher = Fetcher(allow=[f"{parts.hostname}:{port}"])
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_octets = 0

    async def put(self, name: str, body: bytes) -> None:
        answer = await self._ask("PUT", name, body, {"content-type": CONTENT_TYPES[name.rpartition(".")[2]]})
        if answer.status not in {200, 201, 204}:
            raise self._failed(answer)

    async def get(self, name: str) -> bytes | None:
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        answer = await self._ask("GET", name)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._failed(answer)
        self._keep(name, answer.body)
        return answer.body

    async def remove(self, name: str) -> None:
        self._kept_octets -= len(self._kept.pop(name, b""))
        answer = await self._ask("DELETE", name)
        if answer.status not in {200, 204, 404}:
            raise self._failed(answer)

    async def close(self) -> None:
        await self._fetcher.close()

    async def _ask(
        self, method: str, name: str, body: bytes = b"", more: dict[str, str] | None = None
    ) -> Answer:
        url = f"{self._address}/{name}"
        headers = signing.headers(self._who, method, url, body, at=self._clock.now(), more=more)
        try:
            return await self._fetcher.ask(
                method, url, headers=headers, body=body, most_octets=MOST_MADE_OCTETS
            )
        except FetchFailed as error:
            raise StoreFailed(f"The pictures' store cannot be reached: {error.message}") from error

    def _keep(self, name: str, body: bytes) -> None:
        self._kept[name] = body
        self._kept_octets += len(body)
        while self._kept_octets > KEPT_OCTETS:
            _, gone = self._kept.popitem(last=False)
            self._kept_octets -= len(gone)

    def _failed(self, answer: Answer) -> StoreFailed:
        code = _CODE.search(answer.body)
        said = f" ({code[1].decode()})" if code else ""
        return StoreFailed(
            f"The pictures' store answers {answer.status}{said}. Check MEMO_MEDIA_BUCKET, its region and its keys."
        )
