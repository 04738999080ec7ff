"""Somebody outside who uses the service over HTTP, as a browser without script or a program does."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

SECONDS = 20


@dataclass(frozen=True)
class Answer:
    status: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


async def get(url: str) -> Answer:
    return await asyncio.to_thread(_ask, urllib.request.Request(url))  # noqa: S310 - our own addresses


async def post_form(url: str, fields: dict[str, str], *, origin: str | None = None) -> Answer:
    headers = {"Origin": origin} if origin else {}
    body = urllib.parse.urlencode(fields).encode()
    return await asyncio.to_thread(_ask, urllib.request.Request(url, body, headers))  # noqa: S310


async def post_json(url: str, values: dict[str, Any], *, key: str, idempotency_key: str) -> Answer:
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    return await asyncio.to_thread(_ask, urllib.request.Request(url, json.dumps(values).encode(), headers))  # noqa: S310


def _ask(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
