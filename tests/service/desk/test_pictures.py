"""A picture is put into a block from a file, and what it shows is asked for."""

import httpx2
import pytest
from sqlmodel import Session

from service.dependencies import Resources
from service.editions import composition
from service.editions.models import Edition
from service.media import copying
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, PictureBlock
from service.rendering.pieces import Picture
from service.rendering.themes import MastheadPicture
from tests.service.desk import steps
from tests.support import picture_files

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FILE = ("ferry.jpg", picture_files.photograph(1600, 900), "image/jpeg")


async def _pictures(resources: Resources, edition: Edition) -> list[PictureBlock]:
    document = await resources.database.read(
        composition.document_of, await steps.now_is(resources, edition.uid)
    )
    return [block for block in document.blocks if isinstance(block, PictureBlock)]


async def test_a_file_becomes_the_blocks_picture_once_it_is_described(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}/blocks/new"
    page = await ada.get(f"{path}?kind=picture")
    assert 'enctype="multipart/form-data"' in page.text
    assert 'name="picture.file"' in page.text
    sent = {"kind": "picture", "at": "1", "picture.url": "", "picture.alt": ""}
    silent = await ada.post(path, data=sent, files={"picture.file": FILE})
    assert silent.status_code == 422
    assert "mere decoration" in silent.text
    # The file need not be chosen again: the form has its address now.
    address = silent.text.partition('name="picture.url"')[2].partition('value="')[2].partition('"')[0]
    assert address.startswith("https://news.example.org/media/")
    assert (await ada.get(address)).headers["content-type"] == "image/jpeg"
    assert await _pictures(resources, draft) == []
    said = sent | {"picture.url": address, "picture.alt": "A ferry at its pier"}
    assert (await ada.post(path, data=said)).status_code == 303
    (block,) = await _pictures(resources, draft)
    assert (block.picture.url, block.picture.alt) == (address, "A ferry at its pier")


@SQLITE
async def test_decoration_is_said_and_what_is_no_picture_is_refused_at_its_field(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}/blocks/new"
    sent = {"kind": "picture", "at": "1", "picture.decorative": "on"}
    assert (await ada.post(path, data=sent, files={"picture.file": FILE})).status_code == 303
    (block,) = await _pictures(resources, draft)
    assert block.picture.decorative
    drawn = ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    refused = await ada.post(path, data=sent | {"headline": "Kept"}, files={"picture.file": drawn})
    assert refused.status_code == 422
    assert 'id="f-picture-url-problem">This is no picture made of pixels' in refused.text
    assert 'value="Kept"' in refused.text
    large = ("large.jpg", b"\xff\xd8\xff" + b"\0" * 10_000_001, "image/jpeg")
    assert "larger than 10 MB" in (await ada.post(path, data=sent, files={"picture.file": large})).text


@SQLITE
async def test_what_is_wrong_with_the_pictures_is_said_before_sending(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    inside = "http://127.0.0.1:9/ferry.jpg"

    def illustrate(session: Session) -> None:
        found = session.get_one(Edition, draft.id)
        document = composition.document_of(session, found)
        blocks = [*document.blocks, PictureBlock(picture=Picture(url=inside, alt=""))]
        changed = Document(subject=document.subject, blocks=blocks)
        composition.replace(session, found, changed, now=resources.clock.now(), actor="test")

    await resources.database.write(illustrate)
    path = f"/desk/editions/{draft.uid}"
    assert "One picture is not copied yet." in (await ada.get(path)).text
    await copying.copy_due(resources)
    for page in (await ada.get(path), await ada.get(f"{path}/send")):
        assert (
            "could not be copied and is shown from where it stands, http://127.0.0.1:9/ferry.jpg" in page.text
        )
        assert "One picture is without a word for readers who do not see it." in page.text
    assert (await ada.post(f"{path}/pictures")).status_code == 303
    assert "One picture is not copied yet." in (await ada.get(path)).text


@SQLITE
async def test_a_newsletters_name_may_be_a_picture_from_a_file(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    path = f"/desk/newsletters/{memo.slug}/look"
    wanted = {"theme": "ledger", "accent": "#9b1c1c"}
    plate = {
        "picture.file": (
            "name.png",
            picture_files.as_file(picture_files.gradient(600, 120), "PNG"),
            "image/png",
        )
    }
    missing = await ada.post(path, data=wanted, files=plate)
    assert missing.status_code == 422
    address = missing.text.partition('name="picture.url"')[2].partition('value="')[2].partition('"')[0]
    assert (await ada.get(address)).headers["content-type"] == "image/png"
    assert (await ada.post(path, data=wanted | {"picture.width": "300"}, files=plate)).status_code == 303
    saved = publication.theme(await resources.database.read(publication.get, memo.slug))
    assert saved.picture == MastheadPicture(url=address, width=300)
    drawn = {"picture.file": ("name.svg", b"<svg/>", "image/svg+xml")}
    refused = await ada.post(path, data=wanted | {"picture.width": "300"}, files=drawn)
    assert (refused.status_code, "no picture made of pixels" in refused.text) == (422, True)
