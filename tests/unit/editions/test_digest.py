from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from service.articles import spelling
from service.articles.models import Article, Source
from service.editions import digest, layout, placeholders, placing
from service.editions.digest import Frame
from service.newsletters.details import DigestRules
from service.rendering.blocks import (
    Briefs,
    Comments,
    Document,
    DocumentCard,
    Item,
    KeyGraph,
    LatestFromSection,
    Lead,
    Masthead,
    Note,
    Person,
    Staff,
)
from service.rendering.fields import Marks

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
PICTURE = {
    "url": "https://ledger.example.org/a.jpg",
    "alt": "A ferry",
    "caption": "The ferry.",
    "credit": "A. Koro",
}
RULES = DigestRules()
ENGLISH = Frame("en")


def article(number: int, **changes: Any) -> Article:
    url = changes.pop("url", f"https://ledger.example.org/stories/{number}")
    values: dict[str, Any] = {
        "id": number,
        "uid": UUID(int=number),
        "newsletter_id": 1,
        "url": url,
        "url_key": spelling.key(url) if url else None,
        "source": Source.FEED,
        "headline": f"Story number {number}",
        "deck": f"About {number}.",
        "body_markdown": "One.\n\nTwo.\n\n> Said.\n\nThree.",
        "section": "City",
        "published_at": NOW - timedelta(hours=number),
    }
    return Article(**values | changes)


def composed(articles: list[Article], frame: Frame = ENGLISH, rules: DigestRules = RULES) -> Document:
    document = digest.compose(articles, frame, rules)
    assert document is not None
    return document


def headlines(document: Document) -> list[str]:
    return [block.headline for block in document.blocks if isinstance(block, Lead | Item)]


def test_nb_37_nothing_new_makes_no_edition() -> None:
    assert digest.compose([], ENGLISH, RULES) is None


def test_the_newest_with_a_picture_leads_and_names_the_edition() -> None:
    found = composed([article(1), article(2, picture=PICTURE), article(3, picture=PICTURE)])
    assert isinstance(found.blocks[0], Masthead)
    assert headlines(found) == ["Story number 2", "Story number 1", "Story number 3"]
    assert found.subject == "Story number 2 — and 2 more stories"
    assert found.preheader == "About 2."


def test_without_a_picture_the_longest_of_the_last_day_leads() -> None:
    long = "Word. " * 200
    found = composed([article(1), article(2, body_markdown=long), article(30, body_markdown=long * 2)])
    assert headlines(found)[0] == "Story number 2"


def test_the_subject_keeps_to_its_length_and_to_the_language() -> None:
    long = article(1, headline="A very long headline of a story " * 8)
    assert len(composed([long, article(2)]).subject) <= digest.SUBJECT_LENGTH
    assert composed([long, article(2)]).subject.endswith("… — and 1 more story")
    german = composed([article(1), article(2)], Frame("de-AT")).subject
    assert german == "Story number 1 — und 1 weitere Meldung"
    arabic = composed([article(n) for n in range(1, 6)], Frame("ar")).subject
    assert arabic == "Story number 1 — و4 أخبار أخرى"
    unknown = composed([article(1), article(2)], Frame("it")).subject
    assert unknown == "Story number 1 · Story number 2"
    assert composed([article(1)]).subject == "Story number 1"


def test_beyond_the_cap_come_briefs_but_never_for_a_text_that_is_nowhere_else() -> None:
    only_here = article(9, url=None, source=Source.MARKDOWN)
    found = composed(
        [article(n) for n in range(1, 8)] + [only_here], rules=DigestRules(item_count=3, brief_count=2)
    )
    assert headlines(found) == [f"Story number {n}" for n in (1, 2, 3, 4, 9)]
    (briefs,) = [block for block in found.blocks if isinstance(block, Briefs)]
    assert [brief.headline for brief in briefs.items] == ["Story number 5", "Story number 6"]


def test_latest_from_the_section_is_pinned_first_capped_and_repeats_nothing() -> None:
    others = [article(n) for n in (1, 50, 51, 52, 53)]
    rules = DigestRules(latest_count=3, pinned=["http://www.ledger.example.org/stories/53/?utm_source=x"])
    rules = rules.model_copy(update={"pinned": ["http://ledger.example.org/stories/53/?utm_source=x"]})
    found = composed([article(1)], Frame("en", "City", others), rules)
    (latest,) = [block for block in found.blocks if isinstance(block, LatestFromSection)]
    assert latest.section == "City"
    assert [brief.headline for brief in latest.items] == [
        "Story number 53",
        "Story number 50",
        "Story number 51",
    ]


def test_the_staff_closes_the_edition() -> None:
    staff = Staff(people=[Person(name="Ines Calloway", role="Editor")])
    assert composed([article(1)], Frame("en", staff=[staff])).blocks[-1] == staff


