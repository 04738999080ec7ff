import uuid
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from service import tokens
from service.subscribers import links

KEYS = tokens.keys_from("new, old")
OLD = tokens.keys_from("old")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@given(st.uuids(), st.integers(0, 2**32 - 1))
def test_a_confirmation_link_comes_back_as_it_was(uid: uuid.UUID, revision: int) -> None:
    claim = links.read_confirm(KEYS, links.confirm_token(KEYS, uid, revision, NOON))
    assert claim == links.ConfirmClaim(uid, revision, NOON)


@given(st.uuids(), st.data())
def test_no_altered_link_is_read(uid: uuid.UUID, data: st.DataObject) -> None:
    token = links.unsubscribe_token(KEYS, uid)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda one: one != token[place]))
    assert links.read_unsubscribe(KEYS, token[:place] + letter + token[place + 1 :]) is None


def test_each_link_has_one_purpose() -> None:
    uid = tokens.new_uid()
    assert links.read_unsubscribe(KEYS, links.confirm_token(KEYS, uid, 1, NOON)) is None
    assert links.read_confirm(KEYS, links.unsubscribe_token(KEYS, uid)) is None
    own_page = links.preferences_token(KEYS, uid)
    assert links.read_preferences(KEYS, own_page) == uid
    assert links.read_unsubscribe(KEYS, own_page) is None
    assert links.read_preferences(KEYS, links.unsubscribe_token(KEYS, uid)) is None


def test_links_outlive_a_change_of_key() -> None:
    uid = tokens.new_uid()
    assert links.read_unsubscribe(KEYS, links.unsubscribe_token(OLD, uid)) == uid
    assert links.read_unsubscribe(OLD, links.unsubscribe_token(KEYS, uid)) is None


def test_a_retry_makes_the_same_link_under_a_newer_key() -> None:
    uid = tokens.new_uid()
    first = links.unsubscribe_token(OLD, uid)
    assert links.unsubscribe_token(KEYS, uid, fingerprint=OLD.fingerprint()) == first
