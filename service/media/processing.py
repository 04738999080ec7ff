"""Any picture into one that every mail program shows. Loads Pillow.

JPEG stays JPEG; what is lossless stays PNG unless it is a photograph; WebP, which Outlook for Windows does not show, becomes one of
the two. Of a moving picture the first frame is kept: readers have no means to stop it (WCAG 2.2 SC 2.2.2), Word-engine Outlook shows no
other, and the weight of a film has no place in a mail. SVG is no picture here: it is a document that may hold scripts.
"""

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageCms, ImageFile, ImageOps

from service.media.pictures import MOST_HEIGHT, MOST_MADE_OCTETS, MOST_WIDTH, Made, PictureInvalid

FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# A telephone takes 48 million, as JPEG, of which only so many are made as are needed: 66 MB. Other formats are unpacked whole:
# 25 million take 130 (PNG) to 380 MB (WebP), for one at a time.
MOST_JPEG_PIXELS = 50_000_000
MOST_PIXELS = 25_000_000
JPEG_QUALITY = 85
HEAVY_OCTETS = 250_000  # from here on a PNG has to be much smaller than a JPEG would be
_RESIZABLE = {
    "RGB",
    "RGBA",
    "CMYK",
    "L",
}  # where colours between two others are meant by the numbers between theirs
_ONE_AT_A_TIME = threading.Lock()  # so that many uploads at once need no more memory than one
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, struct.error)

Image.MAX_IMAGE_PIXELS = None  # ours is the limit: theirs warns between once and twice of it


def made(raw: bytes) -> Made:
    """Raises PictureInvalid."""
    with _ONE_AT_A_TIME, _in_words(), Image.open(io.BytesIO(_sniffed(raw)), formats=FORMATS) as source:
        _check_size(source)
        is_lossless = source.format in {"PNG", "GIF"}
        return _written(_small(source), is_lossless=is_lossless)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except PictureInvalid:
        raise
    except _BROKEN as error:
        raise PictureInvalid(
            "This picture is broken or cut short. Open it, save it anew as JPEG or PNG, and try again."
        ) from error


def _sniffed(raw: bytes) -> bytes:
    opening = raw[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if opening.startswith((b"<", b"\x1f\x8b")):
        raise PictureInvalid(
            "This is no picture made of pixels (an SVG may hold scripts, and hardly a mail program shows one). Save it as PNG."
        )
    if raw[4:8] == b"ftyp":
        raise PictureInvalid(
            "Pictures in HEIC or AVIF are shown by few mail programs and not read here. Save it as JPEG."
        )
    if not _is_known(raw):
        raise PictureInvalid("This is no JPEG, PNG, GIF or WebP picture. Save it as JPEG or PNG.")
    return raw


def _is_known(raw: bytes) -> bool:
    is_webp = raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"
    return is_webp or raw.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"))


def _check_size(source: ImageFile.ImageFile) -> None:
    """Before anything is unpacked: a file of a few kilobytes may hold a picture of gigabytes."""
    width, height = source.size
    most = MOST_JPEG_PIXELS if source.format == "JPEG" else MOST_PIXELS
    if width * height > most:
        raise PictureInvalid(
            f"This picture has {width:,} by {height:,} points, more than {most // 1_000_000} million. "
            f"Save it at most {MOST_WIDTH:,} wide."
        )


def _small(source: ImageFile.ImageFile) -> Image.Image:
    """Upright, in RGB or RGBA, as wide as it is shown. What is copied is copied small: a large picture is there once."""
    source.draft("RGB", (2 * MOST_WIDTH, 2 * MOST_WIDTH))
    profile = source.info.get("icc_profile")
    wanted = "RGBA" if source.has_transparency_data else "RGB"
    ImageOps.exif_transpose(source, in_place=True)
    image: Image.Image = source
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode not in _RESIZABLE or (wanted == "RGBA" and image.mode != wanted):
        image = image.convert(wanted)
    image.thumbnail((MOST_WIDTH, MOST_HEIGHT), Image.Resampling.LANCZOS)
    image = _in_srgb(image, profile, wanted) or image.convert(wanted)
    if wanted == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    image.info.clear()  # what is left there would be written again: comments, profiles, EXIF
    return image


def _in_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image | None:
    """As it looks through its own colour profile; None without one that can be read."""
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return None
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, given, ImageCms.createProfile("sRGB"), outputMode=mode if mode == image.mode else "RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _written(image: Image.Image, *, is_lossless: bool) -> Made:
    if image.mode == "RGBA":
        return _checked(_png(image))
    if not is_lossless:
        return _checked(_jpeg(image))
    drawn = _png(image)
    if len(drawn.body) <= HEAVY_OCTETS:
        return drawn
    photographed = _jpeg(image)
    return _checked(photographed if 2 * len(photographed.body) < len(drawn.body) else drawn)


def _checked(found: Made) -> Made:
    if len(found.body) > MOST_MADE_OCTETS:
        raise PictureInvalid(
            "This picture is too heavy for a mail even when it is made smaller. Save it as JPEG, without transparency."
        )
    return found


def _png(image: Image.Image) -> Made:
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return Made(out.getvalue(), "png", *image.size)


def _jpeg(image: Image.Image) -> Made:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return Made(out.getvalue(), "jpg", *image.size)
