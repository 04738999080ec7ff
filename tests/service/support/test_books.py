"""The run's own books: what conftest.py promises about skips, tiers and databases."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes

PASSES = "import pytest\n@pytest.mark.parametrize('database', ['sqlite', 'postgresql'])\ndef test_a(database): pass\n"
SKIPS = "import pytest\ndef test_b(): pytest.skip('no browser here')\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    tests = tmp_path / "tests"
    for tier in ("unit", "service", "e2e"):
        (tests / tier).mkdir(parents=True)
    shutil.copy(processes.ROOT / "tests" / "conftest.py", tests)
    (tests / "unit" / "test_u.py").write_text("def test_u(): pass\n", "utf-8")
    (tests / "service" / "test_s.py").write_text(PASSES, "utf-8")
    return tmp_path


def run(house: Path, *options: str, ci: bool) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:anyio",
    ]
    command += ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function", *options]
    env = processes.environment({"CI": "true" if ci else ""})
    return subprocess.run(
        command, cwd=house, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_counts_tiers_and_databases(house: Path) -> None:
    done = run(house, "--require-tiers=unit,service", ci=True)
    assert "Tests that ran: unit 1 · service 2 · e2e 0 · sqlite 1 · postgresql 1" in done.stdout
    assert done.returncode == 0


def test_a_skip_is_a_failure_under_ci_alone(house: Path) -> None:
    (house / "tests" / "e2e" / "test_e.py").write_text(SKIPS, "utf-8")
    assert run(house, ci=False).returncode == 0
    done = run(house, ci=True)
    assert done.returncode == 1
    assert "A skip is a failure under CI: Skipped: no browser here" in done.stdout


def test_a_skipped_module_is_a_failure_under_ci(house: Path) -> None:
    module = "import pytest\npytest.skip('not here', allow_module_level=True)\n"
    (house / "tests" / "e2e" / "test_e.py").write_text(module, "utf-8")
    assert run(house, ci=True).returncode != 0


def test_a_required_tier_without_tests_fails_anywhere(house: Path) -> None:
    done = run(house, "--require-tiers=unit,service,e2e", ci=False)
    assert done.returncode == 1
    assert "no test of e2e ran" in done.stdout


def test_a_database_that_was_left_out_fails_under_ci(house: Path) -> None:
    done = run(house, "-k", "not postgresql", ci=True)
    assert done.returncode == 1
    assert "no test of postgresql ran" in done.stdout
    assert run(house, "-k", "not postgresql", ci=False).returncode == 0


def test_an_unknown_tier_is_refused(house: Path) -> None:
    assert "not browser" in run(house, "--require-tiers=browser", ci=False).stderr
