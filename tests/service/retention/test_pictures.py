"""Pictures that nobody shows are let go; what is in readers' mail, in a draft or in a newsletter's name is not."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from service.delivery import launch, steering
from service.dependencies import Resources, opened
from service.editions import composition, content
from service.editions.models import Edition
from service.media import copying, pictures, register
from service.media.models import StoredPicture
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, Note, PictureBlock
from service.rendering.pieces import Picture
from service.retention import pictures as retention
from service.settings import Settings
from tests.service.desk import steps
from tests.support import picture_files
from tests.support.clock import HandClock
from tests.support.newsroom import Newsroom

AGE = timedelta(days=30)


@pytest.fixture
async def resources(chosen: Settings, clock: HandClock, newsroom: Newsroom) -> AsyncIterator[Resources]:
    allowing = chosen.model_copy(update={"fetch_allow": (f"127.0.0.1:{newsroom.port}",)})
    async with opened(allowing, clock) as held:
        yield held


@pytest.fixture
async def memo(resources: Resources) -> Newsletter:
    look = {"picture": {"url": await sent(resources, 77), "width": 300}}
    return await steps.newsletter(resources, look=look)


async def sent(resources: Resources, width: int) -> str:
    """The address of a picture that somebody has sent."""
    made = await pictures.take(resources.media, picture_of(width))
    await resources.database.write(register.keep, made, now=resources.clock.now())
    return resources.url(pictures.path_of(made.name))


def picture_of(width: int) -> bytes:
    return picture_files.as_file(picture_files.gradient(width, 20), "PNG")


async def edition(resources: Resources, memo: Newsletter, url: str) -> Edition:
    blocks = [Note(text_markdown="Look."), PictureBlock(picture=Picture(url=url, alt="A ferry"))]
    document = Document(subject="Pictures", blocks=blocks)
    return await resources.database.write(
        composition.start, memo, now=resources.clock.now(), actor="test", document=document
    )


async def widths(resources: Resources) -> set[int]:
    """Of all that are kept; each row has its bytes, and no other bytes are there."""

    def read(session: Session) -> list[StoredPicture]:
        return list(session.exec(select(StoredPicture)))

    rows = await resources.database.read(read)
    folder = resources.settings.data_dir / "media"
    assert {row.name for row in rows} == {path.name for path in folder.rglob("*") if path.is_file()}
    return {row.width for row in rows}


async def test_what_nobody_shows_goes_and_what_is_in_mail_stays(
    resources: Resources, memo: Newsletter, newsroom: Newsroom, clock: HandClock
) -> None:
    await steps.readers(resources, memo)
    await sent(resources, 50)  # in no edition
    await edition(resources, memo, await sent(resources, 60))  # in a draft
    called_off = await edition(resources, memo, await sent(resources, 70))
    now = clock.now()
    await resources.database.write(steering.cancel, called_off.uid, now=now, actor="test")
    # In mail that has left; later the same address shows another picture to whoever asks for it.
    url = newsroom.serve("/a.png", picture_of(80), content_type="image/png")
    left = await launch.launch(resources, (await edition(resources, memo, url)).uid, actor="test")
    clock.advance(timedelta(days=2))
    newsroom.serve("/a.png", picture_of(90), content_type="image/png")
    await edition(resources, memo, url)
    await copying.copy_due(resources)
    assert await widths(resources) == {50, 60, 70, 77, 80, 90}

    await retention.let_go(resources, AGE)
    assert await widths(resources) == {50, 60, 70, 77, 80, 90}
    clock.advance(AGE)
    await retention.let_go(resources, AGE)
    assert await widths(resources) == {60, 77, 80, 90}

    def on_the_web(session: Session) -> int:
        found = session.get_one(Edition, left.id)
        return content.of(session, found, base_url="https://news.example.org").pictures[url].width

    assert await resources.database.read(on_the_web) == 80


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_that_is_sent_again_just_then_is_not_lost(resources: Resources, clock: HandClock) -> None:
    await sent(resources, 50)
    clock.advance(AGE + timedelta(days=1))
    await sent(resources, 50)
    await retention.let_go(resources, AGE)
    assert await widths(resources) == {50}
