"""Themes: how a newsletter looks, as data. Three are ours; a newsletter takes one and may change any part of it.

A theme that cannot be read is refused when it is saved: every text has a contrast of 4.5:1 on whatever it stands on, by day and by
night (WCAG 2.2 SC 1.4.3). The accent is moved by itself until it has it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from service.rendering import colours
from service.rendering.colours import Accent
from service.rendering.pieces import Control, Piece, WebAddress

Font = Literal["serif", "book", "sans", "humanist"]
Name = Literal["ledger", "dispatch", "gazette"]
Density = Literal["compact", "regular", "airy"]
MastheadStyle = Literal["plain", "centred", "band"]
Corners = Literal["square", "rounded"]

SANS = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
STACKS: dict[Font, str] = {
    "serif": "Georgia,'Times New Roman',Times,serif",
    "book": "'Iowan Old Style','Palatino Linotype',Palatino,'Book Antiqua',Georgia,serif",
    "sans": SANS,
    "humanist": "'Avenir Next',Avenir,'Segoe UI',Candara,Verdana,sans-serif",
}
# Word takes Times for a stack whose first font it does not have.
WORD_STACKS: dict[Font, str] = {
    "serif": "Georgia,serif",
    "book": "'Palatino Linotype',Georgia,serif",
    "sans": "Arial,sans-serif",
    "humanist": "Verdana,sans-serif",
}
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})\Z")


@dataclass(frozen=True)
class Palette:
    """One scheme's colours. `ground` lies around the sheet and under code; `notice` under late updates; `band` behind the name."""

    ground: str
    sheet: str
    ink: str
    quiet: str
    rule: str
    card: str
    notice: str
    notice_ink: str
    band: str
    band_ink: str

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """What stands on what, by name."""
        grounds = ("sheet", "card", "notice", "ground")
        inks = [("ink", ground) for ground in grounds] + [("quiet", ground) for ground in ("sheet", "card")]
        return (*inks, ("notice_ink", "notice"), ("band_ink", "band"))


@dataclass(frozen=True)
class Spacing:
    """Pixels: beside and above a block, and the size and line of its text."""

    side: int
    above: int
    size: int
    line: int


SPACINGS: dict[Density, Spacing] = {
    "compact": Spacing(28, 20, 16, 25),
    "regular": Spacing(32, 28, 17, 27),
    "airy": Spacing(40, 36, 18, 29),
}


