import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service import tokens

OLD, NEW = "an old key", "a new key"
KEYS = tokens.keys_from(OLD)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.binary(min_size=1, max_size=60))
def test_what_was_signed_verifies(payload: bytes) -> None:
    assert KEYS.verify("confirm", KEYS.sign("confirm", payload)) == payload


@given(st.binary(min_size=1, max_size=60), st.data())
def test_one_character_changed_never_verifies(payload: bytes, data: st.DataObject) -> None:
    token = KEYS.sign("confirm", payload)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    assume(other != token[at])
    assert KEYS.verify("confirm", token[:at] + other + token[at + 1 :]) is None


@given(st.binary(min_size=1, max_size=60), st.integers(0, 80), st.text(min_size=1, max_size=3))
def test_a_longer_or_shorter_one_never_verifies(payload: bytes, at: int, added: str) -> None:
    token = KEYS.sign("confirm", payload)
    assert KEYS.verify("confirm", token[:at] + added + token[at:]) is None
    assert KEYS.verify("confirm", token[: min(at, len(token) - 1)]) is None


@given(st.text(max_size=300))
def test_any_text_is_no_token(text: str) -> None:
    assert KEYS.verify("confirm", text) is None


def test_a_token_is_good_for_one_purpose_only() -> None:
    token = KEYS.sign("confirm", b"12")
    assert KEYS.verify("unsubscribe", token) is None
    assert KEYS.verify("confirm\0", token) is None


def test_links_outlive_a_change_of_key() -> None:
    token = KEYS.sign("unsubscribe", b"12")
    rotated = tokens.keys_from(f"{NEW}, {OLD}")
    assert rotated.verify("unsubscribe", token) == b"12"
    assert rotated.sign("unsubscribe", b"12") != token, "the first key signs"
    assert tokens.keys_from(NEW).verify("unsubscribe", token) is None, (
        "a key taken out of service opens nothing"
    )


def test_a_retry_signs_with_the_key_it_signed_with_before() -> None:
    before = KEYS.sign("unsubscribe", b"12")
    rotated = tokens.keys_from(f"{NEW} {OLD}")
    assert rotated.sign("unsubscribe", b"12", fingerprint=KEYS.fingerprint()) == before
    assert rotated.sign("unsubscribe", b"12", fingerprint="gone") == rotated.sign("unsubscribe", b"12")


def test_a_token_fits_into_a_link_and_says_the_same_each_time() -> None:
    token = KEYS.sign("unsubscribe", uuid.UUID(int=7).bytes)
    assert set(token) <= set(ALPHABET)
    assert len(token) < 60
    assert token == KEYS.sign("unsubscribe", uuid.UUID(int=7).bytes)


def test_a_kept_secret_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret-key"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(tokens.kept_secret, [path] * 8))
    assert len(found) == 1
    assert len(found.pop()) >= 60
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret-key"]


def test_a_keyed_hash_needs_the_key() -> None:
    assert tokens.keyed_hash("pepper", "ann@example.org") == tokens.keyed_hash("pepper", "ann@example.org")
    assert tokens.keyed_hash("pepper", "ann@example.org") != tokens.keyed_hash("salt", "ann@example.org")


@pytest.mark.parametrize(
    "make", [tokens.new_secret, lambda: tokens.new_secret("memo_"), lambda: str(tokens.new_uid())]
)
def test_no_two_are_alike(make: object) -> None:
    assert callable(make)
    assert len({make() for _ in range(200)}) == 200


def test_ids_made_later_sort_later() -> None:
    made = [tokens.new_uid() for _ in range(50)]
    assert made == sorted(made)
    assert made[0].version == 7
