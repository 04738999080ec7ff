import httpx2
import pytest
from lxml import html

from service.dependencies import Resources
from service.editions import composition
from service.editions.models import Edition, State
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document
from tests.service.desk import steps


async def _document(resources: Resources, edition: Edition) -> Document:
    return await resources.database.read(composition.document_of, await steps.now_is(resources, edition.uid))


async def test_an_edition_shows_its_blocks_its_readers_and_what_can_be_done(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    page = await ada.get(f"/desk/editions/{draft.uid}")
    assert page.status_code == 200
    for text in (
        "The ferry stays",
        "Rain at last",
        "To 3 readers",
        "Europe/Berlin",
        "Send now…",
        "kB, version",
    ):
        assert text in page.text


async def test_an_edition_that_does_not_exist_is_not_found(ada: httpx2.AsyncClient) -> None:
    page = await ada.get("/desk/editions/01890000-0000-7000-8000-000000000000")
    assert page.status_code == 404
    assert "There is no such edition" in page.text
    assert "Ada Okafor" in page.text


async def test_subject_and_preheader_are_saved_as_a_version_by_that_account(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(path))
    answer = await ada.post(
        f"{path}/words", data={"version": version, "subject": "The bell too", "preheader": "7 to 2"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    document = await _document(resources, draft)
    assert (document.subject, document.preheader) == ("The bell too", "7 to 2")
    assert ("edition.changed", "Ada Okafor") in await steps.events(resources, draft.uid)
    page = await ada.get(path)
    assert "Subject and preheader are saved." in page.text
    assert "Subject and preheader are saved." not in (await ada.get(path)).text


@pytest.mark.parametrize(("subject", "says"), [("", "Subject"), ("x" * 500, "too long")])
async def test_a_subject_that_cannot_be_used_is_said_beside_what_was_typed(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, subject: str, says: str
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(path))
    answer = await ada.post(
        f"{path}/words", data={"version": version, "subject": subject, "preheader": "kept as typed"}
    )
    assert answer.status_code == 422
    assert says in answer.text
    assert "kept as typed" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert (await _document(resources, draft)).subject == "The ferry stays"


async def test_blocks_move_and_go(ada: httpx2.AsyncClient, resources: Resources, draft: Edition) -> None:
    path = f"/desk/editions/{draft.uid}"
    kinds = [block.kind for block in (await _document(resources, draft)).blocks]
    lead, item = kinds.index("lead"), kinds.index("item")
    version = steps.version_on(await ada.get(path))
    assert (await ada.post(f"{path}/blocks/{item}/up", data={"version": version})).status_code == 303
    moved = [block.kind for block in (await _document(resources, draft)).blocks]
    assert moved.index("item") < moved.index("lead")
    version = steps.version_on(await ada.get(path))
    assert (await ada.post(f"{path}/blocks/{lead}/remove", data={"version": version})).status_code == 303
    assert len((await _document(resources, draft)).blocks) == len(kinds) - 1


async def test_a_change_made_for_an_older_version_is_refused_and_shows_the_present_one(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(path))
    first = await ada.post(f"{path}/blocks/1/remove", data={"version": version})
    second = await ada.post(f"{path}/blocks/1/remove", data={"version": version})
    assert (first.status_code, second.status_code) == (303, 409)
    assert "Somebody has changed this edition" in second.text
    assert (await steps.now_is(resources, draft.uid)).version_number == version + 1


async def test_a_cancelled_edition_cannot_be_changed(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(path))
    await ada.post(f"{path}/cancel")
    answer = await ada.post(f"{path}/words", data={"version": version, "subject": "x", "preheader": ""})
    assert answer.status_code == 409
    assert "cannot be changed any more" in answer.text
    assert (await steps.now_is(resources, draft.uid)).state is State.CANCELLED


async def test_a_headline_is_text_and_nothing_else(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    nasty = '<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}'
    edition = await steps.edition(resources, memo, nasty, f"Second {nasty}")
    for path in (
        "/desk",
        f"/desk/editions/{edition.uid}",
        f"/desk/editions/{edition.uid}?look=text",
        f"/desk/editions/{edition.uid}/send",
        f"/desk/editions/{edition.uid}/deliveries",
        "/desk/newsletters/morning-memo",
        f"/desk/editions/{edition.uid}/preview.html",
    ):
        page = await ada.get(path)
        assert page.status_code == 200, path
        read = html.fromstring(page.text)
        assert [one.get("src") for one in read.iter("script") if one.get("src") is None] == [], path
        assert [one for one in read.iter("img") if one.get("src") == "x" or one.get("onerror")] == [], path
        assert "{{ 7*7 }}" in page.text, path
