from email import message_from_bytes, policy

import httpx2
import pytest

from service.dependencies import Resources
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, Item
from service.subscribers import optout
from tests.service.desk import steps
from tests.service.desk.shown import elements, parsed, texts, words
from tests.service.readers.steps import everything_stored, reader, subscription

# What is asked of the database here is asked of both elsewhere.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAMED = Document(
    subject="Bread, {{first_name|dear reader}}",
    preheader="For {{first_name|you}}.",
    blocks=[Item(headline="The ferry stays", body_markdown="Good morning, {{first_name|reader}}.")],
)


@pytest.fixture
async def named(resources: Resources, memo: Newsletter) -> Edition:
    """Addressed to each by name; Mara reads it."""
    await reader(resources, memo, "mara@example.org", first_name="Mara <3")
    return await steps.edition_of(resources, memo, NAMED)


async def test_the_preview_is_the_message_itself_in_a_sandbox(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    frame = await ada.get(f"/desk/editions/{draft.uid}/preview.html")
    assert frame.status_code == 200
    assert frame.headers["content-type"].startswith("text/html")
    assert "The ferry stays" in frame.text
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "allow-" not in policy
    assert frame.headers["x-content-type-options"] == "nosniff"
    assert "/unsubscribe/test" in frame.text


@pytest.mark.parametrize(
    ("query", "contains"),
    [
        ("", 'class="preview-desktop"'),
        ("?width=phone", 'class="preview-phone"'),
        ("?look=text", "preview-text"),
    ],
)
async def test_the_three_looks(ada: httpx2.AsyncClient, draft: Edition, query: str, contains: str) -> None:
    page = await ada.get(f"/desk/editions/{draft.uid}{query}")
    assert contains in page.text
    assert ('sandbox=""' in page.text) is ("text" not in query)


async def test_an_editions_page_shows_it_by_night_too_and_keeps_the_width(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    shown = parsed(await ada.get(f"{path}?width=phone"))
    (dark,) = texts(shown, "//nav[@aria-label='Colours']/a[.='Dark']/@href")
    shown = parsed(await ada.get(dark.replace("#preview-title", "")))
    marked = elements(shown, "//nav[@aria-label='Preview' or @aria-label='Colours']/a[@aria-current]")
    assert [words(one) for one in marked] == ["Phone", "Dark"]
    assert texts(shown, "//iframe/@src") == [f"{path}/preview.html?scheme=dark"]
    assert elements(shown, "//iframe/ancestor::div[@class='preview-phone']")


async def test_it_is_seen_as_a_subscriber_and_nothing_is_noted(
    ada: httpx2.AsyncClient, resources: Resources, named: Edition
) -> None:
    path = f"/desk/editions/{named.uid}"
    before = await everything_stored(resources)
    page = await ada.get(f"{path}/preview", params={"reader": " MARA@Example.ORG "})
    assert page.status_code == 200
    assert "Bread, Mara &lt;3" in page.text and "For Mara &lt;3." in page.text
    assert "mara@example.org reads Morning Memo" in page.text
    assert "preview.html?reader=MARA%40Example.ORG" in page.text
    frame = await ada.get(f"{path}/preview.html", params={"reader": "mara@example.org"})
    assert 'Good morning, <span dir="auto">Mara &lt;3</span>.' in frame.text
    eml = await ada.get(f"{path}/preview.eml", params={"reader": "mara@example.org"})
    message = message_from_bytes(eml.content, policy=policy.default)
    assert message["To"] == '"Mara <3" <mara@example.org>'
    assert message["List-Unsubscribe"] == "<https://news.example.org/unsubscribe/test>"
    assert "attachment" in eml.headers["content-disposition"]
    assert await everything_stored(resources) == before


async def test_without_one_it_is_seen_as_nobody_in_particular(
    ada: httpx2.AsyncClient, resources: Resources, named: Edition
) -> None:
    path = f"/desk/editions/{named.uid}/preview"
    page = await ada.get(path)
    assert "Bread, dear reader" in page.text and "of whom nothing is known" in page.text
    assert "mara" not in page.text.lower()
    raw = await ada.get(path, params={"look": "raw"})
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in raw.text
    assert "<iframe" not in raw.text
    unknown = await ada.get(path, params={"reader": "nobody@example.org", "width": "phone"})
    assert unknown.status_code == 404
    assert (
        "Nobody with this address is known" in unknown.text and 'value="nobody@example.org"' in unknown.text
    )
    assert "Bread, dear reader" in unknown.text and "preview.html?reader" not in unknown.text
    assert (await ada.get(path, params={"reader": "no address"})).status_code == 422
    assert (await ada.get(f"{path}.html", params={"reader": "nobody@example.org"})).status_code == 404


async def test_who_would_not_get_it_is_said(
    ada: httpx2.AsyncClient, resources: Resources, named: Edition
) -> None:
    weekly = await steps.newsletter(resources, slug="weekly", name="The Week")
    await reader(resources, weekly, "olga@example.org")
    path = f"/desk/editions/{named.uid}/preview"
    page = await ada.get(path, params={"reader": "olga@example.org"})
    assert "olga@example.org does not subscribe to Morning Memo" in page.text
    held = await subscription(resources, "mara@example.org")
    await resources.database.write(optout.end, held.uid, method="test", now=resources.clock.now())
    assert "has left Morning Memo" in (await ada.get(path, params={"reader": "mara@example.org"})).text


async def test_dark_and_without_pictures(ada: httpx2.AsyncClient, draft: Edition) -> None:
    path = f"/desk/editions/{draft.uid}/preview"
    page = await ada.get(path, params={"scheme": "dark", "pictures": "off", "width": "phone"})
    assert 'class="preview-phone"' in page.text and "preview-frame is-dark" in page.text
    assert "preview.html?scheme=dark&amp;pictures=off" in page.text
    dark = await ada.get(f"{path}.html?scheme=dark&pictures=off")
    assert "img-src 'none'" in dark.headers["content-security-policy"]
    assert "@media (min-width:0)" in dark.text and "prefers-color-scheme" not in dark.text
    light = await ada.get(f"{path}.html")
    assert "img-src https: http: data:" in light.headers["content-security-policy"]
    assert "@media (max-width:0)" in light.text


@pytest.mark.parametrize("query", ["?look=smell", "/preview?look=smell", "/preview?scheme=pink"])
async def test_a_look_that_there_is_not_is_said(ada: httpx2.AsyncClient, draft: Edition, query: str) -> None:
    assert (await ada.get(f"/desk/editions/{draft.uid}{query}")).status_code == 422


@pytest.mark.parametrize("page", ["preview", "preview.html", "preview.eml"])
async def test_nobody_sees_a_preview_signed_out(client: httpx2.AsyncClient, page: str) -> None:
    answer = await client.get(f"/desk/editions/01890000-0000-7000-8000-000000000000/{page}")
    assert answer.status_code == 303


async def test_nb_68_the_desk_shows_the_size_and_warns_before_gmail_clips(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, draft: Edition
) -> None:
    small = (await ada.get(f"/desk/editions/{draft.uid}/preview")).text
    assert "kB of the 102 kB that Gmail shows" in small
    assert "Gmail hides" not in (await ada.get(f"/desk/editions/{draft.uid}")).text
    # Code is never shortened, so that neither is this.
    text = "\n".join(f"    line {number} of a long table" for number in range(3_500))
    heavy = await steps.edition_of(
        resources, memo, Document(subject="Long", blocks=[Item(headline="All of it", body_markdown=text)])
    )
    page = (await ada.get(f"/desk/editions/{heavy.uid}")).text
    assert "Gmail hides what is beyond 102 kB" in page and "Remove a block or shorten an article" in page
    assert (
        "Remove a block or shorten an article" in (await ada.get(f"/desk/editions/{heavy.uid}/preview")).text
    )
