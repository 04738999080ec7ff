"""Where one is: editors' pages and technicians' pages are told apart, and each page marks the one it belongs to."""

import httpx2
import pytest

from service.editions.models import Edition
from service.newsletters.models import Newsletter
from tests.service.desk.shown import by_id, elements, parsed, words

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def marked(page: httpx2.Response) -> list[tuple[str, str, str]]:
    """By group: what is marked, and as what."""
    shown = parsed(page)
    found = []
    for nav in elements(shown, "//header//nav"):
        named = nav.get("aria-labelledby")
        name = words(by_id(shown, named)) if named else str(nav.get("aria-label"))
        found += [
            (name, words(one), str(one.get("aria-current"))) for one in elements(nav, ".//a[@aria-current]")
        ]
    return found


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/desk", ("Editions", "Today", "page")),
        ("/desk/newsletters/morning-memo", ("Editions", "Today", "true")),
        ("/desk/newsletters/morning-memo/look", ("Editions", "Today", "true")),
        ("/desk/relays", ("Technical", "Relays", "page")),
        ("/desk/dkim", ("Technical", "Signing", "page")),
        ("/desk/bounces", ("Technical", "Bounces", "page")),
        ("/desk/bounces/inbox", ("Technical", "Bounces", "true")),
        ("/desk/suppressions?address=x", ("Technical", "Bounces", "true")),
        ("/desk/workers", ("Technical", "Workers", "page")),
        ("/desk/doctor", ("Technical", "Doctor", "page")),
    ],
)
async def test_each_page_marks_where_it_belongs(
    ada: httpx2.AsyncClient, memo: Newsletter, path: str, expected: tuple[str, str, str]
) -> None:
    assert marked(await ada.get(path)) == [expected]


async def test_what_was_refused_marks_it_too(ada: httpx2.AsyncClient, draft: Edition) -> None:
    page = await ada.post(f"/desk/editions/{draft.uid}/test", data={"address": "nobody"})
    assert marked(page) == [("Editions", "Today", "true")]
    page = await ada.post("/desk/doctor/domain", data={"domain": "a b"})
    assert marked(page) == [("Technical", "Doctor", "true")]
