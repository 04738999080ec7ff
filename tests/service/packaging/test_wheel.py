"""What `pip install .` puts on a computer: our package and nothing beside it, with all it needs to run from any folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.unit.house.sources import ROOT, kept


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline, by the pinned build tool."""
    folder = tmp_path_factory.mktemp("a wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_nothing_lands_in_the_package_of_somebody_else(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"service"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


@pytest.mark.parametrize("folder", ["templates", "static", "alembic", "examples"])
def test_a_shipped_folder_is_whole(names: set[str], folder: str) -> None:
    wanted = {f"service/_shipped/{name}" for name in kept() if name.startswith(f"{folder}/")}
    assert wanted
    assert not wanted - names


def test_the_catalogues_of_our_own_texts_are_shipped(names: set[str]) -> None:
    wanted = {name for name in kept() if name.endswith(".po")}
    assert len(wanted) > 2
    assert not wanted - names


def test_only_what_runs_is_shipped(names: set[str]) -> None:
    odd = [
        name
        for name in names
        if "__pycache__" in name or name.endswith((".pyc", ".sqlite3")) or "/tests/" in name
    ]
    assert not odd
    assert "service/_shipped/alembic/__init__.py" not in names


def test_it_finds_its_folders_when_it_is_not_a_checkout(wheel: Path, tmp_path: Path) -> None:
    """Unpacked as an installer does it; with the installed dependencies, but none of the checkout on the path."""
    place = tmp_path / "site packages"
    zipfile.ZipFile(wheel).extractall(place)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from service import migrations, schema, settings\n"
        "assert settings.__file__.startswith(sys.argv[1]), settings.__file__\n"
        "for name in ('templates', 'static', 'alembic', 'examples'):\n"
        "    assert settings.shipped(name).is_relative_to(sys.argv[1]), name\n"
        "from service.languages import speaking\n"
        "assert speaking.of('ar').say('Unsubscribe') != 'Unsubscribe'\n"
        "migrations.upgrade('sqlite:///memo.sqlite3'); schema.ensure_current('sqlite:///memo.sqlite3')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(place)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "memo.sqlite3").exists()


def test_the_command_is_named(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "memo = service.cli:main" in archive.read(points).decode()
