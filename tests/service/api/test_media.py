"""A program sends a picture, and anybody can look at it at an address that never shows anything else."""

import io

import httpx2
import pytest
from PIL import Image
from sqlmodel import Session, select

from service.dependencies import Resources
from service.media.models import StoredPicture
from tests.service.api.conftest import KeyMaker, detail
from tests.support import picture_files

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _rows(session: Session) -> list[StoredPicture]:
    return list(session.exec(select(StoredPicture)))


async def test_a_picture_is_kept_once_and_shown_for_ever(
    api: httpx2.AsyncClient, client: httpx2.AsyncClient, resources: Resources
) -> None:
    raw = picture_files.photograph(2400, 1600)
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "one"}
    answer = await api.post("/media", content=raw, headers=headers)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert (kept["content_type"], kept["width"], kept["height"]) == ("image/jpeg", 1200, 800)
    assert (await api.post("/media", content=raw, headers=headers)).headers["Idempotent-Replayed"] == "true"
    again = await api.post("/media", content=raw, headers={"Content-Type": "image/png"})
    assert again.json() == kept  # the bytes say what it is
    assert len(await resources.database.read(_rows)) == 1

    assert kept["url"].startswith("https://news.example.org/media/")
    shown = await client.get(kept["url"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert len(shown.content) == kept["octets"]
    assert Image.open(io.BytesIO(shown.content)).size == (1200, 800)
    known = await client.get(kept["url"], headers={"If-None-Match": shown.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


@SQLITE
async def test_what_is_no_picture_or_not_allowed_is_said(
    api: httpx2.AsyncClient, client: httpx2.AsyncClient, key: KeyMaker
) -> None:
    svg = await api.post("/media", content=b"<svg/>", headers={"Content-Type": "image/svg+xml"})
    assert "SVG" in detail(svg, 422)
    form = await api.post("/media", files={"file": ("a.png", b"x", "image/png")})
    assert "as the body" in detail(form, 415)
    large = await api.post("/media", content=b"x" * 11_000_001, headers={"Content-Type": "image/png"})
    assert "11000 kB" in detail(large, 413)
    other = await api.post(
        "/articles", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"}
    )
    assert "1000 kB" in detail(other, 413)
    reader = {"Authorization": f"Bearer {await key('read')}", "Content-Type": "image/png"}
    assert (await api.post("/media", content=b"x", headers=reader)).status_code == 403
    for name in ("a" * 64 + ".jpg", "..%2fmemo.sqlite3", "a.svg"):
        assert (await client.get(f"/media/{name}")).status_code == 404
