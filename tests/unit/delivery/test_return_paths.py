"""The sender of an envelope names its delivery, and nobody else can name one."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from service import addresses
from service.delivery import profiles, return_paths
from service.delivery.return_paths import Named, ReturnPaths
from service.tokens import Keys, keys_from

DOMAIN = "bounces.news.example.org"
PATHS = ReturnPaths(keys_from("a key for tests only"), DOMAIN)
ids = st.integers(min_value=1, max_value=2**48 - 1)
numbers = st.integers(min_value=1, max_value=2**32 - 1)


@settings(max_examples=40)
@given(ids, numbers)
def test_it_names_a_delivery(edition_id: int, number: int) -> None:
    path = PATHS.of_delivery(edition_id, number)
    assert PATHS.read(path) == Named(edition_id, number)
    assert addresses.parse(path).wire == path
    assert len(path.partition("@")[0]) == return_paths.LOCAL_PART_OCTETS <= 64


def test_it_names_a_notice() -> None:
    found = PATHS.read(PATHS.of_notice(7))
    assert found == Named(7, 0)
    assert found.is_notice


@settings(max_examples=40)
@given(ids, numbers)
def test_nb_31_the_case_of_letters_does_not_matter(edition_id: int, number: int) -> None:
    path = PATHS.of_delivery(edition_id, number)
    mixed = "".join(
        letter.upper() if number >> place % 32 & 1 else letter for place, letter in enumerate(path)
    )
    for spelling in (path.upper(), mixed, f"{path}."):
        assert PATHS.read(spelling) == Named(edition_id, number)


@settings(max_examples=40)
@given(ids, numbers, st.integers(min_value=0, max_value=39), st.integers(min_value=1, max_value=15))
def test_nb_31_a_forged_one_names_nobody(edition_id: int, number: int, place: int, change: int) -> None:
    local, _, domain = PATHS.of_delivery(edition_id, number).partition("@")
    at = len("bounce-") + place
    digit = f"{int(local[at], 16) ^ change:x}"
    altered = f"{local[:at]}{digit}{local[at + 1 :]}@{domain}"
    assert PATHS.read(altered) is None
    assert return_paths.has_form(altered)


@settings(max_examples=40)
@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    assert PATHS.read(text) is None
    assert PATHS.read(f"bounce-{text}@{DOMAIN}") is None


def test_hostile_ones_name_nobody() -> None:
    path = PATHS.of_delivery(3, 4)
    local = path.partition("@")[0]
    hostile = [
        local,
        f"{local}@news.example.org",
        f"{local}@evil.{DOMAIN}",
        f"{local}@{DOMAIN}@example.net",
        f"{local}\n@{DOMAIN}",
        f" {local}@{DOMAIN}",
        f"{local[:-1]} @{DOMAIN}",
        f"{local}0@{DOMAIN}",
        f"<{path}>",
        re.sub("bounce-", "bounce+", path),
        # Digits that Unicode knows and the form does not.
        f"{local[:-1]}٣@{DOMAIN}",
        f"bounce-{'0' * 40}@{DOMAIN}",
    ]
    assert [PATHS.read(one) for one in hostile] == [None] * len(hostile)


def test_it_outlives_a_change_of_key() -> None:
    old, new = keys_from("old"), keys_from("new")
    path = ReturnPaths(old, DOMAIN).of_delivery(5, 6)
    assert ReturnPaths(Keys(new.values + old.values), DOMAIN).read(path) == Named(5, 6)
    assert ReturnPaths(new, DOMAIN).read(path) is None


def test_a_relay_with_its_own_sender_is_left_its_own() -> None:
    assert {one.key for one in profiles.PROFILES if profiles.takes_return_paths(one.key)} == {
        "postfix",
        "generic",
    }
    assert profiles.takes_return_paths("")  # the built-in mailbox has no profile
