"""NB-55: a list of many thousands takes hardly more memory than one of a thousand."""

import subprocess
import sys
from pathlib import Path

from tests.service.command.test_import import made
from tests.service.imports.steps import rows
from tests.support.processes import environment

MEGABYTE = 1024  # ru_maxrss counts kilobytes on Linux
FEW, MANY = 1_000, 40_000
MOST_GROWN = 20  # of the 50 MB that 100,000 may take: they took 15

# A process of its own for each, whose peak is that of its one child.
MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "service", "import", "morning-memo", sys.argv[1], "--consent", "On paper."], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(folder: Path, count: int) -> float:
    name = f"{count}.csv"
    (folder / name).write_text(rows(count, f"of{count}-"))
    told = subprocess.run(
        [sys.executable, "-c", MEASURED, name],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"{count:,}  new readers" in told
    return int(told.split()[-1]) / MEGABYTE


def test_nb_55_memory_does_not_grow_with_the_list(migrated: Path) -> None:
    made(migrated)
    assert peak(migrated, MANY) - peak(migrated, FEW) < MOST_GROWN