def test_a_report_on_anothers_story_keeps_its_key_graph_with_its_source() -> None:
    quote = {"quote_markdown": "They paid.", "speaker": "H. Quist", "outlet": "Capital Wire"}
    quote["source_url"] = "https://capitalwire.example.net/1"
    card = {"title": "The memo", "url": "https://ledger.example.org/memo.html", "caption": "Three pages."}
    update = {"heading": "Late update, 12:50 p.m.", "text_markdown": "It reopened."}
    told = article(
        1, key_graphs=[quote], documents=[card], late_updates=[update], comment_count=31,
        comments_url="https://ledger.example.org/stories/1#comments",
    )  # fmt: skip
    lead, key_graph, document, comments = placing.lead(told)
    assert isinstance(lead, Lead)
    assert lead.body_markdown == "One.\n\nTwo."
    assert [(one.heading, one.text_markdown) for one in lead.late_updates] == [("12:50 p.m.", "It reopened.")]
    assert lead.read_more
    assert isinstance(key_graph, KeyGraph)
    assert (key_graph.outlet, key_graph.speaker, key_graph.source_url) == (
        "Capital Wire",
        "H. Quist",
        "https://capitalwire.example.net/1",
    )
    assert isinstance(document, DocumentCard)
    assert document.title == "The memo"
    assert isinstance(comments, Comments)
    assert comments.count == 31


def test_nb_43_what_was_written_for_us_is_shown_whole_and_as_it_is() -> None:
    text = "{{ 7*7 }} {% if %}\n\n> {{ config }}\n\n*|FNAME|* $name {#\n\nEnd."
    for written in (
        article(1, source=Source.API, body_markdown=text),
        article(1, url=None, body_markdown=text),
    ):
        lead = placing.lead(written)[0]
        assert isinstance(lead, Lead)
        assert lead.body_markdown == text
        assert not lead.read_more


def test_nb_43_a_headline_in_the_subject_is_no_field_and_stops_no_edition() -> None:
    odd = article(1, headline="How {{ config }} and {{first_name|x}} leak", deck="On {{first_name}}")
    document = composed([odd, article(2, headline="{{name}}", picture=None)])
    placeholders.check(document)
    placeholders.check(layout.named_after(composed([article(3)]), odd))
    marks = Marks("0" * 12)
    assert marks.line(document.subject) == "How {{ config }} and {{first_name|x}} leak — and 1 more story"
    assert marks.line(document.preheader) == "On {{first_name}}"


def test_nb_11_an_old_piece_that_a_feed_brings_up_is_no_news() -> None:
    since = NOW - timedelta(days=1)
    old = article(1, published_at=NOW - timedelta(days=400))
    late = article(2, published_at=NOW - timedelta(days=2))
    meant = article(3, published_at=NOW - timedelta(days=400), source=Source.PAGE)
    assert digest.news([old, late, meant], since=since) == [late, meant]


def test_a_first_edition_looks_back_from_the_newest_article() -> None:
    published = [NOW - timedelta(days=700 + days) for days in (0, 6, 8)]
    found = [article(n, published_at=moment) for n, moment in enumerate(published, start=1)]
    assert digest.news(found, since=None) == found[:2]


def test_two_sources_with_one_headline_are_one_story() -> None:
    twice = [article(1, headline="The Vote"), article(2, headline="the vote")]
    assert digest.news(twice, since=None) == twice[:1]


def test_a_new_lead_makes_an_item_of_the_old_one_and_nothing_stands_twice() -> None:
    quote = {"quote_markdown": "They paid.", "outlet": "Capital Wire"}
    first, second = article(1, key_graphs=[quote]), article(2)
    document = Document(subject="Memo", blocks=[Masthead(), Note(text_markdown="Good morning.")])
    document = layout.placed(document, first, "lead")
    document = layout.placed(document, second, "brief")
    document = layout.placed(document, second, "lead")
    kinds = [block.kind for block in document.blocks]
    assert kinds == ["masthead", "note", "lead", "item", "key_graph"]
    assert headlines(document) == ["Story number 2", "Story number 1"]
    assert [block.kind for block in layout.without(document, first).blocks] == ["masthead", "note", "lead"]


def test_items_stand_before_briefs_and_staff() -> None:
    document = Document(subject="Memo", blocks=[Masthead(), Staff(people=[Person(name="Ines")])])
    document = layout.placed(document, article(1), "brief")
    document = layout.placed(document, article(2), "item")
    document = layout.placed(document, article(3), "brief")
    document = layout.placed(document, article(4), "item")
    assert [block.kind for block in document.blocks] == ["masthead", "item", "item", "briefs", "staff"]
    assert headlines(document) == ["Story number 2", "Story number 4"]


def test_a_frame_alone_holds_no_items() -> None:
    staff = Staff(people=[Person(name="Ines")])
    assert not layout.has_items(Document(subject="Memo", blocks=[Masthead(), staff]))
    assert not layout.has_items(Document(subject="Memo", blocks=[Masthead(), Note(text_markdown="  \n")]))
    assert layout.has_items(Document(subject="Memo", blocks=[Note(text_markdown="Hello.")]))
