import shutil
from pathlib import Path

import pytest


@pytest.fixture
def migrated(tmp_path: Path, sqlite_template: Path) -> Path:
    """A folder in which `memo migrate` has been run."""
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "memo.sqlite3")
    return tmp_path
