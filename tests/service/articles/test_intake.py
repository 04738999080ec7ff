from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from service.articles import intake, queries
from service.articles.intake import ArticleDraft
from service.articles.models import Article, Source
from service.dependencies import Resources
from service.errors import Invalid, NotFound
from service.newsletters import publication
from service.tokens import new_uid
from tests.support import publishing

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)


async def newsletter_id(resources: Resources) -> int:
    return (await resources.database.write(publishing.newsletter, NOW)).id


async def added(resources: Resources, draft: ArticleDraft, *, at: datetime = NOW) -> Article:
    def add(session: Session) -> Article:
        memo = publication.get(session, "morning-memo")
        return intake.add(session, memo.id, draft, source=Source.API, now=at)

    return await resources.database.write(add)


async def test_one_address_in_several_spellings_is_one_article_brought_up_to_date(
    resources: Resources,
) -> None:
    owner = await newsletter_id(resources)
    later = NOW + timedelta(hours=1)
    first = await added(resources, publishing.draft(1, comment_count=3))
    changed = publishing.draft(
        1, url="HTTP://ledger.example.org:80/stories/1/?utm_source=x#top", headline="Corrected", deck=""
    )
    second = await added(resources, changed, at=later)
    assert second.uid == first.uid
    assert (second.headline, second.deck, second.comment_count) == ("Corrected", first.deck, 3)
    assert (second.url, second.first_seen_at, second.updated_at) == (first.url, NOW, later)
    assert len(await resources.database.read(queries.page, owner)) == 1


async def test_two_newsletters_keep_their_own(resources: Resources) -> None:
    first = await newsletter_id(resources)
    other = await resources.database.write(publishing.newsletter, NOW, slug="other", name="Other")

    def both(session: Session) -> set[int]:
        drafts = publishing.draft(1)
        return {
            intake.add(session, owner, drafts, source=Source.FEED, now=NOW).id for owner in (first, other.id)
        }

    assert len(await resources.database.write(both)) == 2


async def test_articles_without_an_address_are_each_their_own(resources: Resources) -> None:
    await newsletter_id(resources)
    note = ArticleDraft(headline="A note", body_markdown="Text.")
    first, second = await added(resources, note), await added(resources, note)
    assert first.uid != second.uid
    assert first.url is None


@pytest.mark.parametrize("mark", ["\n  ", "\r", "\u2028", "\x0b", "\x85", "\0"])
async def test_nb_19_titles_from_outside_become_one_line(resources: Resources, mark: str) -> None:
    await newsletter_id(resources)
    found = await added(
        resources,
        publishing.draft(1, headline=f"Big{mark}news", byline=f"Ines{mark}Calloway", section=f"a{mark}b"),
    )
    assert (found.headline, found.byline, found.section) == ("Big news", "Ines Calloway", "a b")


async def test_nb_43_an_articles_text_is_kept_as_it_is(resources: Resources) -> None:
    await newsletter_id(resources)
    text = "{{ 7*7 }} {% raw %} {{ ''.__class__ }} {# *|FNAME|* $name %recipient%"
    found = await added(resources, publishing.draft(1, headline=text, body_markdown=text))
    assert (found.headline, found.body_markdown) == (text, text)


async def test_what_is_too_long_is_cut_between_words(resources: Resources) -> None:
    await newsletter_id(resources)
    found = await added(resources, publishing.draft(1, headline="word " * 200, byline="x" * 500))
    assert len(found.headline) <= 300
    assert found.headline.endswith("word…")
    assert len(found.byline) == 200


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"headline": " \n\u2028 "}, "headline"),
        ({"url": "javascript:alert(1)"}, "web address"),
        ({"url": "ledger.example.org/1"}, "web address"),
        ({"body_markdown": "x" * 200_001}, "too long"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_nothing_stored(
    resources: Resources, changes: dict[str, str], match: str
) -> None:
    owner = await newsletter_id(resources)
    with pytest.raises(Invalid, match=match):
        await added(resources, publishing.draft(1, **changes))
    assert await resources.database.read(queries.page, owner) == []


async def test_addresses_that_lead_nowhere_are_left_out(resources: Resources) -> None:
    await newsletter_id(resources)
    draft = publishing.draft(
        1,
        picture={"url": "data:image/png;base64,xyz", "alt": "x"},
        documents=[{"title": "a", "url": "javascript:x"}, {"title": "b", "url": "https://example.org/b"}],
        key_graphs=[{"quote_markdown": "q", "source_url": "javascript:x", "outlet": "A\nB"}],
        comments_url="mailto:x@example.org",
    )
    found = await added(resources, draft)
    assert found.picture is None
    assert [one["title"] for one in found.documents] == ["b"]
    assert found.key_graphs == [{"quote_markdown": "q", "source_url": None, "outlet": "A B"}]
    assert found.comments_url is None


async def test_nb_47_no_readable_date_is_the_time_it_was_first_seen_and_stays(resources: Resources) -> None:
    await newsletter_id(resources)
    far = NOW + timedelta(days=400)
    for published_at in (None, far):
        first = await added(resources, publishing.draft(1, published_at=published_at))
        assert (first.published_at, first.date_was_readable) == (NOW, False)
        again = await added(
            resources, publishing.draft(1, published_at=published_at), at=NOW + timedelta(hours=2)
        )
        assert (again.published_at, again.date_was_readable) == (NOW, False)
    told = NOW - timedelta(days=1)
    corrected = await added(resources, publishing.draft(1, published_at=told))
    assert (corrected.published_at, corrected.date_was_readable) == (told, True)


async def test_an_unknown_article_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound):
        await resources.database.read(intake.get, new_uid())
