import httpx2
import pytest

from service.articles import queries as articles
from service.dependencies import Resources
from service.editions import composition, queries
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from service.rendering.blocks import Item, Lead
from tests.service.desk import steps
from tests.service.desk.shown import by_id, elements, parsed, texts, words

PATH = "/desk/newsletters/morning-memo"


async def _stories(resources: Resources, edition: Edition) -> list[tuple[str, str]]:
    document = await resources.database.read(
        composition.document_of, await steps.now_is(resources, edition.uid)
    )
    return [(one.kind, one.headline) for one in document.blocks if isinstance(one, Lead | Item)]


async def test_the_page_says_what_the_newsletter_says_of_itself(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    page = await ada.get(PATH)
    assert page.status_code == 200
    for text in (
        "Harbor Light",
        "memo@news.example.org",
        "1 Pier Street",
        "Europe/Berlin",
        "/n/morning-memo",
    ):
        assert text in page.text


async def test_a_newsletter_that_does_not_exist_is_not_found(ada: httpx2.AsyncClient) -> None:
    assert (await ada.get("/desk/newsletters/nothing")).status_code == 404
    assert (
        await ada.post("/desk/newsletters/nothing/articles", data={"url": "https://x.example"})
    ).status_code == 404


async def test_nb_40_the_next_dates_are_shown_before_the_cadence_is_kept(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    fields = {"weekday": ["mon"], "at": "08:00", "action": "look"}
    page = await ada.post(f"{PATH}/cadence", data=fields)
    assert page.status_code == 200
    assert "These would be the next dates" in page.text
    for day in ("Mon 02 Mar 2026, 08:00 CET", "Mon 09 Mar 2026", "Mon 30 Mar 2026, 08:00 CEST"):
        assert day in page.text
    assert await resources.database.read(queries.cadences_of, memo.id) == []
    kept = await ada.post(f"{PATH}/cadence", data=fields | {"action": "save"})
    assert kept.status_code == 303
    (cadence,) = await resources.database.read(queries.cadences_of, memo.id)
    assert (cadence.weekdays, f"{cadence.local_time:%H:%M}", cadence.is_automatic) == ("mon", "08:00", False)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"at": "08:00"}, "Name the weekdays"),
        ({"weekday": ["1"], "at": "08:00"}, "is not understood"),
        ({"weekday": ["mon"], "at": "8"}, "hours and minutes"),
        ({"weekday": ["mon"], "at": ""}, "hours and minutes"),
    ],
)
@pytest.mark.parametrize("action", ["look", "save"])
async def test_a_cadence_that_cannot_be_is_refused(
    ada: httpx2.AsyncClient,
    resources: Resources,
    memo: Newsletter,
    fields: dict[str, str],
    says: str,
    action: str,
) -> None:
    page = await ada.post(f"{PATH}/cadence", data=fields | {"action": action})
    assert page.status_code == 422
    assert says in page.text
    assert await resources.database.read(queries.cadences_of, memo.id) == []


