"""A newsletter's looks are chosen at the desk, tried on before they are saved, and refused where they could not be read."""

import httpx2

from service.dependencies import Resources
from service.editions.models import Edition
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import themes

PATH = "/desk/newsletters/morning-memo/look"


async def _theme(resources: Resources) -> themes.Theme:
    return publication.theme(await resources.database.read(publication.get, "morning-memo"))


async def test_a_theme_is_tried_on_and_only_then_saved(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    page = await ada.get(PATH)
    assert (page.status_code, "double rules" in page.text) == (200, True)
    wanted = {"theme": "gazette", "accent": "#23523d", "density": "regular"}
    tried = await ada.post(f"{PATH}/preview.html", data=wanted)
    assert "The ferry stays" in tried.text
    assert themes.SHIPPED["gazette"].day.sheet in tried.text
    assert "default-src 'none'" in tried.headers["content-security-policy"]
    assert await _theme(resources) == themes.USUAL
    assert (await ada.post(PATH, data=wanted)).status_code == 303
    saved = await _theme(resources)
    assert (saved.masthead, saved.density) == ("centred", "regular")
    assert (
        themes.SHIPPED["gazette"].day.sheet
        in (await ada.get(f"/desk/editions/{draft.uid}/preview.html")).text
    )


async def test_colours_that_cannot_be_read_are_not_saved(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    wanted = {"theme": "ledger", "accent": "#9b1c1c", "night.quiet": "#333333"}
    answer = await ada.post(PATH, data=wanted)
    assert answer.status_code == 422
    assert "quiet #333333 on sheet #171615 has a contrast of 1.4:1" in answer.text
    assert "choose a lighter quiet" in answer.text
    assert 'value="#333333"' in answer.text
    tried = await ada.post(f"{PATH}/preview.html", data=wanted)
    assert (tried.status_code, "1.4:1" in tried.text) == (422, True)
    assert (await ada.post(PATH, data=wanted | {"night.quiet": "grey"})).status_code == 422
    light = await ada.post(PATH, data={"theme": "ledger", "accent": "#ffee00"})
    assert (light.status_code, "too light" in light.text) == (422, True)
    assert await _theme(resources) == themes.USUAL


async def test_before_the_first_edition_one_of_each_block_is_shown(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    shown = await ada.get(f"{PATH}/preview.html")
    assert shown.status_code == 200
    assert "The cranes come down" in shown.text
    assert "Good morning, reader." in shown.text
