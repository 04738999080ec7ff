from datetime import date

import httpx2
import pytest
from sqlmodel import Session

from service.dependencies import Resources
from service.editions import composition, queries, rhythm
from service.editions.composition import Slot
from service.editions.models import Edition, State
from service.editions.rhythm import Rhythm
from service.newsletters.models import Newsletter
from service.public import reading
from service.rendering.blocks import Document, Item, Lead
from service.settings import Settings
from tests.service.readers import steps
from tests.service.readers.steps import ANNA

MONDAY = date(2026, 3, 2)


def _document(subject: str) -> Document:
    return Document(
        subject=subject,
        blocks=[
            Lead(
                headline="The bakery stays",
                body_markdown="Good morning, {{first_name|reader}}. *Bread* at last.",
            ),
            Item(headline="The ferry goes", body_markdown="At nine."),
        ],
    )


async def _edition(
    resources: Resources,
    newsletter: Newsletter,
    state: State,
    place: Slot = Slot(MONDAY, 1),
    *,
    subject: str = "Bread for {{first_name|everybody}}",
) -> None:
    def make(session: Session) -> None:
        now = resources.clock.now()
        document = _document(subject)
        edition = composition.start(
            session, newsletter, now=now, actor="test", local_date=place, document=document
        )
        edition.state = state
        edition.started_at = None if state in {State.DRAFT, State.SCHEDULED} else now
        session.add(edition)

    await resources.database.write(make)


async def test_nb_38_an_edition_on_the_web_has_no_reader_in_it(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo, first_name="Anna")
    await _edition(resources, memo, State.SENT)
    before = await steps.everything_stored(resources)
    page = await client.get("/n/morning-memo/2026-03-02")
    assert page.status_code == 200
    assert "<h1" in page.text and "Bread for everybody" in page.text and "Good morning, reader" in page.text
    assert "The ferry goes" in page.text
    for personal in ("Anna", ANNA, "/unsubscribe/", "{{", "zq0000"):
        assert personal not in page.text
    assert "https://news.example.org/n/morning-memo/2026-03-02" in page.text
    assert 'action="/n/morning-memo"' in page.text
    assert "public" in page.headers["cache-control"]
    assert (await client.head("/n/morning-memo/2026-03-02")).status_code == 200
    assert await steps.everything_stored(resources) == before


@pytest.mark.parametrize("state", [State.DRAFT, State.SCHEDULED, State.CANCELLED])
async def test_nb_38_what_is_not_out_does_not_exist(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, state: State
) -> None:
    await _edition(resources, memo, state)
    assert (await client.get("/n/morning-memo/2026-03-02")).status_code == 404
    assert "2026-03-02" not in (await client.get("/n/morning-memo/archive")).text
    assert "2026-03-02" not in (await client.get("/n/morning-memo")).text


@pytest.mark.parametrize(
    "when",
    [
        "2026-03-03",
        "2026-02-30",
        "2026-03-02-1",
        "2026-03-02-02",
        "2026-03-02-99999999999",
        "1",
        "0001-01-01",
        "٢٠٢٦-٠٣-٠٢",
    ],
)
async def test_an_address_has_one_spelling(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, when: str
) -> None:
    await _edition(resources, memo, State.SENT)
    assert (await client.get(f"/n/morning-memo/{when}")).status_code == 404


