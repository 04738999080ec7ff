import pytest

from service.subscribers import signup
from service.subscribers.signup import AddressNeedsSmtputf8, FirstNameInvalid

OWN = "https://news.example.org/n/memo"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", None),
        ("  ", None),
        ("\u200b", None),
        (" Anna ", "Anna"),
        ("Jo\u0308rg", "Jörg"),
        ("张伟", "张伟"),
    ],
)
def test_first_names_are_trimmed(typed: str, kept: str | None) -> None:
    assert signup.read_first_name(typed) == kept


@pytest.mark.parametrize("typed", ["Anna\nBob", "Anna\r", "Anna\x00", "A\u2028B", "A" * 81, "A\x85B"])
def test_first_names_of_more_than_a_line_are_refused(typed: str) -> None:
    with pytest.raises(FirstNameInvalid) as caught:
        signup.read_first_name(typed)
    assert caught.value.field == "first_name"


def test_direction_controls_cannot_turn_the_text_around_a_name() -> None:
    assert signup.read_first_name("An\u202ena") == "Anna"


def test_nb_58_a_local_part_beyond_ascii_is_refused() -> None:
    with pytest.raises(AddressNeedsSmtputf8) as caught:
        signup.read_address("jösé@example.org")
    assert caught.value.field == "email"
    assert "another address" in caught.value.message


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://paper.example.net/a.html", "https://paper.example.net/a.html"),
        ("http://localhost:8000/a?email=x@example.org#top", "http://localhost:8000/a"),
        ("https://name:word@paper.example.net/", "https://paper.example.net/"),
        ("", OWN),
        ("javascript:alert(1)", OWN),
        ("//paper.example.net/", OWN),
        ("https://paper.example.net:x/", OWN),
        ("https://[broken/", OWN),
        ("https://paper.example.net/\x00", OWN),
        ("https://paper.example.net/" + "a" * 1000, OWN),
    ],
)
def test_the_page_is_kept_without_what_was_not_meant_for_us(given: str, kept: str) -> None:
    assert signup.read_page(given, otherwise=OWN) == kept


def test_the_wording_of_another_form_is_kept_as_it_stood() -> None:
    assert signup.read_wording(" Yes,\n send it.\x00 ", otherwise="ours") == "Yes, send it."
    assert signup.read_wording("  ", otherwise="ours") == "ours"
    assert len(signup.read_wording("a" * 5000, otherwise="ours")) == signup.WORDING_CHARACTERS


def test_another_wording_is_another_version() -> None:
    assert signup.version_of("I agree.") != signup.version_of("I agree!")
    assert len(signup.version_of("I agree.")) == signup.VERSION_DIGITS


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "unknown", True),
    ],
)
def test_a_client_is_a_network(one: str, other: str, is_same: bool) -> None:
    assert (signup.client_mark(one, "pepper") == signup.client_mark(other, "pepper")) is is_same
    assert one not in signup.client_mark(one, "pepper")
    assert signup.client_mark(one, "pepper") != signup.client_mark(one, "salt")
