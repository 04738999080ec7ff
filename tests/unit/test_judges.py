"""What the judges find is new, borne, or a row that nobody needs."""

from tests.judges import borne
from tests.judges.borne import Borne, Finding

ROWS = (Borne("vnu", "The “(width|align)” attribute .*", "layout"),)
KNOWN = Finding("vnu", "emoji", "The “width” attribute is obsolete")


def test_what_is_borne_is_no_fault() -> None:
    assert borne.faults([KNOWN, KNOWN._replace(page="hostile")], ROWS) == []


def test_what_is_new_is_a_fault_and_said_once_with_its_first_page() -> None:
    new = Finding("vnu", "hostile", "Duplicate ID")
    elsewhere = KNOWN._replace(tool="html-validate")
    assert borne.faults([new, KNOWN, new._replace(page="emoji"), elsewhere], ROWS) == [
        "vnu, hostile: Duplicate ID",
        "html-validate, emoji: The “width” attribute is obsolete",
    ]
    beyond = Finding("vnu", "emoji", f"x {KNOWN.said}")
    assert borne.faults([KNOWN, beyond], ROWS) == [f"vnu, emoji: x {KNOWN.said}"]


def test_a_row_that_nobody_needs_is_a_fault() -> None:
    (fault,) = borne.faults([], ROWS)
    assert "take it out" in fault


def test_every_row_has_a_reason() -> None:
    assert all(len(row.reason) > 20 for row in borne.BORNE)
