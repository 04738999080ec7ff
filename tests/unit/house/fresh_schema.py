"""`make migrations`: a fresh SQLite goes up to head, and then the tables in code and database must be the same."""

import tempfile
from pathlib import Path

from service import migrations


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'fresh.sqlite3'}"
        migrations.upgrade(url)
        migrations.check(url)


if __name__ == "__main__":
    main()