def _hex(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        return None
    colour = value.strip().lower()
    if not _HEX.match(colour):
        raise ValueError("is no colour; give one such as #1c1a17")
    return "#" + "".join(digit * 2 for digit in colour[1:]) if len(colour) == 4 else colour


def _chosen(value: object) -> object:
    return None if value == "" else value


Colour: TypeAlias = Annotated[str | None, BeforeValidator(_hex), Control("line")]


class Colours(Piece):
    """Colours in place of the theme's own."""

    ground: Colour = Field(default=None, title="Around the sheet")
    sheet: Colour = None
    ink: Colour = Field(default=None, title="Text")
    quiet: Colour = Field(default=None, title="Lesser text")
    rule: Colour = Field(default=None, title="Lines")
    card: Colour = Field(default=None, title="Cards")
    notice: Colour = Field(default=None, title="Late updates")
    notice_ink: Colour = Field(default=None, title="Label of late updates")
    band: Colour = Field(default=None, title="Band behind the name")
    band_ink: Colour = Field(default=None, title="Name on the band")


class MastheadPicture(Piece):
    url: Annotated[WebAddress, Control("picture")] = Field(
        title="Address of the picture", description="It stands for the name."
    )
    width: int = Field(ge=40, le=640, title="Width in pixels")


class Look(Piece):
    """What a newsletter says of its looks: a theme, and what is to differ from it."""

    theme: Name = "ledger"
    masthead: Annotated[MastheadStyle | None, BeforeValidator(_chosen)] = None
    picture: MastheadPicture | None = Field(default=None, title="Picture instead of the name")
    heading_font: Annotated[Font | None, BeforeValidator(_chosen)] = Field(default=None, title="Headlines")
    text_font: Annotated[Font | None, BeforeValidator(_chosen)] = Field(default=None, title="Text")
    density: Annotated[Density | None, BeforeValidator(_chosen)] = None
    corners: Annotated[Corners | None, BeforeValidator(_chosen)] = None
    width: Annotated[int | None, BeforeValidator(_chosen)] = Field(
        default=None, ge=480, le=720, title="Width", description="480 to 720 pixels on a large screen."
    )
    day: Colours | None = Field(default=None, title="Colours by day")
    night: Colours | None = Field(default=None, title="Colours by night")

    @model_validator(mode="after")
    def _is_legible(self) -> Self:
        problem = illegible(made(self))
        if problem is not None:
            raise ValueError(problem)
        return self


@dataclass(frozen=True)
class Theme:
    day: Palette
    night: Palette
    accent: str
    heading_font: Font
    text_font: Font
    label_font: Font
    masthead: MastheadStyle
    density: Density
    corners: Corners
    width: int
    picture: MastheadPicture | None = None

    @property
    def space(self) -> Spacing:
        return SPACINGS[self.density]

    @property
    def column(self) -> int:
        """How wide text and pictures are at most."""
        return self.width - 2 * self.space.side

    @property
    def is_rounded(self) -> bool:
        return self.corners == "rounded"

    @property
    def heading(self) -> str:
        return STACKS[self.heading_font]

    @property
    def text(self) -> str:
        return STACKS[self.text_font]

    @property
    def label(self) -> str:
        return STACKS[self.label_font]

    @property
    def in_word(self) -> dict[str, str]:
        fonts = {"heading": self.heading_font, "text": self.text_font, "label": self.label_font}
        return {name: WORD_STACKS[font] for name, font in fonts.items()}

    def accents(self, colour: str) -> Accent:
        """That accent as ink on the darkest ground of the day and the lightest of the night."""
        return colours.accent(colour, day=self._grounds(self.day)[0], night=self._grounds(self.night)[-1])

    @staticmethod
    def _grounds(palette: Palette) -> list[str]:
        return sorted((palette.sheet, palette.card, palette.notice), key=colours.luminance)


_LEDGER = Theme(
    day=Palette(
        ground="#f2efe8", sheet="#ffffff", ink="#1c1a17", quiet="#5c564c", rule="#ddd7ca", card="#f7f5f0",
        notice="#fdf3d8", notice_ink="#7a4b06", band="#1c1a17", band_ink="#ffffff",
    ),
    night=Palette(
        ground="#0e0d0c", sheet="#171615", ink="#f0ece4", quiet="#b9b2a5", rule="#3b3731", card="#22201d",
        notice="#33280f", notice_ink="#f2c261", band="#262320", band_ink="#f0ece4",
    ),
    accent="#9b1c1c", heading_font="serif", text_font="serif", label_font="sans",
    masthead="plain", density="regular", corners="square", width=640,
)  # fmt: skip
_DISPATCH = Theme(
    day=Palette(
        ground="#e9eef4", sheet="#ffffff", ink="#141b24", quiet="#51606f", rule="#d5dde6", card="#f2f6fa",
        notice="#fff2cf", notice_ink="#6f4700", band="#0d3558", band_ink="#ffffff",
    ),
    night=Palette(
        ground="#0a0e13", sheet="#121820", ink="#e8edf3", quiet="#a8b4c1", rule="#2d3844", card="#1a232d",
        notice="#33280f", notice_ink="#f2c261", band="#0d3558", band_ink="#ffffff",
    ),
    accent="#0b5fae", heading_font="sans", text_font="sans", label_font="sans",
    masthead="band", density="compact", corners="rounded", width=600,
)  # fmt: skip
_GAZETTE = Theme(
    day=Palette(
        ground="#e8e2d4", sheet="#fcf9f2", ink="#221d15", quiet="#5f5545", rule="#cfc4ad", card="#f5efe1",
        notice="#f7e7c1", notice_ink="#6b4404", band="#23392f", band_ink="#fcf9f2",
    ),
    night=Palette(
        ground="#0f0e0b", sheet="#191712", ink="#efe8da", quiet="#bbb09c", rule="#40392c", card="#232019",
        notice="#342910", notice_ink="#f0c36a", band="#1f2f27", band_ink="#efe8da",
    ),
    accent="#23523d", heading_font="book", text_font="book", label_font="book",
    masthead="centred", density="airy", corners="square", width=620,
)  # fmt: skip
SHIPPED: dict[Name, Theme] = {"ledger": _LEDGER, "dispatch": _DISPATCH, "gazette": _GAZETTE}
TOLD: dict[Name, str] = {
    "ledger": "White paper on warm ground, a serif and a strong rule: a paper of record.",
    "dispatch": "Clear and quick: a blue band, a sans-serif, rounded cards.",
    "gazette": "Cream paper, a centred name between double rules, room to read.",
}
USUAL = SHIPPED["ledger"]


def made(look: Look) -> Theme:
    base = SHIPPED[look.theme]
    return Theme(
        day=_coloured(base.day, look.day),
        night=_coloured(base.night, look.night),
        accent=base.accent,
        heading_font=look.heading_font or base.heading_font,
        text_font=look.text_font or base.text_font,
        label_font=base.label_font,
        masthead=look.masthead or base.masthead,
        density=look.density or base.density,
        corners=look.corners or base.corners,
        width=look.width or base.width,
        picture=look.picture,
    )


def illegible(theme: Theme) -> str | None:
    """What is hard to read, and what would help; None if nothing is."""
    for when, palette in (("day", theme.day), ("night", theme.night)):
        for ink, ground in palette.pairs:
            first, second = getattr(palette, ink), getattr(palette, ground)
            found = colours.contrast(first, second)
            if found < colours.ENOUGH:
                better = "darker" if colours.luminance(second) > 0.2 else "lighter"
                return (
                    f"is hard to read by {when}: {ink} {first} on {ground} {second} has a contrast of {found:.1f}:1, and "
                    f"4.5:1 is needed; choose a {better} {ink} or another {ground}"
                )
    return None


def _coloured(palette: Palette, changes: Colours | None) -> Palette:
    if changes is None:
        return palette
    given: dict[str, Any] = changes.model_dump(exclude_none=True)
    return Palette(**{**palette.__dict__, **given})
