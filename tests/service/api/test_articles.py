import asyncio
from typing import Any

import httpx2
import pytest

from service.newsletters.models import Newsletter
from service.settings import Settings
from tests.service.api.conftest import detail
from tests.support.newsroom import Newsroom

PAGE = """<!doctype html><html lang="en"><head><title>King tide floods Water Street</title></head><body><article>
<h1>King tide floods Water Street</h1>
<p>The water came at four in the morning and stood a hand high before the pumps were running at all.</p>
<p>By six the tram had stopped and the bakery on the corner sold its bread from the second step.</p>
<p>The harbor office had warned on Friday; nobody had closed the street, and nobody would say why.</p>
</article></body></html>"""


@pytest.fixture
def chosen(chosen: Settings, newsroom: Newsroom) -> Settings:
    """The newsroom of this test may be read, and nothing else that is private."""
    return chosen.model_copy(update={"fetch_allow": (f"127.0.0.1:{newsroom.port}",)})


def _written(**more: Any) -> dict[str, Any]:
    return {
        "newsletter": "morning-memo",
        "headline": "Ferry bond",
        "body_markdown": "Eleven **votes**.",
        **more,
    }


def _by_url(url: str) -> dict[str, Any]:
    return {"newsletter": "morning-memo", "url": url}


async def _listed(api: httpx2.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get("/articles?newsletter=morning-memo")).json()["items"]
    return items


async def test_a_text_in_markdown_is_kept(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    answer = await api.post(
        "/articles", json=_written(section="Politics", published_at="2026-03-02T06:10:00+01:00")
    )

    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["source"], made["section"], made["published_at"]) == (
        "api",
        "Politics",
        "2026-03-02T05:10:00Z",
    )
    assert (await api.get(f"/articles/{made['uid']}")).json() == made
    assert await _listed(api) == [made]


async def test_an_article_is_read_from_its_page_and_kept_once(
    api: httpx2.AsyncClient, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/king-tide", PAGE)

    first = await api.post("/articles", json=_by_url(url))
    again = await api.post("/articles", json=_by_url(f"{url}?utm_source=feed"))

    assert first.status_code == 201, first.text
    assert first.json()["headline"] == "King tide floods Water Street"
    assert "bakery" in first.json()["body_markdown"]
    assert again.json()["uid"] == first.json()["uid"]
    assert len(await _listed(api)) == 1


async def test_a_repeated_post_does_not_read_the_page_again(
    api: httpx2.AsyncClient, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/king-tide", PAGE)
    headers = {"Idempotency-Key": "king tide"}
    first = await api.post("/articles", json=_by_url(url), headers=headers)

    again = await api.post("/articles", json=_by_url(url), headers=headers)

    assert (again.status_code, again.content) == (201, first.content)
    assert newsroom.count("/king-tide") == 1


async def test_five_posts_at_once_keep_one_article(
    api: httpx2.AsyncClient, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/king-tide", PAGE)
    answers = await asyncio.gather(*(api.post("/articles", json=_by_url(url)) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["uid"] for answer in answers}) == 1


async def test_a_private_or_impossible_address_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for url in [
        "http://127.0.0.1:1/x",
        "http://localhost/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/x",
        "http://2130706433/x",
        "http://10.0.0.1/x",
        "ftp://example.org/x",
        "file:///etc/passwd",
        "not an address",
    ]:
        detail(await api.post("/articles", json=_by_url(url)), 422)

        assert await _listed(api) == []


async def test_a_page_that_cannot_be_used_is_refused(
    api: httpx2.AsyncClient, memo: Newsletter, newsroom: Newsroom
) -> None:
    newsroom.redirect("/loop", "/loop")
    newsroom.redirect("/inside", "http://127.0.0.1:1/secret")
    newsroom.serve("/picture", b"\x89PNG", content_type="image/png")
    newsroom.serve("/gone", "gone", status=404)
    newsroom.endless("/endless")
    newsroom.gzip_bomb("/bomb")

    for path in ("/loop", "/inside", "/picture", "/gone", "/endless", "/bomb"):
        detail(await api.post("/articles", json=_by_url(newsroom.url + path)), 422)
    assert await _listed(api) == []


async def test_a_site_that_does_not_answer_is_said_to_be_unavailable(
    api: httpx2.AsyncClient, memo: Newsletter, newsroom: Newsroom
) -> None:
    newsroom.drop("/dropped")
    newsroom.serve("/later", "later", status=503)

    for path in ("/dropped", "/later"):
        detail(await api.post("/articles", json=_by_url(newsroom.url + path)), 503)


async def test_an_article_that_cannot_be_used_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for asked in [
        {"newsletter": "morning-memo"},
        {"newsletter": "morning-memo", "url": ""},
        {"newsletter": "morning-memo", "headline": " "},
        _written(published_at="2026-03-02T06:10:00"),
        _written(published_at="yesterday"),
        _written(url="javascript:alert(1)"),
        _written(headline="x" * 301),
        _written(body_markdown="x" * 200_001),
        _written(surprise=1),
    ]:
        detail(await api.post("/articles", json=asked), 422)

        assert await _listed(api) == []


async def test_nb_19_a_broken_title_becomes_one_line(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for title in ("Big\n  news", "Big\u2028news", "Big\x0bnews", "Big\x85news", "Big\x00news"):
        made = (await api.post("/articles", json=_written(headline=title))).json()
        assert made["headline"] == "Big news"


async def test_an_article_of_no_newsletter_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    detail(await api.post("/articles", json=_written(newsletter="evening-memo")), 404)
    detail(
        await api.post("/articles", json=_by_url("http://127.0.0.1:1/") | {"newsletter": "evening-memo"}), 404
    )
    detail(await api.get("/articles?newsletter=evening-memo"), 404)
    detail(await api.get("/articles"), 422)
    detail(await api.get("/articles/0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"), 404)


async def test_the_newest_come_first_page_by_page(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for number in range(5):
        await api.post("/articles", json=_written(headline=f"Story {number}"))
    first = (await api.get("/articles?newsletter=morning-memo&limit=3")).json()
    second = (await api.get(f"/articles?newsletter=morning-memo&limit=3&after={first['next']}")).json()

    assert [one["headline"] for one in first["items"]] == ["Story 4", "Story 3", "Story 2"]
    assert [one["headline"] for one in second["items"]] == ["Story 1", "Story 0"]
    assert second["next"] is None
