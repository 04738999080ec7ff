from dataclasses import replace

import pytest

from service.rendering import notices
from tests.unit.rendering import reading, samples

CONFIRM = {
    "newsletter": "Morning Memo",
    "confirm_url": f"https://news.example.org/confirm/{'a' * 140}?l=1&c=2",
    "first_name": "",
}
ALARM = {
    "subject": "Morning Memo did not leave at 06:00",
    "text": "The relay refused the sign-in.\n\nNothing was sent, nothing is lost.",
    "desk_url": "https://news.example.org/desk",
}


def made(name: str, values: dict[str, str], facts: notices.NoticeFacts = samples.NOTICE) -> reading.Reading:
    raw = notices.render(name, values, facts, samples.TEMPLATES)
    reading.good(raw, "notice", facts.to_address)
    reading.lines_hold(raw)
    return reading.parsed(raw)


def test_a_confirmation_says_what_it_is_for_and_how_long() -> None:
    got = made("confirm", CONFIRM)
    assert got.header("Subject") == "Confirm your subscription to Morning Memo"
    assert got.header("Auto-Submitted") == "auto-generated"
    assert "List-Unsubscribe" not in got.headers
    assert CONFIRM["confirm_url"] in got.text
    assert CONFIRM["confirm_url"].replace("&", "&amp;") in got.html
    for part in (got.text, got.html):
        assert "72 hours" in part
        assert "ignore this message" in part


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ar", "he", "fa", "ja"])
@pytest.mark.parametrize(("name", "values"), [("confirm", CONFIRM), ("alarm", ALARM)])
def test_a_notice_is_good_in_every_language(name: str, values: dict[str, str], language: str) -> None:
    way = "rtl" if language in {"ar", "he", "fa"} else "ltr"
    got = made(name, values, replace(samples.NOTICE, language=language, direction=way))
    assert f'lang="{language}" dir="{way}"' in got.html


def test_an_alarm_leads_to_the_desk() -> None:
    got = made("alarm", ALARM)
    assert got.header("Subject") == "Attention: Morning Memo did not leave at 06:00"
    assert "https://news.example.org/desk" in got.text
    assert "nothing is lost" in got.html


def test_nb_19_a_value_cannot_make_a_header() -> None:
    got = made("confirm", {**CONFIRM, "newsletter": "Memo\r\nBcc: x@example.org\u2028b"})
    assert got.header("Subject") == "Confirm your subscription to Memo Bcc: x@example.org b"
    assert "Bcc" not in got.headers


@pytest.mark.parametrize("name", ["{{ 7*7 }}", "<b>x</b>", "{% if %}", "{newsletter}"])
def test_nb_43_a_value_is_no_template(name: str) -> None:
    got = made("confirm", {**CONFIRM, "newsletter": name})
    assert got.header("Subject") == f"Confirm your subscription to {name}"
    assert name in got.text
    assert not reading.elements(got.html, "//b")


def test_a_missing_value_and_an_unknown_notice_are_named() -> None:
    with pytest.raises(notices.NoticeIncomplete, match="confirm_url"):
        notices.render("confirm", {"newsletter": "x", "first_name": ""}, samples.NOTICE, samples.TEMPLATES)
    with pytest.raises(notices.NoticeIncomplete):
        notices.render(
            "confirm", {**CONFIRM, "confirm_url": "javascript:x"}, samples.NOTICE, samples.TEMPLATES
        )
    with pytest.raises(notices.NoticeUnknown):
        notices.render("farewell", CONFIRM, samples.NOTICE, samples.TEMPLATES)
