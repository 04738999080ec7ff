import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.backups.standstill import Standstill
from service.cli import copying
from service.cli.copying import PutBack
from service.dependencies import Resources
from service.settings import Settings
from tests.support.postgres import Postgres, programs
from tests.support.relay import Relay

_numbers = itertools.count(1)


@pytest.fixture
def chosen(chosen: Settings) -> Settings:
    return chosen.model_copy(update={"postgresql_programs": programs()})


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        yield relay


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder in which `memo migrate` has been run."""
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "memo.sqlite3")
    return tmp_path


@dataclass(frozen=True)
class Elsewhere:
    """Another machine with an empty database of the same kind."""

    chosen: Settings

    async def put_back(self, copy: Path, *, replace: bool = False) -> PutBack:
        return await asyncio.to_thread(copying.put_back, self.chosen, copy, replace=replace)

    async def restored(self, copy: Path) -> Standstill:
        return (await self.put_back(copy)).standstill


@pytest.fixture
def elsewhere(resources: Resources, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Elsewhere]:
    there = {"data_dir": tmp_path / "elsewhere"}
    if resources.database.is_sqlite:
        url = f"sqlite:///{tmp_path / 'elsewhere' / 'memo.sqlite3'}"
        yield Elsewhere(_with(resources.settings, there | {"database_url": url}))
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database(f"memo_elsewhere_{next(_numbers)}") as url:
        yield Elsewhere(_with(resources.settings, there | {"database_url": url}))


def _with(chosen: Settings, changes: dict[str, object]) -> Settings:
    return Settings.model_validate(chosen.model_dump() | changes)
