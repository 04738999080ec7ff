"""A picture is shown from our own copy where there is one, with the room it takes, so that nothing jumps when it comes."""

from dataclasses import replace

from service.rendering import body, pictures
from service.rendering.blocks import Document, Item, Note, PictureBlock
from service.rendering.content import EditionContent
from service.rendering.pictures import Shown
from service.rendering.pieces import Picture
from service.rendering.themes import MastheadPicture
from tests.unit.rendering import reading, samples

THERE = "https://cdn.example.org/ferry.jpg?w=2000"
INLINE = "https://cdn.example.org/chart.png"
SMALL = "https://cdn.example.org/face.png"
PLATE = "https://cdn.example.org/name.png"
OURS = "https://news.example.org/media/"


def _content(*, known: dict[str, Shown]) -> EditionContent:
    document = Document(
        subject="Pictures",
        blocks=[
            Item(headline="A ferry", picture=Picture(url=THERE, alt="A ferry")),
            Note(
                text_markdown=f"Look: ![A chart]({INLINE}) and ![gone](http://cdn.example.org/insecure.png)"
            ),
            PictureBlock(picture=Picture(url=SMALL, alt="", decorative=True)),
            PictureBlock(picture=Picture(url=THERE, alt="")),
        ],
    )
    content = samples.with_document(document)
    theme = replace(content.newsletter.theme, picture=MastheadPicture(url=PLATE, width=320))
    return replace(content, newsletter=replace(content.newsletter, theme=theme), pictures=known)


def test_each_address_is_named_once_also_within_texts() -> None:
    document = _content(known={}).document
    assert pictures.addresses(document) == [THERE, INLINE, SMALL]
    assert pictures.undescribed(document) == 1


def test_what_we_have_is_shown_from_us_in_the_size_it_takes() -> None:
    known = {
        THERE: Shown(f"{OURS}a.jpg", 1200, 800),
        INLINE: Shown(f"{OURS}b.png", 1200, 300),
        SMALL: Shown(f"{OURS}c.png", 200, 300),
        PLATE: Shown(f"{OURS}d.png", 640, 120),
    }
    got = reading.received(_content(known=known))
    shown = {str(one.get("src")): one for one in reading.elements(got.html, "//img")}
    assert set(shown) == {one.url for one in known.values()}
    assert [shown[f"{OURS}a.jpg"].get(name) for name in ("width", "height")] == ["576", "384"]
    assert [shown[f"{OURS}b.png"].get(name) for name in ("width", "height")] == ["576", "144"]
    assert [shown[f"{OURS}c.png"].get(name) for name in ("width", "height")] == ["200", "300"]
    assert "max-width:200px" in str(shown[f"{OURS}c.png"].get("style")).replace(" ", "")
    assert [shown[f"{OURS}d.png"].get(name) for name in ("width", "height")] == ["320", "60"]
    for one in shown.values():
        assert "height:auto" in str(one.get("style")).replace(" ", "")
    page = body.web_page(_content(known=known), samples.TEMPLATES)
    assert f"{OURS}a.jpg" in page
    assert THERE not in page


def test_what_we_have_not_stays_where_it_is() -> None:
    got = reading.received(_content(known={}))
    shown = {str(one.get("src")): one for one in reading.elements(got.html, "//img")}
    assert set(shown) == {THERE, INLINE, SMALL, PLATE}
    assert shown[THERE].get("height") is None
    assert shown[THERE].get("width") == "576"
