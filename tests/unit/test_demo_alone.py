from pathlib import Path

import pytest

from service.demo import running
from service.demo.running import AlreadyRunning


def test_a_second_demonstration_in_the_same_folder_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "demo"
    with running.alone(folder):
        with pytest.raises(AlreadyRunning, match="end that one"), running.alone(folder):
            pass
        with running.alone(tmp_path / "other" / "demo"):
            pass
    with running.alone(folder):
        pass
