import pytest

from service.dependencies import Resources
from service.mailbox import store
from service.mailbox.store import MessageNotFound


async def _keep(resources: Resources, *, to: str = "anna@example.org", subject: str = "Hello") -> None:
    await resources.database.write(
        store.keep,
        mail_from="memo@example.org",
        rcpt_tos=[to],
        raw=f"Subject: {subject}\r\n\r\nGood morning.\r\n".encode("utf-8", "surrogateescape"),
        now=resources.clock.now(),
    )


async def test_the_oldest_gives_way_to_the_newest(resources: Resources) -> None:
    await resources.database.write(
        store.keep,
        mail_from="memo@example.org",
        rcpt_tos=[f"{number}@example.org" for number in range(store.KEPT + 2)],
        raw=b"Subject: Many\r\n\r\n",
        now=resources.clock.now(),
    )
    await _keep(resources, subject="One more")

    page = await resources.database.read(store.page, limit=1_000)

    assert page.found == await resources.database.read(store.count) == len(page.messages) == store.KEPT
    assert (page.messages[0].subject, page.messages[-1].rcpt_to) == ("One more", "3@example.org")
    with pytest.raises(MessageNotFound):
        await resources.database.read(store.get, page.messages[-1].id - 1)


async def test_pages_lead_from_the_newest_to_the_oldest(resources: Resources) -> None:
    for number in range(5):
        await _keep(resources, subject=f"No. {number}")

    first = await resources.database.read(store.page, limit=2)
    second = await resources.database.read(store.page, limit=2, before=first.older)
    third = await resources.database.read(store.page, limit=2, before=second.older)

    shown = [[one.subject for one in page.messages] for page in (first, second, third)]
    assert shown == [["No. 4", "No. 3"], ["No. 2", "No. 1"], ["No. 0"]]
    assert third.older is None
    assert {page.found for page in (first, second, third)} == {5}


async def test_a_search_finds_parts_of_recipient_or_subject_in_any_case(resources: Resources) -> None:
    await _keep(resources, to="Jürgen+tag@example.org", subject="Grüße")
    await _keep(resources, to="ben@example.org", subject="100 % _new_")

    for search in ("jürgen", "JÜRGEN", " gen+tag@ex ", "grüße", "GRÜSSE"):
        page = await resources.database.read(store.page, search=search)
        assert [one.subject for one in page.messages] == ["Grüße"], search


async def test_a_search_is_taken_literally(resources: Resources) -> None:
    await _keep(resources, to="ben@example.org", subject="100 % _new_")

    for search, found in (("%", 1), ("_", 1), ("'", 0), ("\x00", 0), ("\\", 0)):
        assert (await resources.database.read(store.page, search=search)).found == found, search


async def test_nb_19_hostile_subjects_and_addresses_are_kept_on_one_line(resources: Resources) -> None:
    for subject in ("a\x00b", "=?utf-8?q?a=00=0D=0Ab?=", "=?utf-8?b?YQ0KYg==?=", "a\udcff", "x" * 5_000):
        await _keep(resources, to="o'brien\r\nBcc: x\x00@example.org" + "y" * 400, subject=subject)

    page = await resources.database.read(store.page)

    assert [one.subject for one in page.messages] == ["x" * 1_000, "aÿ", "a b", "a b", "a b"]
    assert {one.rcpt_to[:24] for one in page.messages} == {"o'brien Bcc: x @example."}
    assert {len(one.rcpt_to) for one in page.messages} == {320}
