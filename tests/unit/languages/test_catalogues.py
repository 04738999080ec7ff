"""Every catalogue says everything that the product says, with the same places for values and a form for every number."""

import re
from collections.abc import Iterator
from gettext import c2py

import pytest
from babel.core import Locale
from babel.messages.catalog import Catalog, Message

from service.languages import speaking
from tests.support import catalogues

LANGUAGES = catalogues.translated()
TEMPLATE = catalogues.extracted()
NUMBERS = range(1_001)
PLACE = re.compile(r"\{\w*\}")


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ("",))


def faults(message: Message, spoken: list[set[int]]) -> Iterator[str]:
    """`spoken`: the numbers that each plural form stands for. One that stands for a single number need not say it."""
    source = message.id if isinstance(message.id, str) else message.id[-1]
    wanted = sorted(PLACE.findall(source))
    if message.fuzzy:
        yield f"fuzzy: {source}"
    for number, form in enumerate(forms(message)):
        is_for_one = isinstance(message.id, tuple) and len(spoken[number]) == 1
        if not form:
            yield f"untranslated: {source}"
        elif sorted(PLACE.findall(form)) != wanted and not (is_for_one and not PLACE.search(form)):
            yield f"other places for values: {source} | {form}"


def spoken_by(catalogue: Catalog) -> list[set[int]]:
    form_of = c2py(catalogue.plural_expr)
    found: list[set[int]] = [set() for _ in range(catalogue.num_plurals)]
    for n in NUMBERS:
        found[form_of(n)].add(n)
    return found


def test_english_german_and_arabic_are_there() -> None:
    assert {"en", "de", "ar"} <= set(speaking.known())
    assert len([one for one in TEMPLATE if one.id]) > 140


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_in_step_with_the_source(language: str) -> None:
    """`make catalogues` makes it so."""
    assert {one.id for one in catalogues.read(language)} == {one.id for one in TEMPLATE}
    kept = catalogues.path_of(language).read_bytes()
    assert catalogues.written(catalogues.updated(language, TEMPLATE)) == kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated_or_fuzzy_or_has_other_places_for_values(language: str) -> None:
    catalogue = catalogues.read(language)
    spoken = spoken_by(catalogue)
    assert not [fault for one in catalogue if one.id for fault in faults(one, spoken)]


@pytest.mark.parametrize(
    ("text", "flags", "said"),
    [
        ("", [], "untranslated"),
        ("Zu", [], "other places"),
        ("Zu {plaza}", [], "other places"),
        ("Zu {place} {place}", [], "other places"),
        ("Zu {place}", ["fuzzy"], "fuzzy"),
        ("Zu {place}", [], ""),
    ],
)
def test_such_a_fault_is_noticed(text: str, flags: list[str], said: str) -> None:
    found = list(faults(Message("Visit {place}", text, flags=flags), []))
    assert [fault.partition(":")[0].startswith(said) for fault in found] == ([True] if said else [])


def test_a_changed_text_is_marked_and_a_new_one_is_empty() -> None:
    changed = Catalog(fuzzy=False)
    changed.add("Read it on the site")
    changed.add("A text that nobody has translated yet")
    catalogue = catalogues.updated("de", changed)
    spoken = [set(NUMBERS)]
    found = sorted(fault for one in catalogue if one.id for fault in faults(one, spoken))
    assert [fault.partition(":")[0] for fault in found] == ["fuzzy", "untranslated"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nb_70_a_catalogue_tells_the_numbers_apart_as_the_language_does(language: str) -> None:
    """As Unicode CLDR has it; only millions have a form of their own in French and Spanish."""
    tag = Locale.parse(language).plural_form
    told = {frozenset(numbers) for numbers in spoken_by(catalogues.read(language))}
    assert told == {frozenset(n for n in NUMBERS if tag(n) == one) for one in {tag(n) for n in NUMBERS}}


def test_nb_70_arabic_has_six_forms() -> None:
    words = speaking.of("ar")
    said = [words.count("{n} comment", "{n} comments", n) for n in (0, 1, 2, 3, 11, 100, 103, 111)]
    assert said == [
        "لا تعليقات", "تعليق واحد", "تعليقان", "3 تعليقات", "11 تعليقًا", "100 تعليق", "103 تعليقات", "111 تعليقًا",
    ]  # fmt: skip
