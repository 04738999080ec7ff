"""Pictures as cameras, screens and attackers make them."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

ORIENTATION = 0x0112
LATITUDE = 0x8825


def gradient(width: int, height: int) -> Image.Image:
    """Dark on the left, red growing to the right: which way is up can be seen."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    return Image.merge(
        "RGB", (across, Image.new("L", (width, height), 40), Image.new("L", (width, height), 90))
    )


def noise(width: int, height: int) -> Image.Image:
    """What no lossless format makes small."""
    return Image.merge("RGB", [Image.effect_noise((width, height), 90) for _ in range(3)])


def as_file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def photograph(width: int = 3000, height: int = 2000, *, turned: bool = False) -> bytes:
    """With where it was taken, a comment, and, if `turned`, lying on its side."""
    exif = Image.Exif()
    exif[0x010F] = "A camera of example.org"
    exif.get_ifd(LATITUDE).update({1: "N", 2: (53.0, 33.0, 7.0)})
    if turned:
        exif[ORIENTATION] = 6
    return as_file(gradient(width, height), "JPEG", exif=exif, comment=b"shot by Ada", quality=80)


def moving() -> bytes:
    frames = [Image.new("P", (64, 48), color) for color in (1, 2, 3)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 30, 30, 200])
    return as_file(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that says it is as large as that."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def webp_bomb() -> bytes:
    """A moving WebP whose canvas is said to be as large as one can be."""
    frames = [Image.new("RGBA", (60, 60), (shade, 0, 0, 128)) for shade in (10, 200)]
    raw = bytearray(as_file(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    assert raw[12:16] == b"VP8X"
    raw[24:30] = 2 * struct.pack("<I", 16_382)[:3]
    return bytes(raw)
