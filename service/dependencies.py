"""What a process holds: opened once in an entrance, passed down, closed at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service import database, jobs, settings, tokens
from service.bounces.matching import Means
from service.clock import Clock, SystemClock
from service.database import Database
from service.delivery.return_paths import ReturnPaths
from service.fetching import Fetcher
from service.jobs import Jobs
from service.media.bucket import Bucket
from service.media.folder import Folder
from service.media.pictures import Store
from service.media.signing import Credentials
from service.settings import Settings, SettingsInvalid


@dataclass(frozen=True)
class Resources:
    settings: Settings
    database: Database
    clock: Clock
    keys: tokens.Keys
    pepper: str
    fetcher: Fetcher
    jobs: Jobs
    media: Store
    templates: Path
    # So many sign-ups are written at once: they wait for each other anyway, and a flood of them leaves connections for everybody else.
    sign_ups: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4), repr=False)

    @property
    def return_paths(self) -> ReturnPaths | None:
        """None: no bounce domain is set, so nothing comes back to us."""
        domain = self.settings.bounce_domain
        return ReturnPaths(self.keys, domain) if domain else None

    @property
    def means(self) -> Means:
        """What proves whom a report is about."""
        return Means(self.keys, self.pepper, self.return_paths)

    def secret_names(self) -> dict[str, str]:
        """Which keys are in use, without telling them: a copy of the database says which ones it needs."""
        return {"key": self.keys.fingerprint(), "pepper": tokens.hashed(f"pepper {self.pepper}")[:12]}

    def url(self, path: str) -> str:
        """An absolute link: always below the configured address, never made from a request (faults.md NB-17)."""
        return f"{self.settings.base_url}/{path.lstrip('/')}"


@asynccontextmanager
async def opened(chosen: Settings, clock: Clock | None = None) -> AsyncIterator[Resources]:
    """Everything a process holds. The schema must be current (`schema.ensure_current`)."""
    opened_database = database.connect(chosen.database)
    opened_jobs = jobs.connect(chosen.database)
    fetcher = Fetcher(allow=chosen.fetch_allow)
    told_by = clock or SystemClock()
    store = store_of(chosen, told_by)
    try:
        yield Resources(
            settings=chosen,
            database=opened_database,
            clock=told_by,
            keys=signing_keys(chosen),
            pepper=chosen.suppression_pepper or tokens.kept_secret(chosen.data_dir / "suppression-pepper"),
            fetcher=fetcher,
            jobs=opened_jobs,
            media=store,
            templates=settings.shipped("templates"),
        )
    finally:
        await store.close()
        await fetcher.close()
        await opened_jobs.close()
        await opened_database.close()


def store_of(chosen: Settings, clock: Clock) -> Store:
    """Where pictures are kept. Raises SettingsInvalid for a bucket without its keys."""
    if not chosen.media_bucket:
        return Folder(chosen.data_dir / "media")
    if not (chosen.media_access_key and chosen.media_secret_key):
        raise SettingsInvalid("MEMO_MEDIA_BUCKET needs MEMO_MEDIA_ACCESS_KEY and MEMO_MEDIA_SECRET_KEY.")
    who = Credentials(chosen.media_access_key, chosen.media_secret_key, chosen.media_region)
    return Bucket(chosen.media_bucket, who, clock)


def signing_keys(chosen: Settings) -> tokens.Keys:
    """Those of the settings, or the one in the data folder, made at the first call."""
    return tokens.keys_from(chosen.secret_key or tokens.kept_secret(_kept_key(chosen)))


def has_signing_keys(chosen: Settings) -> bool:
    return bool(chosen.secret_key) or _kept_key(chosen).exists()


def _kept_key(chosen: Settings) -> Path:
    return chosen.data_dir / "secret-key"
