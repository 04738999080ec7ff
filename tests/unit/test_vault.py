import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import tokens, vault

OLD, NEW = tokens.keys_from("an-old-key"), tokens.keys_from("a-new-key")
BOTH = tokens.keys_from("a-new-key, an-old-key")
PLACE = {"purpose": "dkim", "row": "example.org/memo1"}


@given(st.binary(max_size=3_000))
def test_what_was_locked_can_be_read_again_and_is_not_seen_in_the_box(secret: bytes) -> None:
    box = vault.lock(OLD, secret, **PLACE)
    assert vault.unlock(OLD, box, **PLACE) == secret
    assert len(secret) < 8 or secret not in base64.urlsafe_b64decode(box.rpartition(".")[2])
    assert box.isascii()
    assert len(box) <= 4 * (len(secret) + 2) // 3 + 60


def test_the_same_secret_never_looks_the_same() -> None:
    assert vault.lock(OLD, b"secret", **PLACE) != vault.lock(OLD, b"secret", **PLACE)


def test_the_first_key_locks_and_all_unlock() -> None:
    old = vault.lock(OLD, b"secret", **PLACE)
    assert vault.unlock(BOTH, old, **PLACE) == b"secret"
    new = vault.lock(BOTH, b"secret", **PLACE)
    assert vault.unlock(NEW, new, **PLACE) == b"secret"
    assert not vault.is_current(BOTH, old)
    assert vault.is_current(BOTH, new)


def test_a_key_that_is_gone_is_named_as_the_reason() -> None:
    with pytest.raises(vault.KeyMissing, match="Put the old key back"):
        vault.unlock(NEW, vault.lock(OLD, b"secret", **PLACE), **PLACE)


@pytest.mark.parametrize(
    "place",
    [
        {"purpose": "relay", "row": "example.org/memo1"},
        {"purpose": "dkim", "row": "example.org/memo2"},
        {"purpose": "dkimexample.org", "row": "/memo1"},
    ],
)
def test_a_box_is_worth_nothing_in_another_place(place: dict[str, str]) -> None:
    with pytest.raises(vault.BoxDamaged):
        vault.unlock(OLD, vault.lock(OLD, b"secret", **PLACE), **place)


@given(st.data())
def test_an_altered_box_is_refused(data: st.DataObject) -> None:
    box = vault.lock(OLD, b"secret", **PLACE)
    at = data.draw(st.integers(0, len(box) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHabcdefgh0123456789-_.=\n é"))
    altered = box[:at] + other + box[at + 1 :]
    if altered != box:
        with pytest.raises((vault.BoxDamaged, vault.KeyMissing)):
            vault.unlock(OLD, altered, **PLACE)


def test_there_is_one_spelling_of_a_box() -> None:
    box = vault.lock(
        OLD, b"secret", **PLACE
    )  # 34 octets: the last letter before the == holds two bits that count
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = len(box) - 3
    others = [box[:at] + letter + box[at + 1 :] for letter in letters if letter != box[at]]
    assert box.endswith("==")
    for other in others:
        with pytest.raises(vault.BoxDamaged):
            vault.unlock(OLD, other, **PLACE)


@pytest.mark.parametrize("box", ["", "1", "1..", f"1.{OLD.fingerprint()}.", f"1.{OLD.fingerprint()}.AAAA"])
def test_anything_else_is_refused(box: str) -> None:
    with pytest.raises((vault.BoxDamaged, vault.KeyMissing)):
        vault.unlock(OLD, box, **PLACE)


def test_a_name_that_could_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        vault.lock(OLD, b"secret", purpose="dkim\0", row="")
