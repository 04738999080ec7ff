"""The settings of a run that has a folder and a database to itself."""

from pathlib import Path

from service import settings


def settings_in(folder: Path, url: str) -> settings.Settings:
    return settings.load(
        data_dir=folder / "var",
        database_url=url,
        public_url="https://news.example.org",
        secret_key="a key for the bench only",
        suppression_pepper="a pepper for the bench only",
    )
