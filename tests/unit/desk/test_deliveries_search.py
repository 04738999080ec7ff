import pytest

from service.desk import deliveries


@pytest.mark.parametrize(
    "typed",
    [
        "user@example.org",
        " user@example.org ",
        "user@example.org\n",
        "\u200buser@example.org",
        "<user@example.org>",
        "mailto:user@example.org",
        "user@example.org.",
    ],
)
def test_nb_20_every_spelling_is_looked_for_as_one_address(typed: str) -> None:
    assert deliveries.searched(typed) == "user@example.org"


@pytest.mark.parametrize(
    ("typed", "looked_for"), [("exam", "exam"), ("<mara@", "mara@"), ("@example.org", "@example.org")]
)
def test_a_part_of_an_address_is_looked_for_as_it_is(typed: str, looked_for: str) -> None:
    assert deliveries.searched(typed) == looked_for


@pytest.mark.parametrize("typed", ["", "  ", "\u200b", "<>"])
def test_nothing_typed_is_no_search(typed: str) -> None:
    assert deliveries.searched(typed) is None
