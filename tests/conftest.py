"""Fixtures that every tier shares, and the run's own books: which tiers and databases were really tested."""

import gc
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.cli.opening import COLLECTIONS
from tests.support import postgres as postgres_for_tests
from tests.support.clock import HandClock
from tests.support.newsroom import Newsroom
from tests.support.postgres import Postgres
from tests.support.relay import Relay

TESTS = Path(__file__).resolve().parent
TIERS = ("unit", "service", "e2e")
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the run, started by the first test that asks."""
    with postgres_for_tests.server() as server:
        yield server


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        yield relay


@pytest.fixture
async def newsroom() -> AsyncIterator[Newsroom]:
    async with Newsroom() as newsroom:
        yield newsroom


@pytest.fixture
def hand_clock() -> HandClock:
    """Monday, 2 March 2026, half an hour before the memo is due in UTC."""
    return HandClock(datetime(2026, 3, 2, 5, 30, tzinfo=UTC))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-tiers",
        default="",
        metavar="TIERS",
        help="Fail unless tests of each of these tiers ran (unit,service,e2e); service asks for both databases.",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell that starts us in the background may have Ctrl-C ignored, and so would every process that we start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    books = Books(_wanted_tiers(config), is_strict=os.environ.get("CI", "").lower() in ("1", "true"))
    config.pluginmanager.register(books, "morning-memo-books")


def pytest_collection_finish() -> None:
    """What is imported by now stays, as in the product: looking through it again and again took a seventh of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)


def _wanted_tiers(config: pytest.Config) -> list[str]:
    wanted = [tier.strip() for tier in str(config.getoption("--require-tiers")).split(",") if tier.strip()]
    unknown = set(wanted) - set(TIERS)
    if unknown:
        raise pytest.UsageError(
            f"--require-tiers knows {', '.join(TIERS)}, not {', '.join(sorted(unknown))}."
        )
    return wanted


def tier_of(path: Path) -> str | None:
    parts = path.relative_to(TESTS).parts if path.is_relative_to(TESTS) else ()
    return parts[0] if parts and parts[0] in TIERS else None


def database_of(node_id: str) -> str | None:
    """Named by the test's parameters, as in test_x[postgresql-3]."""
    _, _, parameters = node_id.partition("[")
    return next((name for name in DATABASES if name in parameters), None)


class Books:
    """Counts what ran. Under CI a skip is a failure, and so is a tier or a database that nothing tested."""

    def __init__(self, wanted_tiers: list[str], *, is_strict: bool) -> None:
        self._wanted = wanted_tiers
        self._is_strict = is_strict
        self._collected: set[str] = set()
        self._ran: Counter[str] = Counter()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._collected |= {name for name in (tier_of(item.path), database_of(item.nodeid)) if name}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._is_strict and report.skipped and not hasattr(report, "wasxfail"):
            report.outcome = "failed"
            report.longrepr = f"A skip is a failure under CI: {_reason(report)}"
        if report.when == "call":
            self._ran.update(name for name in (tier_of(item.path), database_of(item.nodeid)) if name)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if self._is_strict and report.skipped:
            report.outcome = "failed"
            report.longrepr = f"A skipped module is a failure under CI: {_reason(report)}"
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._missing(session.config) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if terminalreporter.config.option.collectonly:
            return
        line = " · ".join(f"{name} {self._ran[name]}" for name in (*TIERS, *DATABASES))
        terminalreporter.write_line(f"Tests that ran: {line}")
        for name in self._missing(terminalreporter.config):
            terminalreporter.write_line(f"ERROR: no test of {name} ran.", red=True)

    def _missing(self, config: pytest.Config) -> list[str]:
        if config.option.collectonly:
            return []
        wanted = set(self._wanted) | (set(DATABASES) if "service" in self._wanted else set())
        if self._is_strict:
            wanted |= self._collected
        return [name for name in (*TIERS, *DATABASES) if name in wanted and not self._ran[name]]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
