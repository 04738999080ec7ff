import httpx2
import pytest

from service.articles import queries as articles
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from service.settings import Settings
from tests.support.newsroom import Newsroom

PAGE = b"""<!doctype html><html lang="en"><head><title>King tide</title></head><body><article>
<h1>King tide &amp; the pier</h1>
<p>The pier was under water for an hour on Sunday morning, and the ferry waited for the tide to turn.</p>
<p>The harbor master says that this will happen four more times before the spring, each higher than the last.</p>
</article></body></html>"""
PATH = "/desk/newsletters/morning-memo"


@pytest.fixture
def chosen(chosen: Settings, newsroom: Newsroom) -> Settings:
    """The newsroom of this test may be read, and nothing else that is private."""
    return chosen.model_copy(update={"fetch_allow": (f"127.0.0.1:{newsroom.port}",)})


async def test_an_article_is_read_from_its_page_and_kept_once(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/king-tide", PAGE)
    for _ in range(2):
        answer = await ada.post(f"{PATH}/articles", data={"url": url})
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}#compose")
    page = await ada.get(PATH)
    assert "“King tide &amp; the pier” is in." in page.text
    (article,) = await resources.database.read(articles.page, memo.id)
    assert article.headline == "King tide & the pier"


async def test_a_page_that_is_not_there_leaves_nothing_behind(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, newsroom: Newsroom
) -> None:
    page = await ada.post(f"{PATH}/articles", data={"url": newsroom.url + "/nothing"})
    assert page.status_code in {422, 503}
    assert 'role="alert"' in page.text
    assert await resources.database.read(articles.page, memo.id) == []
