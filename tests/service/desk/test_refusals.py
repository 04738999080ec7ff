"""What a form was refused for: at its field, on top with a way to it, and nothing of what was typed is lost."""

import re
from typing import Any

import httpx2
import pytest
from lxml import html

from service.articles.polling import FeedKnown
from service.dependencies import Resources
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from tests.service.desk import steps
from tests.service.desk.shown import by_id, elements, parsed, texts, words

# What is refused is the same on both databases, and asked of both beside each room.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/desk/newsletters/morning-memo"
CANARY = {"when": "on", "first": "50", "wait": "60", "percent": "5", "seeds": ""}
RELAY = {"name": "near", "host": "relay.example.org", "port": "25", "tls": "none"}


def look(page: httpx2.Response, place: str, said: str) -> html.HtmlElement:
    """The one field of the page that is to be mended, as a person is led to it."""
    shown = parsed(page)
    field = by_id(shown, place)
    assert "autofocus" in field.attrib
    told = [words(by_id(shown, one)) for one in str(field.get("aria-describedby")).split()]
    assert said in " ".join(told)
    (way,) = elements(by_id(shown, "problem"), ".//a")
    assert (way.get("href"), said in words(way)) == (f"#{place}", True)
    assert texts(shown, "//title/text()")[0].startswith("Not done: ")
    ids = texts(shown, "//@id")
    assert len(ids) == len(set(ids)), "each id stands for one thing"
    wrong = texts(shown, "//*[@aria-invalid='true']/@id")
    assert wrong in ([place], []) or place == "day"
    return field


@pytest.mark.parametrize(
    ("form", "fields", "place", "said"),
    [
        ("cadence", {"at": "08:00", "action": "save"}, "day-mon", "Name the weekdays"),
        ("cadence", {"weekday": ["tue"], "at": "8", "action": "save"}, "at", "hours and minutes"),
        ("cadence", {"weekday": ["tue"], "at": "8", "action": "look"}, "at", "hours and minutes"),
        ("deadline", {"minutes": "soon"}, "minutes", "“Handed over within (minutes)” takes a whole number."),
        (
            "deadline",
            {"minutes": "45", "ping_url": "ftp://x"},
            "ping-url",
            "“Call this address when it was in time”",
        ),
        ("canary", CANARY | {"first": "2"}, "canary-first", "“Readers who go first” is at least 10."),
        ("canary", CANARY | {"wait": "0"}, "canary-wait", "“Wait (seconds)” is at least 1."),
        ("canary", CANARY | {"percent": "x"}, "canary-percent", "takes a whole number"),
        ("canary", CANARY | {"seeds": "ada@example.org nobody"}, "canary-seeds", "mail address"),
        ("web", {"web": "some"}, "web-who", "public"),
        ("articles", {"url": "ftp://news.example.org/x"}, "article-url", "http"),
        ("feeds", {"url": "nonsense"}, "feed-url", "https://"),
    ],
)
async def test_on_a_newsletters_page(
    ada: httpx2.AsyncClient, memo: Newsletter, form: str, fields: dict[str, Any], place: str, said: str
) -> None:
    page = await ada.post(f"{PATH}/{form}", data=fields)
    assert page.status_code == 422
    field = look(page, place, said)
    typed = [one for one in fields.values() if isinstance(one, str) and not one.isalpha()]
    shown = f"{page.text}"
    assert all(one in shown for one in typed)
    if form == "cadence":
        assert "next dates" not in shown.replace("Show the next dates", "")
        assert texts(field, "//*[@name='weekday'][@checked]/@value") == fields.get("weekday", [])


