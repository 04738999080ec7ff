import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import addresses
from service.addresses import AddressInvalid

SAME = [
    "User@Example.ORG",
    "user@example.org",
    " user@example.org ",
    "user@example.org\n",
    "\u200buser@example.org",
    "us\u200ber@exam\u00adple.org",
    "\ufeffuser@example.org",
    "<user@example.org>",
    "mailto:user@example.org",
    "<mailto:user@example.org>",
    "user@example.org.",
]


@pytest.mark.parametrize("text", SAME)
def test_nb_20_one_person_under_every_spelling(text: str) -> None:
    assert addresses.parse(text).key == "user@example.org"


def test_nb_20_the_local_part_is_sent_as_it_was_typed() -> None:
    parsed = addresses.parse("Ann.Editor@Example.ORG")
    assert parsed.wire == "Ann.Editor@example.org"
    assert parsed.domain == "example.org"


def test_nb_20_a_tag_is_another_address_of_the_same_mailbox() -> None:
    tagged, plain = addresses.parse("user+tag@example.org"), addresses.parse("user@example.org")
    assert tagged.key != plain.key
    assert addresses.without_tag(tagged.key) == plain.key
    assert addresses.without_tag("+only@example.org") == "+only@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\u200b",
        "nobody",
        "@example.org",
        "a@",
        "a@b",
        "a@@example.org",
        "a b@example.org",
        "us\u00a0er@example.org",
        "a@example.org, b@example.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org\r\n\r\nhello",
        "a@-example.org",
        "a@exa_mple.org",
        "a@[127.0.0.1]",
        'Ann <ann@example.org>, "Bo" <bo@example.org>',
        "a\x00@example.org",
        "x" * 65 + "@example.org",
        "\u00fc" * 33 + "@example.org",
        "a@" + "b" * 64 + ".example.org",
        "a@" + ".".join(["b" * 60] * 5) + ".example.org",
        "a" * 1_000_000,
        "<" * 1_000_000,
    ],
    ids=lambda text: repr(text)[:30],
)
def test_what_is_no_address_is_refused_with_words_for_a_person(text: str) -> None:
    with pytest.raises(AddressInvalid) as raised:
        addresses.parse(text)
    assert raised.value.field == "email"
    assert "address" in raised.value.message


def test_nb_58_a_domain_in_its_own_script_is_one_person_with_its_a_label() -> None:
    unicode, ascii_ = (
        addresses.parse("user@m\u00fcnchen.example.org"),
        addresses.parse("user@xn--mnchen-3ya.example.org"),
    )
    assert unicode == ascii_
    assert unicode.wire == "user@xn--mnchen-3ya.example.org"
    assert unicode.shown == "user@m\u00fcnchen.example.org"
    assert not unicode.needs_smtputf8


def test_nb_58_composed_and_decomposed_letters_are_the_same() -> None:
    composed, decomposed = (
        addresses.parse("user@m\u00fcnchen.example.org"),
        addresses.parse("user@mu\u0308nchen.example.org"),
    )
    assert composed == decomposed
    assert addresses.parse("jos\u00e9@example.org").key == addresses.parse("jose\u0301@example.org").key


def test_nb_58_a_local_part_beyond_ascii_needs_a_relay_that_can() -> None:
    parsed = addresses.parse("j\u00f6s\u00e9@example.org")
    assert parsed.needs_smtputf8
    assert parsed.wire == "j\u00f6s\u00e9@example.org", "never an encoded word"


def test_nb_58_full_width_letters_are_the_plain_ones_in_a_domain() -> None:
    assert addresses.parse("user@\uff45xample.org").wire == "user@example.org"


def test_nb_58_a_domain_that_reads_from_right_to_left() -> None:
    assert addresses.parse("user@\u05d0\u05d1.example.org").domain.startswith("xn--")


def test_a_masked_address_tells_little() -> None:
    assert addresses.masked("ann.editor@example.org") == "a***@example.org"


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_clear_refusal(text: str) -> None:
    try:
        parsed = addresses.parse(text)
    except AddressInvalid:
        return
    assert addresses.parse(parsed.wire).key == parsed.key
    assert not set(parsed.wire) & set("\r\n\0 <>")
    assert parsed.domain.isascii()
