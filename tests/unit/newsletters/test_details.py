from typing import Any

import pytest

from service.newsletters import details
from service.newsletters.details import NewsletterInvalid
from tests.support.publishing import DETAILS


def refused(field: str, value: Any, match: str) -> None:
    with pytest.raises(NewsletterInvalid, match=match) as caught:
        details.read(DETAILS | {field: value})
    assert caught.value.field == field


def test_good_details_are_taken() -> None:
    found = details.read(DETAILS | {"reply_to": "Desk@Ledger.Example.org", "language": "pt_BR"})
    assert found.list_id == "morning-memo.ledger.example.org"
    assert found.reply_to == "Desk@ledger.example.org"
    assert found.language == "pt-BR"


@pytest.mark.parametrize(
    "value", ["Big\n  news", "a\rBcc: x@example.org", "a\u2028b", "a\x0bb", "a\x85b", "a\0b"]
)
@pytest.mark.parametrize("field", ["name", "from_name"])
def test_nb_19_a_line_break_in_a_name_is_refused(field: str, value: str) -> None:
    refused(field, value, "line break or a control character")


@pytest.mark.parametrize("slug", ["Morning", "a b", "-a", "a-", "", "a" * 65, "ä", "a/b", "..", "a_b"])
def test_a_short_name_that_cannot_stand_in_a_link_is_refused(slug: str) -> None:
    refused("slug", slug, "small letters")


@pytest.mark.parametrize("zone", ["CEST", "Berlin", "", "+02:00", "../x"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    refused("time_zone", zone, "Europe/Berlin")


@pytest.mark.parametrize("language", ["english", "e", "de--AT", "de AT", ""])
def test_a_language_that_is_none_is_refused(language: str) -> None:
    refused("language", language, "language tag")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("Re: the vote", "Re:"),
        ("FWD: x", "Re:"),
        ("News 🔥", "picture"),
        ("memo@example.org", "address"),
        ("Dear {{first_name}}", "placeholder"),
    ],
)
def test_b14_a_sender_name_says_who_sends_and_nothing_else(name: str, match: str) -> None:
    refused("from_name", name, match)


@pytest.mark.parametrize("name", ["The Harbor Ledger", "Ärzteblatt", "新聞", "O’Brien & Co.", "TPM"])
def test_b14_ordinary_names_are_taken(name: str) -> None:
    assert details.read(DETAILS | {"from_name": name}).from_name == name


@pytest.mark.parametrize("address", ["memo@gmail.com", "memo@yahoo.com"])
def test_b14_no_free_mail_address_as_sender(address: str) -> None:
    refused("from_address", address, "domain of your own")


def test_a_sender_address_has_to_go_through_every_relay() -> None:
    refused("from_address", "jösé@example.org", "ASCII")
    refused("from_address", "nobody", "not a usable mail address")
    refused("reply_to", "nobody", "not a usable mail address")


@pytest.mark.parametrize("value", ["", "   \n "])
def test_a_postal_address_is_needed(value: str) -> None:
    refused("postal_address", value, "is needed")


@pytest.mark.parametrize(
    "missing", ["slug", "name", "time_zone", "from_name", "from_address", "postal_address"]
)
def test_what_is_missing_is_named(missing: str) -> None:
    values = {name: value for name, value in DETAILS.items() if name != missing}
    with pytest.raises(NewsletterInvalid, match=f"{missing.replace('_', ' ')} is needed"):
        details.read(values)


@pytest.mark.parametrize("colour", ["#ff9900", "#ffffff", "#777777"])
def test_an_accent_too_light_for_white_paper_is_refused(colour: str) -> None:
    refused("accent", colour, "4.5:1")


@pytest.mark.parametrize("colour", ["red", "#12345", "b3261e", "url(x)", "#b3261g"])
def test_an_accent_that_is_no_colour_is_refused(colour: str) -> None:
    refused("accent", colour, "#b3261e")


def test_an_accent_that_can_be_read_is_taken() -> None:
    assert details.read(DETAILS | {"accent": "#767676"}).accent == "#767676"


def test_an_unknown_detail_is_refused() -> None:
    refused("sender", "x", "sender")
