"""What becomes of a picture: upright, small, without what its camera knew, and in a format that every mail program shows."""

import io
import tracemalloc

import pytest
from PIL import Image, ImageCms

from service.media import processing
from service.media.pictures import MOST_WIDTH, Made, PictureInvalid
from tests.support import picture_files


def _seen(made: Made) -> Image.Image:
    return Image.open(io.BytesIO(made.body))


def test_a_photograph_is_made_small_and_loses_where_it_was_taken() -> None:
    raw = picture_files.photograph()
    assert b"shot by Ada" in raw and b"camera" in raw
    made = processing.made(raw)
    assert (made.extension, made.width, made.height) == ("jpg", MOST_WIDTH, 800)
    seen = _seen(made)
    assert seen.size == (1200, 800)
    assert not seen.getexif()
    assert not {"exif", "comment", "icc_profile"} & seen.info.keys()
    assert b"Ada" not in made.body and b"camera" not in made.body


def test_one_that_lies_on_its_side_is_turned_upright_first() -> None:
    raw = picture_files.photograph(600, 400, turned=True)
    made = processing.made(raw)
    assert (made.width, made.height) == (400, 600)
    seen = _seen(made).convert("RGB")
    # Turned by 90° to the right: what was dark on the left is on top.
    reds = seen.getchannel("R")
    assert max(reds.crop((0, 0, 400, 40)).tobytes()) < 60
    assert min(reds.crop((0, 560, 400, 600)).tobytes()) > 190


def test_a_small_picture_is_not_made_larger_and_twice_the_same_is_the_same() -> None:
    raw = picture_files.as_file(picture_files.gradient(320, 200), "JPEG")
    made = processing.made(raw)
    assert (made.width, made.height) == (320, 200)
    assert processing.made(raw).name == made.name
    assert processing.made(picture_files.as_file(picture_files.gradient(321, 200), "JPEG")).name != made.name


@pytest.mark.parametrize(
    ("kind", "options", "extension"),
    [("PNG", {}, "png"), ("GIF", {}, "png"), ("WEBP", {}, "jpg"), ("JPEG", {"progressive": True}, "jpg")],
)
def test_each_format_becomes_one_that_mail_programs_show(
    kind: str, options: dict[str, bool], extension: str
) -> None:
    made = processing.made(picture_files.as_file(picture_files.gradient(300, 200), kind, **options))
    assert made.extension == extension
    assert _seen(made).format == {"jpg": "JPEG", "png": "PNG"}[extension]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_stays_so_and_what_only_could_be_is_not(kind: str) -> None:
    image = picture_files.gradient(200, 100).convert("RGBA")
    opaque = processing.made(picture_files.as_file(image, kind))
    assert _seen(opaque).mode == "RGB"
    image.putalpha(Image.linear_gradient("L").resize((200, 100)))
    clear = processing.made(picture_files.as_file(image, kind))
    assert (clear.extension, _seen(clear).mode) == ("png", "RGBA")


def test_a_photograph_saved_as_png_becomes_a_jpeg_and_a_chart_does_not() -> None:
    photograph = processing.made(
        picture_files.as_file(picture_files.noise(900, 600), "PNG", compress_level=1)
    )
    assert photograph.extension == "jpg"
    chart = Image.new("RGB", (2400, 1200), "white")
    chart.paste((180, 20, 20), (100, 100, 900, 1100))
    made = processing.made(picture_files.as_file(chart, "PNG"))
    assert (made.extension, made.width) == ("png", 1200)


def test_of_a_moving_picture_the_first_frame_is_kept() -> None:
    made = processing.made(picture_files.moving())
    seen = _seen(made)
    assert (made.extension, getattr(seen, "n_frames", 1)) == ("png", 1)
    assert seen.convert("RGB").getpixel((5, 5)) == (200, 30, 30)


def test_colours_are_those_that_its_profile_means() -> None:
    image = Image.new("RGB", (20, 20), (200, 100, 50))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert _seen(processing.made(picture_files.as_file(image, "PNG", icc_profile=lab))).getpixel((3, 3)) == (
        200,
        100,
        50,
    )
    cmyk = processing.made(picture_files.as_file(image.convert("CMYK"), "JPEG"))
    assert _seen(cmyk).mode == "RGB"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (picture_files.bomb(), "60,000 by 60,000 points"),
        (picture_files.webp_bomb(), "16,383 by 16,383 points"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(raw: bytes, says: str) -> None:
    tracemalloc.start()
    with pytest.raises(PictureInvalid, match=says):
        processing.made(raw)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf  <svg onload='alert(1)'/>", "SVG"),
        (b"\x1f\x8b\x08packed svg", "SVG"),
        (b"\0\0\0\x20ftypheic" + b"\0" * 40, "HEIC"),
        (b"%PDF-1.7 ...", "no JPEG, PNG, GIF or WebP"),
        (b"", "no JPEG, PNG, GIF or WebP"),
        (picture_files.photograph(900, 600)[:4000], "broken or cut short"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 60, "broken or cut short"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "broken or cut short"),
        (picture_files.bomb(300, 300), "broken or cut short"),
    ],
)
def test_what_is_no_picture_says_what_to_do(raw: bytes, says: str) -> None:
    with pytest.raises(PictureInvalid, match=says) as caught:
        processing.made(raw)
    assert "Save it" in caught.value.message or "save it" in caught.value.message
