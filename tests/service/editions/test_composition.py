import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from service.dependencies import Resources
from service.editions import composition, content, queries, timing, versions
from service.editions.composition import Slot
from service.editions.models import Edition, State, VersionItem
from service.errors import Conflict, Invalid, NotFound
from service.newsletters import details, publication
from service.rendering.blocks import Brief, Briefs, Document, KeyGraph, Lead, Masthead, Note
from tests.support import publishing

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
GREETING = Document(subject="Good morning", blocks=[Masthead(), Note(text_markdown="Hello, {{ 7*7 }}.")])


def draft(session: Session) -> Edition:
    memo = publishing.newsletter(session, NOW, staff=[{"name": "Ines Calloway", "role": "Editor"}])
    return composition.start(session, memo, now=NOW, actor="test")


def replaced(session: Session, uid: uuid.UUID, document: Document) -> int:
    return composition.replace(session, queries.get(session, uid), document, now=NOW, actor="desk").number


async def test_a_draft_begins_with_the_frame_and_is_not_sendable(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    document = await database.read(composition.document_of, edition)
    assert [block.kind for block in document.blocks] == ["masthead", "staff"]
    assert (edition.local_date, edition.slot, edition.state) == (date(2026, 3, 2), 1, State.DRAFT)
    with pytest.raises(Invalid, match="nothing in it yet"):
        composition.check_sendable(document)


async def test_versions_are_only_added_and_an_unchanged_document_adds_none(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    assert await database.write(replaced, edition.uid, GREETING) == 2
    assert await database.write(replaced, edition.uid, GREETING.model_copy()) == 2
    other = GREETING.model_copy(update={"preheader": "x"})
    assert await database.write(replaced, edition.uid, other) == 3
    assert await database.write(replaced, edition.uid, GREETING) == 4

    def kept(session: Session) -> list[tuple[int, str, str, str]]:
        found = versions.all_of(session, queries.get(session, edition.uid))
        return [(one.number, one.author, one.document, one.sha256) for one in found]

    found = await database.read(kept)
    assert [number for number, *_ in found] == [4, 3, 2, 1]
    assert found[0][3] == found[2][3] == GREETING.sha256()
    assert json.loads(found[0][2])["subject"] == "Good morning"
    assert found[0][1] == "desk"


@pytest.mark.parametrize("state", [State.SENDING, State.SENT, State.PAUSED, State.CANCELLED])
async def test_what_has_left_or_was_called_off_cannot_be_changed(resources: Resources, state: State) -> None:
    database = resources.database
    edition = await database.write(draft)

    def moved_on(session: Session) -> None:
        found = queries.get(session, edition.uid)
        found.state = state
        session.add(found)

    await database.write(moved_on)
    with pytest.raises(Conflict, match="cannot be changed any more"):
        await database.write(replaced, edition.uid, GREETING)
    with pytest.raises(Conflict, match=state.value):
        await database.write(_scheduled, edition.uid, NOW + timedelta(hours=1))
    assert (await database.read(queries.get, edition.uid)).version_number == 1


async def test_a_scheduled_edition_cannot_be_emptied(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    await database.write(replaced, edition.uid, GREETING)
    await database.write(_scheduled, edition.uid, NOW + timedelta(hours=1))
    with pytest.raises(Invalid, match="nothing in it yet"):
        await database.write(replaced, edition.uid, Document(subject="x", blocks=[Masthead()]))


async def test_an_article_becomes_the_lead_with_what_belongs_to_it(resources: Resources) -> None:
    database = resources.database

    def composed(session: Session) -> Document:
        edition = draft(session)
        memo = queries.newsletter_of(session, edition)
        quote = {"quote_markdown": "They paid.", "speaker": None, "outlet": "Capital Wire"}
        lead = publishing.article(session, memo, 1, now=NOW, headline="Big\n  news", key_graphs=[quote])
        brief = publishing.article(session, memo, 2, now=NOW)
        composition.include(session, edition, brief, place="brief", now=NOW, actor="test")
        composition.include(session, edition, lead, place="lead", now=NOW, actor="test")
        used = set(
            session.exec(
                select(VersionItem.article_id).where(
                    VersionItem.version_id == versions.newest(session, edition).id
                )
            )
        )
        assert used == {lead.id, brief.id}
        return composition.document_of(session, edition)

    document = await database.write(composed)
    assert document.subject == "Big news"
    assert document.preheader == "What there is to know about 1."
    kinds = [block.kind for block in document.blocks]
    assert kinds == ["masthead", "lead", "key_graph", "briefs", "staff"]
    assert isinstance(document.blocks[1], Lead)
    assert isinstance(document.blocks[2], KeyGraph)


async def test_an_article_of_another_newsletter_is_refused(resources: Resources) -> None:
    def mixed(session: Session) -> None:
        edition = draft(session)
        other = publishing.newsletter(session, NOW, slug="other", name="Other")
        article = publishing.article(session, other, 1, now=NOW)
        composition.include(session, edition, article, place="item", now=NOW, actor="test")

    with pytest.raises(Invalid, match="another newsletter"):
        await resources.database.write(mixed)


async def test_briefs_use_an_article_up_by_its_address(resources: Resources) -> None:
    def placed(session: Session) -> list[int]:
        edition = draft(session)
        article = publishing.article(session, queries.newsletter_of(session, edition), 1, now=NOW)
        brief = Brief(headline="Told shortly", url="http://ledger.example.org/stories/1/?utm_source=x")
        document = Document(subject="x", blocks=[Briefs(items=[brief])])
        composition.replace(session, edition, document, now=NOW, actor="test")
        newest = versions.newest(session, edition)
        used = session.exec(select(VersionItem.article_id).where(VersionItem.version_id == newest.id))
        assert list(used) == [article.id]
        return [article.id]

    assert await resources.database.write(placed)


async def test_the_second_edition_of_a_day_has_its_own_place(resources: Resources) -> None:
    database = resources.database
    first = await database.write(draft)

    def another(session: Session, place: Slot | None) -> Edition:
        memo = publication.get(session, "morning-memo")
        return composition.start(session, memo, now=NOW, actor="test", local_date=place)

    second = await database.write(another, None)
    assert (second.local_date, second.slot) == (first.local_date, 2)
    with pytest.raises(Conflict, match="another edition"):
        await database.write(another, Slot(date(2026, 3, 2), 2))
    found = await database.read(content.of, second, base_url="https://news.example.org/list/")
    assert found.web_url == "https://news.example.org/list/n/morning-memo/2026-03-02-2"
    assert found.newsletter.public_url == "https://news.example.org/list/n/morning-memo"


async def test_content_holds_the_newsletters_facts(resources: Resources) -> None:
    def arabic(session: Session) -> Edition:
        memo = publishing.newsletter(session, NOW, language="ar", reason="لأنك مشترك", accent="#0b5394")
        return composition.start(session, memo, now=NOW, actor="test")

    edition = await resources.database.write(arabic)
    found = await resources.database.read(content.of, edition, base_url="https://news.example.org")
    assert (found.newsletter.direction, found.newsletter.language) == ("rtl", "ar")
    assert (found.newsletter.reason, found.newsletter.accent) == ("لأنك مشترك", "#0b5394")
    assert found.newsletter.list_id == "morning-memo.ledger.example.org"
    assert found.date == date(2026, 3, 2)


async def test_drafts_and_called_off_editions_do_not_exist_for_readers(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    place = (edition.newsletter_id, edition.local_date, edition.slot)

    def in_state(session: Session, state: State) -> None:
        found = queries.get(session, edition.uid)
        found.state, found.started_at = state, NOW
        session.add(found)

    for state in (State.DRAFT, State.SCHEDULED, State.CANCELLED):
        await database.write(in_state, state)
        with pytest.raises(NotFound):
            await database.read(queries.public_by_date, *place)
        assert await database.read(queries.public_editions, edition.newsletter_id) == []
    for state in (State.SENDING, State.SENT):
        await database.write(in_state, state)
        assert (await database.read(queries.public_by_date, *place)).uid == edition.uid


def _scheduled(session: Session, uid: uuid.UUID, at: datetime) -> Edition:
    return timing.schedule(session, queries.get(session, uid), at, now=NOW, actor="test")


async def test_a_schedule_in_the_past_is_refused_in_the_newsletters_time(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    await database.write(replaced, edition.uid, GREETING)
    with pytest.raises(Invalid, match=r"Mon 2 March 2026, 06:28 \(Europe/Berlin\)") as caught:
        await database.write(_scheduled, edition.uid, NOW - timedelta(minutes=2))
    assert "06:30 (Europe/Berlin)" in str(caught.value)
    assert (await database.read(queries.get, edition.uid)).state is State.DRAFT
    found = await database.write(_scheduled, edition.uid, NOW - timedelta(seconds=30))
    assert found.state is State.SCHEDULED
    with pytest.raises(Invalid, match="check the year"):
        await database.write(_scheduled, edition.uid, NOW + timedelta(days=3650))


async def test_an_edition_without_items_cannot_be_scheduled(resources: Resources) -> None:
    edition = await resources.database.write(draft)
    with pytest.raises(Invalid, match="nothing in it yet"):
        await resources.database.write(_scheduled, edition.uid, NOW + timedelta(hours=1))


async def test_a_plan_can_be_taken_back_and_the_date_follows_the_plan(resources: Resources) -> None:
    database = resources.database
    edition = await database.write(draft)
    await database.write(replaced, edition.uid, GREETING)
    # Half past eleven in the evening UTC is the next day in Berlin.
    found = await database.write(_scheduled, edition.uid, datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    assert found.local_date == date(2026, 3, 5)

    def taken_back(session: Session) -> Edition:
        return timing.unschedule(session, queries.get(session, edition.uid), now=NOW, actor="test")

    assert (await database.write(taken_back)).state is State.DRAFT
    with pytest.raises(Conflict, match="nothing to take back"):
        await database.write(taken_back)


async def test_a_newsletter_keeps_its_list_id_and_its_short_name(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, NOW)

    def changed(session: Session, **values: str) -> str:
        memo = publication.get(session, "morning-memo")
        wanted = details.read(publication.details_of(memo).model_dump() | values)
        return publication.change(session, memo, wanted, now=NOW, actor="test").list_id

    assert await database.write(lambda s: changed(s, from_address="memo@paper.example.net")) == (
        "morning-memo.ledger.example.org"
    )
    with pytest.raises(Conflict, match="cannot be changed"):
        await database.write(lambda s: changed(s, slug="other"))
    with pytest.raises(Conflict, match="short name"):
        await database.write(publishing.newsletter, NOW)
    with pytest.raises(NotFound):
        await database.read(publication.get, "nothing")
