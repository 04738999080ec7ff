"""A newsletter's own template at the desk and in the API: tried on, refused with the line, kept, left aside where it does not fit."""

import httpx2
from lxml import html
from sqlmodel import Session

from service.dependencies import Resources
from service.desk import own_template
from service.editions.models import Edition
from service.newsletters import publication
from service.newsletters.models import Newsletter

PATH = "/desk/newsletters/morning-memo/template"


async def _kept(resources: Resources) -> str:
    return publication.own_template(await resources.database.read(publication.get, "morning-memo"))


def _area(page: httpx2.Response) -> html.HtmlElement:
    (area,) = html.document_fromstring(page.text).iter("textarea")
    assert isinstance(area, html.HtmlElement)
    return area


async def test_it_is_begun_from_ours_tried_on_kept_and_given_up(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    page = await ada.get(PATH)
    assert page.status_code == 200 and "This newsletter uses ours" in page.text
    area = _area(page)
    assert str(area.text).strip() == own_template.ours().strip()
    wanted = own_template.ours().replace("</h1>", "</h1><p>By the harbor</p>").replace("\n", "\r\n")
    tried = await ada.post(f"{PATH}/preview.html", data={"template": wanted})
    assert "By the harbor" in tried.text and "The ferry stays" in tried.text
    assert "default-src 'none'" in tried.headers["content-security-policy"]
    assert await _kept(resources) == ""
    assert (await ada.post(PATH, data={"template": wanted})).status_code == 303
    assert await _kept(resources) == wanted.replace("\r\n", "\n")
    seen = f"/desk/editions/{draft.uid}/preview.html"
    assert "By the harbor" in (await ada.get(seen)).text
    assert (await ada.post(PATH, data={"template": wanted, "action": "remove"})).status_code == 303
    assert await _kept(resources) == ""
    assert "By the harbor" not in (await ada.get(seen)).text


async def test_what_cannot_be_used_is_refused_and_stays_in_the_form(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for wrong, said in (
        (
            own_template.ours().replace("{{ name }}", "{{ name.__class__ }}"),
            "Line 20: there is no .__class__ here",
        ),
        (own_template.ours().replace("{{ unsubscribe_url }}", "#"), "The link to unsubscribe is missing"),
        ("x" * 40_001, "too long"),
    ):
        refused = await ada.post(PATH, data={"template": wrong})
        assert refused.status_code == 422 and said in refused.text
        area = _area(refused)
        assert str(area.text).strip() == wrong.strip()
        assert area.get("aria-invalid") == "true"
        tried = await ada.post(f"{PATH}/preview.html", data={"template": wrong})
        assert tried.status_code == 422 and said in tried.text
    assert await _kept(resources) == ""


async def test_an_edition_that_does_not_fit_into_it_says_so_on_its_page(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    """Kept before a rule was there: what is checked today is checked again when an edition is drawn."""
    odd = own_template.ours().replace("{{ unsubscribe_url }}", "{{ web_url }}")

    def keep(session: Session) -> None:
        found = publication.get(session, "morning-memo")
        found.options = {**found.options, "template": odd}

    await resources.database.write(keep)
    page = await ada.get(f"/desk/editions/{draft.uid}")
    assert page.status_code == 200
    assert "drawn in our template" in page.text and "The link to unsubscribe is missing" in page.text
    assert "Unsubscribe" in (await ada.get(f"/desk/editions/{draft.uid}/preview.html")).text
