"""A block is written and changed at the desk, without script, and nothing that was typed is lost."""

import httpx2
from lxml import html

from service.dependencies import Resources
from service.editions import composition
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, KeyGraph, LatestFromSection
from tests.service.desk import steps


async def _document(resources: Resources, edition: Edition) -> Document:
    return await resources.database.read(composition.document_of, await steps.now_is(resources, edition.uid))


def _sent(page: httpx2.Response) -> dict[str, str]:
    """The page's form as a browser would send it: the line break that opens a textarea is none of the text."""
    read = html.document_fromstring(page.text)
    assert isinstance(read, html.HtmlElement)
    (form,) = [one for one in read.forms if "/blocks/" in str(one.get("action"))]
    return {str(name): str(value).removeprefix("\n") for name, value in form.form_values()}


def _input(page: html.HtmlElement, name: str) -> html.HtmlElement:
    (found,) = [one for one in page.iter("input") if one.get("name") == name]
    return found


async def test_a_block_is_added_where_it_is_wanted_and_changed_later(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    page = await ada.get(f"{path}/blocks/new?kind=key_graph")
    assert page.status_code == 200
    assert "who said it and where" in page.text
    sent = _sent(page) | {"quote_markdown": "We were *never* asked.", "speaker": "Agnes Moreau", "at": "2"}
    answer = await ada.post(f"{path}/blocks/new", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#blocks-title")
    added = (await _document(resources, draft)).blocks[2]
    assert added == KeyGraph(quote_markdown="We were *never* asked.", speaker="Agnes Moreau")
    again = _sent(await ada.get(f"{path}/blocks/2"))
    assert again["quote_markdown"] == "We were *never* asked."
    await ada.post(f"{path}/blocks/2/up", data={"version": steps.version_on(await ada.get(path))})
    answer = await ada.post(f"{path}/blocks/2", data=again | {"outlet": "Coastal Radio"})
    assert answer.status_code == 303
    changed = (await _document(resources, draft)).blocks[1]
    assert changed == KeyGraph(
        quote_markdown="We were *never* asked.", speaker="Agnes Moreau", outlet="Coastal Radio"
    )


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    before = await _document(resources, draft)
    sent = {"kind": "document_card", "title": "<b>The budget</b>", "url": "budget.pdf", "at": "1"}
    answer = await ada.post(f"{path}/blocks/new", data=sent)
    assert answer.status_code == 422
    page = html.document_fromstring(answer.text)
    assert isinstance(page, html.HtmlElement)
    field = _input(page, "url")
    assert (field.get("value"), field.get("aria-invalid")) == ("budget.pdf", "true")
    said = page.get_element_by_id(str(field.get("aria-describedby"))).text_content()
    assert "begins with https://" in said
    assert _input(page, "title").get("value") == "<b>The budget</b>"
    assert await _document(resources, draft) == before


async def test_a_block_that_another_has_changed_meanwhile_is_not_overwritten(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    number = [block.kind for block in (await _document(resources, draft)).blocks].index("item")
    opened = _sent(await ada.get(f"{path}/blocks/{number}"))
    assert (await ada.post(f"{path}/blocks/{number}", data=opened | {"headline": "First"})).status_code == 303
    late = await ada.post(f"{path}/blocks/{number}", data=opened | {"headline": "Second"})
    assert late.status_code == 409
    assert "What you wrote is still here" in late.text
    assert 'value="Second"' in late.text
    assert "First" in (await _document(resources, draft)).model_dump_json()


async def test_a_sections_newest_fill_in_without_what_the_edition_has(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    for headline in ("Rain at last", "The cannery hires", "Rents rise", "A new bakery", "Two lighthouses"):
        await steps.article(resources, memo, headline, section="Business")
    filled = await ada.post(
        f"{path}/blocks/new", data={"kind": "latest_from_section", "section": "Business", "action": "fill"}
    )
    assert filled.status_code == 200
    assert (await steps.now_is(resources, draft.uid)).version_number == draft.version_number
    answer = await ada.post(f"{path}/blocks/new", data=_sent(filled) | {"action": "save"})
    assert answer.status_code == 303
    (block,) = [b for b in (await _document(resources, draft)).blocks if isinstance(b, LatestFromSection)]
    assert [brief.headline for brief in block.items] == ["Two lighthouses", "A new bakery", "Rents rise"]


async def test_more_rows_and_unknown_kinds_and_a_closed_edition(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    sent = {"kind": "briefs", "items.0.headline": "One", "action": "more"}
    more = await ada.post(f"{path}/blocks/new", data=sent)
    assert 'name="items.3.headline"' in more.text
    assert 'value="One"' in more.text
    assert (await ada.get(f"{path}/blocks/new?kind=poll")).status_code == 404
    assert (await ada.get(f"{path}/blocks/99")).status_code == 404
    await ada.post(f"{path}/cancel")
    assert (await ada.get(f"{path}/blocks/1")).status_code == 409


async def test_a_field_that_nobody_has_a_value_for_is_named_where_it_stands(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    before = await _document(resources, draft)
    page = await ada.get(f"{path}/blocks/new?kind=sponsor")
    assert "{{first_name|reader}}" in page.text
    sent = {"kind": "sponsor", "label": "Ads", "text_markdown": "Dear {{frist_name|x}}, come in.", "at": "1"}
    answer = await ada.post(f"{path}/blocks/new", data=sent)
    assert answer.status_code == 422
    shown = html.document_fromstring(answer.text)
    assert isinstance(shown, html.HtmlElement)
    (field,) = [one for one in shown.iter("textarea") if one.get("name") == "text_markdown"]
    assert (field.text_content().strip(), field.get("aria-invalid")) == (sent["text_markdown"], "true")
    said = shown.get_element_by_id(str(field.get("aria-describedby"))).text_content()
    assert "“{{frist_name|x}}” is no personal field" in said and "{{first_name|…}}" in said
    words = {"version": str(draft.version_number), "subject": "Good morning, {{name}}", "preheader": ""}
    refused = await ada.post(f"{path}/words", data=words)
    assert refused.status_code == 422
    assert "Subject: “{{name}}” is no personal field" in refused.text
    assert 'value="Good morning, {{name}}" aria-describedby="fields-hint subject-problem"' in refused.text
    assert await _document(resources, draft) == before
    meant = sent | {"text_markdown": "Write \\{{frist_name|x}}, {{first_name|reader}}."}
    assert (await ada.post(f"{path}/blocks/new", data=meant)).status_code == 303
