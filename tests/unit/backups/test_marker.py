"""Whether a database goes on from where this machine saw it last."""

import uuid
from pathlib import Path

import pytest

from service.backups import marker
from service.backups.marker import FROM_ELSEWHERE, OLDER, OTHER, Marker
from service.backups.models import Continuity

OURS, BEFORE, STRANGE = (uuid.uuid4() for _ in range(3))


def row(generation: int) -> Continuity:
    return Continuity(lineage=OURS, forebears=[str(BEFORE)], generation=generation)


@pytest.mark.parametrize(
    ("seen", "generation", "on_sqlite", "on_postgresql"),
    [
        (Marker(OURS, 7), 7, None, None),
        (Marker(OURS, 7), 8, None, None),
        (Marker(OURS, 8), 7, OLDER, OLDER),
        (Marker(OURS, 1), 0, OLDER, OLDER),
        (Marker(BEFORE, 900), 7, None, None),
        (Marker(STRANGE, 1), 7, OTHER, OTHER),
        (Marker(STRANGE, 1), 0, None, None),
        (None, 7, FROM_ELSEWHERE, None),
        (None, 0, None, None),
    ],
)
def test_an_older_or_another_database_is_objected_to(
    seen: Marker | None, generation: int, on_sqlite: str | None, on_postgresql: str | None
) -> None:
    assert marker.objection(seen, row(generation), is_sqlite=True) == on_sqlite
    assert marker.objection(seen, row(generation), is_sqlite=False) == on_postgresql


def test_it_is_kept_whole_and_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "var" / "memo.marker"
    assert marker.read(path) is None
    marker.write(path, Marker(OURS, 12))
    assert marker.read(path) == Marker(OURS, 12)
    assert [one.name for one in path.parent.iterdir()] == ["memo.marker"]
    path.write_text('{"lineage": "what", "generation": 3}')
    assert marker.read(path) is None