async def test_an_edition_begins_with_what_is_new(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for headline in ("The ferry stays", "Rain at last"):
        await steps.article(resources, memo, headline)
    answer = await ada.post(f"{PATH}/editions", data={"from": "latest"})
    assert answer.status_code == 303
    (edition,) = await resources.database.read(queries.for_newsletter, memo.id)
    assert answer.headers["location"] == f"/desk/editions/{edition.uid}"
    assert {headline for _, headline in await _stories(resources, edition)} == {
        "The ferry stays",
        "Rain at last",
    }


async def test_nothing_new_is_said_and_makes_no_edition(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    page = await ada.post(f"{PATH}/editions", data={"from": "latest"})
    assert page.status_code == 409
    assert "No article is new" in page.text
    assert await resources.database.read(queries.for_newsletter, memo.id) == []


async def test_an_edition_begins_with_chosen_articles_the_first_as_its_lead(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    one, two, _ = [await steps.article(resources, memo, headline) for headline in ("One", "Two", "Three")]
    answer = await ada.post(
        f"{PATH}/editions", data={"from": "chosen", "article": [str(two.uid), str(one.uid)]}
    )
    assert answer.status_code == 303
    (edition,) = await resources.database.read(queries.for_newsletter, memo.id)
    assert await _stories(resources, edition) == [("lead", "Two"), ("item", "One")]


async def test_chosen_articles_can_join_a_draft(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, draft: Edition
) -> None:
    three = await steps.article(resources, memo, "Three")
    answer = await ada.post(
        f"{PATH}/editions", data={"from": "chosen", "article": str(three.uid), "into": str(draft.uid)}
    )
    assert answer.headers["location"] == f"/desk/editions/{draft.uid}"
    assert (await _stories(resources, draft))[-1] == ("item", "Three")


async def test_choosing_nothing_is_said(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    page = await ada.post(f"{PATH}/editions", data={"from": "chosen"})
    assert page.status_code == 422
    assert "tick at least one" in page.text
    assert await resources.database.read(queries.for_newsletter, memo.id) == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/x", "ftp://news.example.org/x", "nonsense", "", "http://169.254.169.254/latest"],
)
async def test_an_address_that_cannot_be_read_is_refused_and_stays_in_the_form(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, url: str
) -> None:
    page = await ada.post(f"{PATH}/articles", data={"url": url})
    assert page.status_code in {422, 503}
    assert 'role="alert"' in page.text
    assert f'value="{url}"' in page.text
    assert await resources.database.read(articles.page, memo.id) == []


async def test_a_feed_is_followed_once(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    fields = {"url": "https://news.example.org/feed.xml"}
    assert (await ada.post(f"{PATH}/feeds", data=fields)).status_code == 303
    again = await ada.post(f"{PATH}/feeds", data=fields)
    assert again.status_code == 409
    assert "follows that feed already" in again.text
    (feed,) = await resources.database.read(articles.feeds_of, memo.id)
    assert feed.url == fields["url"]
    assert (await ada.post(f"{PATH}/feeds", data={"url": "nonsense"})).status_code == 422


async def test_a_feed_with_a_problem_shows_it_and_can_be_accepted(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await ada.post(f"{PATH}/feeds", data={"url": "https://news.example.org/feed.xml"})
    (feed,) = await resources.database.read(articles.feeds_of, memo.id)
    answer = await ada.post(f"{PATH}/feeds/{feed.uid}/accept")
    assert answer.status_code == 303
    assert ("feed.accepted", "Ada Okafor") in await steps.events(resources, feed.uid)


async def test_the_daily_work_comes_first_and_technical_matters_last(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    shown = parsed(await ada.get(PATH))
    parts = ("compose", "editions", "settings", "technical-settings")
    assert texts(shown, "//nav[@aria-label='On this page']/a/@href") == [f"#{part}" for part in parts]
    marks = texts(shown, "//main//*[self::section or self::h2]/@id")
    order = [one for one in marks if not one.endswith("-title")]
    daily, _, rest = "|".join(order).partition("|settings|")
    settings, _, technical = rest.partition("|technical-settings|")
    assert daily.split("|") == ["compose", "editions"]
    assert settings.split("|") == ["cadence", "feeds", "look", "web", "self"]
    assert technical.split("|") == ["canary", "deadline", "sending"]
    for part in ("cadence", "web", "canary", "deadline"):
        saves = elements(shown, f"//section[@id='{part}']//button[starts-with(., 'Save ')]")
        assert len(saves) == 1, f"one clear save for {part}"


async def test_older_articles_are_folded_away_and_can_be_chosen(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for number in range(8):
        await steps.article(resources, memo, f"Story {'abcdefgh'[number]}")
    shown = parsed(await ada.get(PATH))
    folded = texts(shown, "//section[@id='compose']//details//input[@name='article']/@value")
    assert (len(folded), len(elements(shown, "//input[@name='article']"))) == (2, 8)
    answer = await ada.post(f"{PATH}/editions", data={"from": "chosen", "article": folded})
    assert answer.status_code == 303


async def test_where_bounces_and_alarms_go_is_said(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    sending = words(by_id(parsed(await ada.get(PATH)), "sending"))
    for said in (
        "memo@news.example.org, as MEMO_BOUNCE_DOMAIN is not set",
        "nobody",
        "120 minutes",
        "morning-memo.",
    ):
        assert said in sending
