"""What every text of the project leaves out, and what mail templates and migrations must have."""

import re

import pytest

from tests.unit.house import sources

# Spelled in two parts, so that this file does not name them.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "registry." + "npmjs.org",
    "proxy." + "golang.org",
    "crates" + ".io",
    "repo.maven" + ".apache.org",
    "deb." + "debian.org",
]
HOSTS = re.compile("|".join(re.escape(host) for host in REGISTRIES))
# Folders of one computer: a checkout, a home.
PLACES = re.compile(r"(?<![\w.~-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+)(?=[/\s\"'`]|$)")
PARTS = {"subject.txt", "body.html", "body.txt"}


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number} {hit.group()}"
        for path, text in sources.texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if (hit := pattern.search(line))
    ]


def test_no_text_names_a_package_registry() -> None:
    assert len(sources.texts()) > 50
    assert not found(HOSTS)


def test_no_text_names_a_place_on_one_computer() -> None:
    assert not found(PLACES)


@pytest.mark.parametrize("line", ["cd /wo" + "rk/x", '"/ro' + 'ot/.cache"', "see /ho" + "me/ann/memo"])
def test_a_place_is_noticed(line: str) -> None:
    assert PLACES.search(line)


def test_every_mail_has_a_subject_and_both_bodies() -> None:
    folders = [folder for folder in (sources.ROOT / "templates/email").iterdir() if folder.is_dir()]
    assert folders
    incomplete = {folder.name: PARTS - {file.name for file in folder.iterdir()} for folder in folders}
    assert not {name: missing for name, missing in incomplete.items() if missing}


def test_our_migrations_are_no_package() -> None:
    """With an `__init__.py` they would stand in the way of the alembic that they are for."""
    assert not list((sources.ROOT / "alembic").rglob("__init__.py"))
