"""Every test of this tier runs on both databases: `resources` and `client` come once for SQLite and once for PostgreSQL."""

import itertools
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import structlog

from service import migrations, settings
from service.dependencies import Resources, opened
from service.settings import Settings
from tests.support import compiled
from tests.support.application import app_of
from tests.support.clock import HandClock
from tests.support.postgres import Postgres

TEMPLATE = "memo_template"
compiled.share()
# Plain as in the product: those of rich, which is there for other reasons, show every local, and each keeps the loop for seconds.
_renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(
    processors=[*structlog.get_config()["processors"][:-1], _renderer],
    wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
)
_numbers = itertools.count(1)


def _apart(function: Callable[[str], None], url: str) -> None:
    """In a thread without a running loop, for migrations run one of their own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function, url).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "memo.sqlite3"
    _apart(migrations.upgrade, f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgres: Postgres) -> str:
    _apart(migrations.upgrade, postgres.create_database(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def spare_databases(postgres: Postgres) -> Iterator[list[str]]:
    """PostgreSQL databases that a test has had, and that are as good as new."""
    names: list[str] = []
    yield names
    for name in names:
        postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    if request.param == "sqlite":
        path = tmp_path / "memo.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgresql_template")
    spare: list[str] = request.getfixturevalue("spare_databases")
    if spare:
        name = spare.pop()
    else:
        name = f"memo_{next(_numbers)}"
        postgres.create_database(name, template=template)
    yield postgres.url_of(name)
    if postgres.emptied(name, like=template):
        spare.append(name)
    else:
        postgres.drop_database(name)


@pytest.fixture
def clock(hand_clock: HandClock) -> HandClock:
    return hand_clock


@pytest.fixture
def chosen(database_url: str, tmp_path: Path) -> Settings:
    """Settings of the process under test; a test that needs others copies them with `model_copy(update=…)`."""
    return settings.load(
        data_dir=tmp_path / "var",
        database_url=database_url,
        public_url="https://news.example.org",
        secret_key="a key for tests only",
        suppression_pepper="a pepper for tests only",
        uncertain_wait=0.2,
    )


@pytest.fixture
async def resources(chosen: Settings, clock: HandClock) -> AsyncIterator[Resources]:
    async with opened(chosen, clock) as held:
        yield held


@pytest.fixture
async def client(resources: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser-less visitor; the application is called directly, errors come as answers."""
    transport = httpx2.ASGITransport(app=app_of(resources), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://news.example.org") as visitor:
        yield visitor
