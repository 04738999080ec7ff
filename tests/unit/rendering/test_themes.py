"""Themes can be read: by day, by night, and where a mail program turns colours over by itself."""

import colorsys
from dataclasses import replace

import pytest
from pydantic import ValidationError

from service.newsletters import details
from service.newsletters.details import NewsletterInvalid
from service.rendering import colours, themes
from service.rendering.themes import Colours, Look, MastheadPicture, Theme
from tests.unit.rendering import reading, samples

SHIPPED = sorted(themes.SHIPPED)
DETAILS = {
    "slug": "memo",
    "name": "Memo",
    "time_zone": "Europe/Berlin",
    "from_name": "The Ledger",
    "from_address": "memo@example.org",
    "postal_address": "1 Quay Street",
}


def _shipped(name: str) -> Theme:
    return themes.made(Look.model_validate({"theme": name}))


def turned_over(colour: str) -> str:
    """As mail programs do that invert everything: light becomes dark, the hue stays."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, 1 - light, strength))


def _by_day(theme: Theme) -> list[tuple[str, str]]:
    day, accent = theme.day, theme.accents(theme.accent).day
    found = [(getattr(day, ink), getattr(day, ground)) for ink, ground in day.pairs]
    return [*found, *((accent, ground) for ground in (day.sheet, day.card, day.notice)), (day.sheet, accent)]


def _by_night(theme: Theme) -> list[tuple[str, str]]:
    night, accent = theme.night, theme.accents(theme.accent).night
    found = [(getattr(night, ink), getattr(night, ground)) for ink, ground in night.pairs]
    return [
        *found,
        *((accent, ground) for ground in (night.sheet, night.card, night.notice)),
        (night.sheet, accent),
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_our_themes_are_legible_by_day_and_by_night(name: str) -> None:
    theme = _shipped(name)
    assert themes.illegible(theme) is None
    for ink, ground in _by_day(theme) + _by_night(theme):
        assert colours.contrast(ink, ground) >= 4.5, (ink, ground)


@pytest.mark.parametrize("name", SHIPPED)
def test_where_a_mail_program_turns_the_day_over_it_can_still_be_read(name: str) -> None:
    for ink, ground in _by_day(_shipped(name)):
        assert colours.contrast(turned_over(ink), turned_over(ground)) >= 4.5, (ink, ground)


def test_every_theme_says_what_it_is_like() -> None:
    assert set(themes.TOLD) == set(themes.SHIPPED)
    assert all(told.endswith(".") for told in themes.TOLD.values())


@pytest.mark.parametrize("accent", ["#9b1c1c", "#ffd400", "#000000", "#ffffff", "#1e90ff", "#00ff88"])
@pytest.mark.parametrize("name", SHIPPED)
def test_any_accent_can_be_read_in_any_theme(name: str, accent: str) -> None:
    theme = _shipped(name)
    found = theme.accents(accent)
    assert all(
        colours.contrast(found.day, g) >= 4.5 for g in (theme.day.sheet, theme.day.card, theme.day.notice)
    )
    night = theme.night
    assert all(colours.contrast(found.night, g) >= 4.5 for g in (night.sheet, night.card, night.notice))


@pytest.mark.parametrize(
    ("look", "says"),
    [
        ({"day": {"ink": "#999"}}, r"by day: ink #999999 on sheet #ffffff has a contrast of 2\.8:1"),
        ({"night": {"sheet": "#c0c0c0"}}, r"by night: ink #f0ece4 on sheet #c0c0c0 .* choose a darker ink"),
        ({"theme": "dispatch", "day": {"band": "#ffffff"}}, "band_ink #ffffff on band #ffffff"),
        ({"day": {"ink": "ink"}}, "#1c1a17"),
        ({"theme": "neon"}, "ledger"),
        ({"width": 900}, "720"),
        ({"picture": {"url": "javascript:x", "width": 300}}, "https://"),
    ],
)
def test_a_look_that_cannot_be_used_says_why(look: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Look.model_validate(look)
    with pytest.raises(NewsletterInvalid) as caught:
        details.read(DETAILS | {"look": look})
    assert (caught.value.field or "").startswith("look")


def test_what_is_not_said_is_the_themes_own() -> None:
    theme = themes.made(Look(theme="gazette", corners="rounded", day=Colours(card="#FFF")))
    assert theme == replace(
        themes.SHIPPED["gazette"],
        corners="rounded",
        day=replace(themes.SHIPPED["gazette"].day, card="#ffffff"),
    )
    assert themes.made(Look(width=480, density="airy")).column == 400


def test_a_picture_stands_for_the_name_and_says_it() -> None:
    picture = MastheadPicture(url="https://example.org/name.png", width=320)
    theme = replace(themes.SHIPPED["dispatch"], picture=picture)
    content = replace(
        samples.CONTENT, newsletter=replace(samples.FACTS, theme=theme, name='The "Memo" & more')
    )
    got = reading.received(content)
    (heading,) = reading.elements(got.html, "//h1")
    (image,) = heading.iter("img")
    assert (image.get("alt"), image.get("width")) == ('The "Memo" & more', "320")
    assert 'The "Memo" & more' in got.text
