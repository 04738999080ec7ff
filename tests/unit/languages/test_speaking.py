"""What is said in a language: its dates, plurals and numbers, and which language that is."""

import datetime

import pytest
from markupsafe import Markup

from service.languages import speaking

DAY = datetime.date(2026, 11, 25)
EVENING = datetime.time(18, 30)


@pytest.mark.parametrize(
    ("language", "one", "two", "five", "date"),
    [
        ("en", "1 comment", "2 comments", "5 comments", "Wednesday, November 25, 2026"),
        ("en-GB", "1 comment", "2 comments", "5 comments", "Wednesday, 25 November 2026"),
        ("de-AT", "1 Kommentar", "2 Kommentare", "5 Kommentare", "Mittwoch, 25. November 2026"),
        ("he", "תגובה אחת", "שתי תגובות", "5 תגובות", "יום רביעי, 25 בנובמבר 2026"),
        ("ar", "تعليق واحد", "تعليقان", "5 تعليقات", "الأربعاء، 25 نوفمبر 2026"),
        ("ar-EG", "تعليق واحد", "تعليقان", "٥ تعليقات", "الأربعاء، ٢٥ نوفمبر ٢٠٢٦"),
        ("ar-LB", "تعليق واحد", "تعليقان", "٥ تعليقات", "الأربعاء، ٢٥ تشرين الثاني ٢٠٢٦"),
        ("fa", "۱ دیدگاه", "۲ دیدگاه", "۵ دیدگاه", "چهارشنبه ۲۵ نوامبر ۲۰۲۶"),
        ("ja", "コメント1件", "コメント2件", "コメント5件", "2026年11月25日水曜日"),
        ("it", "1 comment", "2 comments", "5 comments", "mercoledì 25 novembre 2026"),
        ("xx", "1 comment", "2 comments", "5 comments", "Wednesday, November 25, 2026"),
    ],
)
def test_nb_70_dates_and_plurals_are_the_newsletters(
    language: str, one: str, two: str, five: str, date: str
) -> None:
    words = speaking.of(language)
    assert [words.count("{n} comment", "{n} comments", n) for n in (1, 2, 5)] == [one, two, five]
    assert words.date(DAY) == date


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "6:30\u202fPM 12,345 New York a, b, and c"),
        ("de", "18:30 12.345 New York a, b und c"),
        ("ar-EG", "٦:٣٠ م ١٢٬٣٤٥ نيويورك a وb وc"),
    ],
)
def test_nb_70_times_numbers_cities_and_lists_are_the_languages(language: str, told: str) -> None:
    words = speaking.of(language)
    city, listed = words.place("America/New_York"), words.joined(["a", "b", "c"])
    assert f"{words.time(EVENING)} {words.number(12_345)} {city} {listed}" == told


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [("de-AT", "de-AT"), ("en-GB", "en-GB"), ("it", "en"), ("xx", "en"), ("de-XX", "de-XX")],
)
def test_a_language_without_a_catalogue_is_spoken_to_in_english_and_says_so(tag: str, spoken: str) -> None:
    assert speaking.of(tag).language == spoken


def test_values_are_never_read_as_places_or_as_markup() -> None:
    words = speaking.of("de")
    assert words.say("Visit {place}", place="{place} {0} <b>") == "Zu {place} {0} <b>"
    marked = words.say(
        "It goes to {address}. Press the button, and that ends at once.", address=Markup("<i>x</i>")
    )
    assert isinstance(marked, Markup) and "geht an <i>x</i>." in marked
    both = words.say("{newsletter} no longer goes to {address}. A message that is on its way already may still arrive.",
                     newsletter="<b>", address=Markup("<i>x</i>"))  # fmt: skip
    assert both.startswith("&lt;b&gt; geht nicht mehr an <i>x</i>.")


def test_what_no_catalogue_has_gives_way_to_what_is_usual() -> None:
    usual = "This first name cannot be used."
    assert (
        speaking.of("de").translated("It is odd: {x}", usual) == "Dieser Vorname lässt sich nicht verwenden."
    )
    assert speaking.of("de").translated("It is odd: {x}") == "It is odd: {x}"
    assert speaking.of("en").translated("It is odd: {x}", usual) == "It is odd: {x}"
    assert speaking.of("de").translated("") == ""


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("de", "de"),
        ("ar-EG,ar;q=0.9,en;q=0.5", "ar"),
        ("it, de-CH;q=0.3, en;q=0.2", "de"),
        ("en;q=0.1, fr;q=0.8", "fr"),
        ("de;q=0, es", "es"),
        ("", "en"),
        ("*", "en"),
        (";;q=x,,=,de;q=abc", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_a_visitor_is_spoken_to_in_the_language_they_like_best_of_ours(accepted: str, spoken: str) -> None:
    assert speaking.asked_for(accepted) == spoken
