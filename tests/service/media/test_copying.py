"""Pictures that stand elsewhere are copied before an edition leaves; what cannot be had is said and stays where it is."""

import quopri
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic

import pytest
from sqlmodel import Session, select

from service.delivery import launch
from service.dependencies import Resources, opened
from service.editions import composition, content, pictures
from service.editions.models import Edition, Rendition, State
from service.editions.pictures import Standing
from service.media import copying, register
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, Item, Note, PictureBlock
from service.rendering.content import EditionContent
from service.rendering.pieces import Picture
from service.rendering.rendition import Rendition as Made
from service.settings import Settings
from tests.service.desk import steps
from tests.support import picture_files
from tests.support.clock import HandClock
from tests.support.newsroom import Newsroom

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PHOTOGRAPH = picture_files.photograph(1500, 1000)


@pytest.fixture
async def resources(chosen: Settings, clock: HandClock, newsroom: Newsroom) -> AsyncIterator[Resources]:
    allowing = chosen.model_copy(update={"fetch_allow": (f"127.0.0.1:{newsroom.port}",)})
    async with opened(allowing, clock) as held:
        yield held


@pytest.fixture
async def memo(resources: Resources) -> Newsletter:
    return await steps.newsletter(resources)


async def edition(resources: Resources, memo: Newsletter, *urls: str) -> Edition:
    blocks = [PictureBlock(picture=Picture(url=url, alt="A ferry")) for url in urls]
    document = Document(subject="Pictures", blocks=[Note(text_markdown="Look."), *blocks])
    return await resources.database.write(
        composition.start, memo, now=resources.clock.now(), actor="test", document=document
    )


async def standing(resources: Resources, edition: Edition) -> Standing:
    def read(session: Session) -> Standing:
        found = session.get_one(Edition, edition.id)
        return pictures.standing(session, found, composition.document_of(session, found))

    return await resources.database.read(read)


async def shown(resources: Resources, edition: Edition) -> EditionContent:
    def read(session: Session) -> EditionContent:
        return content.of(session, session.get_one(Edition, edition.id), base_url="https://news.example.org")

    return await resources.database.read(read)


async def test_a_picture_is_copied_once_and_shown_from_us(
    resources: Resources, memo: Newsletter, newsroom: Newsroom, clock: HandClock
) -> None:
    url = newsroom.serve("/ferry.jpg", PHOTOGRAPH, content_type="image/jpeg")
    first = await edition(resources, memo, url)
    assert (await standing(resources, first)).waiting == 1
    await copying.copy_due(resources)
    assert await standing(resources, first) == Standing(0, (), 0)
    picture = (await shown(resources, first)).pictures[url]
    assert (picture.width, picture.height) == (1200, 800)
    assert await resources.media.get(picture.url.rpartition("/")[2])
    second = await edition(resources, memo, url)
    await copying.copy_due(resources)
    assert (await shown(resources, second)).pictures[url] == picture
    assert newsroom.count("/ferry.jpg") == 1
    # A day later the other side may have another picture at this address.
    clock.advance(timedelta(days=2))
    newsroom.serve("/ferry.jpg", picture_files.photograph(300, 200), content_type="image/jpeg")
    third = await edition(resources, memo, url)
    await copying.copy_due(resources)
    assert (await shown(resources, third)).pictures[url].width == 300


async def test_what_cannot_be_had_is_said_and_tried_again_only_where_that_may_help(
    resources: Resources, memo: Newsletter, newsroom: Newsroom, clock: HandClock
) -> None:
    busy = newsroom.serve("/busy.jpg", b"", status=503)
    drawn = newsroom.serve("/drawing.svg", b"<svg/>", content_type="image/svg+xml")
    inside = "http://127.0.0.1:9/inside.jpg"
    made = await edition(resources, memo, busy, drawn, inside)
    await copying.copy_due(resources)
    said = {one.url: one.problem for one in (await standing(resources, made)).failed}
    assert set(said) == {busy, drawn, inside}
    assert "Try again later" in said[busy]
    assert "SVG" in said[drawn]
    assert "MEMO_FETCH_ALLOW" in said[inside]
    assert (await shown(resources, made)).pictures == {}
    newsroom.serve("/busy.jpg", PHOTOGRAPH, content_type="image/jpeg")
    clock.advance(timedelta(minutes=2))
    await copying.copy_due(resources)
    assert {one.url for one in (await standing(resources, made)).failed} == {drawn, inside}
    assert newsroom.count("/drawing.svg") == 1


async def test_two_workers_do_not_fetch_the_same_and_one_that_died_is_followed(
    resources: Resources, memo: Newsletter, newsroom: Newsroom, clock: HandClock
) -> None:
    url = newsroom.serve("/ferry.jpg", PHOTOGRAPH, content_type="image/jpeg")
    await edition(resources, memo, url)
    take = register.take
    assert len(await resources.database.write(take, now=clock.now(), limit=4)) == 1
    assert await resources.database.write(take, now=clock.now(), limit=4) == []
    later = clock.now() + register.TAKEN_FOR
    assert [one.url for one in await resources.database.write(take, now=later, limit=4)] == [url]


@SQLITE
async def test_a_site_that_says_nothing_holds_an_edition_up_no_longer_than_agreed(
    resources: Resources, memo: Newsletter, newsroom: Newsroom, clock: HandClock
) -> None:
    url = newsroom.serve("/ferry.jpg", PHOTOGRAPH, content_type="image/jpeg")
    made = await edition(resources, memo, newsroom.stall("/slow.jpg"), url)
    wanted = await resources.database.write(register.take, now=clock.now(), limit=4)
    began = monotonic()
    await copying.copy_now(resources, wanted, seconds=1)
    assert monotonic() - began < 5
    assert set((await shown(resources, made)).pictures) == {url}
    assert (await standing(resources, made)).waiting == 1
    later = clock.now() + register.TAKEN_FOR
    assert await resources.database.read(register.is_any_due, later)


@SQLITE
async def test_a_picture_that_no_version_shows_any_more_is_not_waited_for(
    resources: Resources, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.stall("/slow.jpg")
    made = await edition(resources, memo, url)
    document = Document(subject="Words", blocks=[Item(headline="Words", body_markdown="Only words.")])
    await resources.database.write(
        composition.replace, made, document, now=resources.clock.now(), actor="test"
    )
    assert await standing(resources, made) == Standing(0, (), 0)


async def test_an_edition_that_leaves_at_once_takes_its_pictures_along(
    resources: Resources, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/ferry.jpg", PHOTOGRAPH, content_type="image/jpeg")
    gone = f"{newsroom.url}/gone.jpg"
    await steps.readers(resources, memo)
    made = await edition(resources, memo, url, gone)
    left = await launch.launch(resources, made.uid, actor="test")
    assert left.state is State.SENDING

    def rendered(session: Session) -> str:
        stored = session.exec(select(Rendition).where(Rendition.edition_id == made.id)).one()
        (page,) = [part for part in Made.from_bytes(stored.data).parts if part.subtype == "html"]
        assert page.encoding == "quoted-printable"
        return quopri.decodestring(b"".join(one for one in page.pieces if isinstance(one, bytes))).decode()

    sent = await resources.database.read(rendered)
    assert "https://news.example.org/media/" in sent
    assert url not in sent
    assert gone in sent