async def test_a_feed_that_is_followed_already_is_said_at_its_field(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    fields = {"url": "https://news.example.org/feed.xml"}
    await ada.post(f"{PATH}/feeds", data=fields)
    again = await ada.post(f"{PATH}/feeds", data=fields)
    field = look(again, "feed-url", FeedKnown().message)
    assert (again.status_code, field.get("value")) == (409, fields["url"])


async def test_articles_that_nobody_chose_keep_the_edition_they_were_for(
    ada: httpx2.AsyncClient, memo: Newsletter, draft: Edition
) -> None:
    page = await ada.post(f"{PATH}/editions", data={"from": "chosen", "into": str(draft.uid)})
    field = look(page, "article-1", "tick at least one")
    assert texts(field, "//select[@id='into']/option[@selected]/@value") == [str(draft.uid)]


async def test_nothing_new_is_said_at_the_button(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await ada.post(f"{PATH}/editions", data={"from": "latest"})
    assert look(page, "latest", "No article is new").tag == "button"


@pytest.mark.parametrize(
    ("form", "fields", "place", "said"),
    [
        ("test", {"address": "nobody"}, "address", "mail address"),
        ("schedule", {"day": "2020-01-01", "clock_time": "06:00"}, "day", "has passed"),
        ("schedule", {"day": "soon", "clock_time": "06:00"}, "day", "This is no time"),
        ("words", {"subject": "", "preheader": "kept"}, "subject", "please write something"),
        ("words", {"subject": "kept", "preheader": "{{nobody}}"}, "preheader", "no personal field"),
    ],
)
async def test_on_an_editions_page(
    ada: httpx2.AsyncClient, draft: Edition, form: str, fields: dict[str, str], place: str, said: str
) -> None:
    version = {"version": str(draft.version_number)} if form == "words" else {}
    page = await ada.post(f"/desk/editions/{draft.uid}/{form}", data=fields | version)
    assert page.status_code == 422
    field = look(page, place, said)
    for name, typed in fields.items():
        assert texts(field, f"//*[@name='{name}']/@value") == [typed]


async def test_an_address_that_is_not_mailed_is_said_at_the_field_of_the_test(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    await ada.post("/desk/suppressions", data={"address": "mara@example.org"})
    page = await ada.post(f"/desk/editions/{draft.uid}/test", data={"address": "mara@example.org"})
    assert page.status_code == 409
    assert look(page, "address", "not mail").get("value") == "mara@example.org"


async def test_of_a_block_every_field_that_is_wrong_is_named_on_top(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    sent = {
        "kind": "briefs",
        "items.0.headline": "A",
        "items.0.url": "a",
        "items.1.headline": "B",
        "items.1.url": "b",
    }
    page = await ada.post(f"/desk/editions/{draft.uid}/blocks/new", data=sent)
    assert page.status_code == 422
    shown = parsed(page)
    ways = texts(shown, "//*[@id='problem']//a/@href")
    assert len(ways) > 1
    for way in ways:
        field = by_id(shown, way[1:])
        assert field.get("aria-invalid") == "true"
    assert len(elements(shown, "//*[@autofocus]")) == 1


async def test_a_section_without_news_is_said_at_the_section(ada: httpx2.AsyncClient, draft: Edition) -> None:
    sent = {"kind": "latest_from_section", "section": "Sport", "action": "fill"}
    page = await ada.post(f"/desk/editions/{draft.uid}/blocks/new", data=sent)
    assert look(page, "f-section", "No article of this section").get("value") == "Sport"


async def test_at_the_relays(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    assert (await ada.post("/desk/relays", data=RELAY)).status_code == 303
    look(await ada.post("/desk/relays", data=RELAY), "name", "a relay of this name already")
    clear = RELAY | {"name": "far", "user": "memo", "password": "x"}
    look(await ada.post("/desk/relays", data=clear), "tls", "never sent without TLS")
    tried = {"to": "nobody", "sender": "memo@news.example.org"}
    field = look(await ada.post("/desk/relays/near/test", data=tried), "to", "mail address")
    assert field.get("value") == "nobody"
    tried = {"to": "ada@news.example.org", "sender": "nobody"}
    look(await ada.post("/desk/relays/near/test", data=tried), "sender", "mail address")
    page = await ada.post("/desk/relays/near/role", data={"role": "main"})
    assert page.status_code == 303
    page = await ada.post("/desk/relays/near/remove")
    shown = by_id(parsed(page), "problem")
    assert (page.status_code, "autofocus" in shown.attrib, shown.find(".//a")) == (409, True, None)


async def test_at_the_mailbox_the_doctor_and_the_keys(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    inbox = {"host": "imap.example.org", "port": "x", "user": "bounces", "secret": "s"}
    look(await ada.post("/desk/bounces/inbox", data=inbox), "port", "takes a whole number")
    look(await ada.post("/desk/doctor/domain", data={"domain": "a b"}), "domain", "domain")
    look(await ada.post("/desk/dkim", data={"domain": "a b"}), "make-domain", "no domain")
    await ada.post("/desk/dkim", data={"domain": "news.example.org", "selector": "memo1"})
    key = "news.example.org/memo1"
    look(await ada.post(f"/desk/dkim/{key}/activate"), f"published-{key}", "Tick the box")


async def test_at_a_suppression_the_list_stays_as_it_was(
    ada: httpx2.AsyncClient, resources: Resources
) -> None:
    wrong = {"address": "nobody", "evidence": "They wrote to us."}
    field = look(await ada.post("/desk/suppressions", data=wrong), "address", "mail address")
    assert texts(field, "//*[@name='evidence']/@value") == [wrong["evidence"]]
    for name in ("mara", "noor"):
        await ada.post("/desk/suppressions", data={"address": f"{name}@example.org"})
    page = await ada.get("/desk/suppressions?address=mara")
    (path,) = re.findall(r'action="(/desk/suppressions/\d+/lift)"', page.text)
    page = await ada.post(path, data={"because": " ", "address": "mara"})
    field = look(page, f"because-{path.split('/')[-2]}", "Say why")
    assert elements(field, "ancestor::details[@open]")
    assert "noor@" not in page.text


async def test_a_wrong_password_marks_both_fields(client: httpx2.AsyncClient, resources: Resources) -> None:
    await steps.account(resources)
    shown = parsed(await steps.sign_in(client, password="another one"))
    assert texts(shown, "//*[@aria-invalid='true']/@id") == ["address", "password"]
