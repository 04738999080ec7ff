from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx2
import pytest

from service.bounces.hooks import keeping, register
from service.bounces.hooks.models import RelayEvent, RelayHook
from service.bounces.hooks.register import Made
from service.delivery import relay_details, relay_register
from service.dependencies import Resources
from service.fetching import Fetched, Fetcher, WrongKind
from tests.support import relay_events
from tests.support.application import app_of
from tests.support.relay_events import Voice


class Amazon(Fetcher):
    """Stands where Amazon is: it has one certificate, and confirms whatever it is asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def fetch(
        self, url: str, *, accept: str, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched:
        self.asked.append(url)
        if url != relay_events.CERTIFICATE_URL:
            raise WrongKind
        return Fetched(url, 200, "text/plain", None, None, None, None, None, relay_events.certificate())

    async def ping(self, url: str) -> None:
        self.asked.append(url)


@dataclass
class Hooked:
    """A relay with an address for events, and whoever calls it."""

    resources: Resources
    client: httpx2.AsyncClient
    amazon: Amazon
    made: dict[str, Made] = field(default_factory=dict)

    async def relay(self, key: str) -> None:
        """Of that form, named like it, ready to be believed."""
        write, now, keys = self.resources.database.write, self.resources.clock.now(), self.resources.keys
        details = relay_details.read({"name": key, "host": f"{key}.example.com", "tls": "none"})
        await write(relay_register.add, details, password="", keys=keys, now=now, actor="test")
        self.made[key] = await write(register.make, key, key, keys=keys, now=now, actor="test")
        if key in {"sendgrid", "mailgun"}:
            theirs = Voice(key, now).proof.key
            await write(register.enter_key, key, theirs, keys=keys, now=now, actor="test")
        if key == "ses":
            await write(register.confirm, key, relay_events.TOPIC, now=now, actor="test")

    def voice(self, key: str, recipient: str = relay_events.READER) -> Voice:
        return Voice(
            key, self.resources.clock.now(), recipient, secret=self.made[key].key or relay_events.KEY
        )

    async def tell(self, key: str, body: bytes | None = None, **headers: str) -> httpx2.Response:
        call = self.voice(key).call(body)
        return await self.post(key, call.body, {**call.headers, **headers})

    async def post(self, key: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
        return await self.client.post(self.made[key].path, content=body, headers=headers)

    async def hook(self, key: str) -> RelayHook:
        found = await self.resources.database.read(register.of_relay, key)
        assert found is not None
        return found

    async def events(self, key: str) -> list[RelayEvent]:
        return await self.resources.database.read(keeping.latest, (await self.hook(key)).id, limit=2_000)

    async def troubles(self, key: str) -> dict[str, int]:
        return {name: one["count"] for name, one in (await self.hook(key)).troubles.items()}


@pytest.fixture
async def hooked(resources: Resources) -> AsyncIterator[Hooked]:
    amazon = Amazon()
    held = replace(resources, fetcher=amazon)
    transport = httpx2.ASGITransport(app=app_of(held), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://news.example.org") as client:
        yield Hooked(held, client, amazon)