async def test_the_second_edition_of_a_day_ends_in_2(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await _edition(resources, memo, State.SENT)
    await _edition(resources, memo, State.SENDING, Slot(MONDAY, 2), subject="Late edition")
    assert "Late edition" in (await client.get("/n/morning-memo/2026-03-02-2")).text
    archive = (await client.get("/n/morning-memo/archive")).text
    assert archive.index("/n/morning-memo/2026-03-02-2") < archive.index('/n/morning-memo/2026-03-02"')
    assert "Bread for everybody" in archive
    front = (await client.get("/n/morning-memo")).text
    assert 'href="/n/morning-memo/2026-03-02-2"' in front


async def test_the_archive_turns_pages(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ENTRIES_ON_A_PAGE", 2)
    for day in range(1, 6):
        await _edition(resources, memo, State.SENT, Slot(date(2026, 3, day), 1), subject=f"Day {day}")
    first, second, third = [
        (await client.get("/n/morning-memo/archive", params={"page": page})).text for page in (1, 2, 3)
    ]
    assert "Day 5" in first and "Day 4" in first and "Day 3" not in first and "Newer" not in first
    assert "Day 3" in second and "Day 2" in second and "page=3" in second
    assert 'href="/n/morning-memo/archive" rel="prev"' in second
    assert "Day 1" in third and "Older" not in third
    assert (await client.get("/n/morning-memo/archive", params={"page": "-1"})).status_code == 422
    assert (await client.get("/n/morning-memo/archive", params={"page": "4"})).status_code == 404


async def test_the_front_page_says_when(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for one in (Rhythm("weekdays", "06:00"), Rhythm("sat,sun", "18:30", slot=2)):
        await resources.database.write(rhythm.set_cadence, memo, one, now=resources.clock.now(), actor="test")
    page = (await client.get("/n/morning-memo")).text
    assert "Every weekday at 6:00\u202fAM, New York time" in page
    assert "Saturdays and Sundays at 6:30\u202fPM, New York time" in page


async def test_another_language_keeps_its_direction(client: httpx2.AsyncClient, resources: Resources) -> None:
    arabic = await steps.newsletter(resources, language="ar", name="مذكرة الصباح")
    await _edition(resources, arabic, State.SENT, subject="صباح الخير")
    weekly = Rhythm("sat,sun", "18:30", slot=2)
    await resources.database.write(
        rhythm.set_cadence, arabic, weekly, now=resources.clock.now(), actor="test"
    )
    page = (await client.get("/n/morning-memo/2026-03-02")).text
    assert '<html lang="ar" dir="rtl"' in page and '<article lang="ar" dir="rtl">' in page
    assert "الاثنين، 2 مارس 2026" in page
    front = (await client.get("/n/morning-memo")).text
    assert "أيام السبت والأحد عند الساعة 6:30 م بتوقيت نيويورك" in front
    assert "باشتراكك توافق على تلقي مذكرة الصباح" in front and arabic.consent_wording in front
    refused = (await steps.sign_up(client, "nobody", first_name="x" * 81)).text
    assert "لا يبدو هذا عنوان بريد إلكتروني" in refused and "الحد الأقصى 80 حرفًا" in refused
    assert "بقيت خطوة" in (await steps.sign_up(client)).text
    for path, said in (
        (await steps.confirm_path(resources), "هل هذا أنت؟"),
        (await steps.leave_path(resources), "هل تريد إلغاء الاشتراك"),
    ):
        shown = (await client.get(path)).text
        assert '<html lang="ar" dir="rtl"' in shown and said in shown


async def test_where_no_newsletter_is_known_the_browsers_language_is_spoken(
    client: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for path in ("/n/weekly", "/confirm/x", "/unsubscribe/x", "/nowhere"):
        page = await client.get(path, headers={"Accept-Language": "it, de;q=0.8"})
        assert page.status_code == 404
        assert '<html lang="de" dir="ltr"' in page.text
        assert page.headers["vary"] == "Accept-Language"
        assert "There is" not in page.text and "This" not in page.text
        assert '<html lang="en" dir="ltr"' in (await client.get(path)).text


class TestPublicAddressWithAPath:
    @pytest.fixture
    def chosen(self, chosen: Settings) -> Settings:
        return chosen.model_copy(update={"public_url": "https://news.example.org/list"})

    async def test_nb_17_every_link_begins_with_it(
        self, client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
    ) -> None:
        await _edition(resources, memo, State.SENT)
        for path in (
            "/n/morning-memo",
            "/n/morning-memo/2026-03-02",
            "/n/morning-memo/archive",
            "/confirm/x",
        ):
            page = (await client.get(path)).text
            assert 'href="/n' not in page and 'action="/n' not in page and '"/static' not in page
            assert '"/list/static/public.css"' in page
        assert (
            "https://news.example.org/list/n/morning-memo/2026-03-02"
            in (await client.get("/n/morning-memo/2026-03-02")).text
        )


async def test_public_editions_are_read_in_order(resources: Resources, memo: Newsletter) -> None:
    for day in (3, 1, 2):
        await _edition(resources, memo, State.SENT, Slot(date(2026, 3, day), 1))

    def days(session: Session) -> list[Edition]:
        return queries.public_editions(session, memo.id, limit=2, offset=1)

    assert [one.local_date.day for one in await resources.database.read(days)] == [2, 1]
