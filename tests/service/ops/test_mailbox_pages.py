import httpx2
import pytest

from service.dependencies import Resources
from service.mailbox import reading, store
from service.newsletters import publication
from service.newsletters.details import NewsletterDetails

BOTH = (
    b"From: =?utf-8?q?Harbor_Caf=C3=A9?= <memo@example.org>\r\nSubject: =?utf-8?q?Morning_=3Cb=3E?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=cut\r\n\r\n"
    b"--cut\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nConfirm: https://news.example.org/confirm/t0ken\r\n<script>1</script>\r\n"
    b"--cut\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<!doctype html><html lang=3D"en"><head><title>x</title></head><body>caf=E9 <a href=3D"https://example.org/">go</a>'
    b"<script>alert(1)</script></body></html>\r\n--cut--\r\n"
)

DETAILS = {
    "slug": "memo", "name": "Memo", "from_name": "Harbor Light", "from_address": "memo@news.example.org",
    "postal_address": "1 Pier Street, Seatown",
}  # fmt: skip
EVERY_SIDE = (
    "",
    "?view=html",
    "?view=text",
    "?view=headers",
    "?view=raw",
    "?view=nonsense",
    "/raw",
    "/message.eml",
)


async def _keep(resources: Resources, raw: bytes = BOTH, to: str = "anna@example.org") -> None:
    await resources.database.write(
        store.keep, mail_from="bounce@example.org", rcpt_tos=[to], raw=raw, now=resources.clock.now()
    )


async def test_the_list_shows_the_newest_first_and_escapes(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await _keep(resources)
    await _keep(resources, b"\r\nno header at all", to='"<i>"@example.org')

    answer = await here.get("/mailbox")

    assert answer.status_code == 200
    assert answer.text.index("(no subject)") < answer.text.index("Morning &lt;b&gt;")
    assert "Morning <b>" not in answer.text
    assert "<i>" not in answer.text
    assert "2 messages" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_an_empty_mailbox_says_what_to_do(here: httpx2.AsyncClient) -> None:
    assert "Sign up on a newsletter" in (await here.get("/mailbox")).text


async def test_the_list_is_paged_and_searched(here: httpx2.AsyncClient, resources: Resources) -> None:
    for number in range(51):
        await _keep(resources, to=f"reader+{number}@example.org")

    first = await here.get("/mailbox")
    assert "reader+50@" in first.text
    assert "reader+0@" not in first.text
    older = await here.get("/mailbox?q=&before=2")
    assert "reader+0@" in older.text
    assert "hx-get" in first.text
    assert "hx-get" not in older.text  # what is leafed through does not move by itself
    found = await here.get("/mailbox", params={"q": "+17@"})
    assert "1 message " in found.text.replace("</span>", " ").replace("\n", " ")
    assert "reader+17@" in found.text
    assert 'value="+17@"' in found.text
    assert "q=%2B17%40" in found.text or "q=%2B17@" in found.text  # NB-53


async def test_a_strange_query_is_answered(here: httpx2.AsyncClient) -> None:
    for query in ["before=x", "before=99999999999999999999", "q=%00", f"q={'x' * 5000}", "before=-1"]:
        assert (await here.get(f"/mailbox?{query}")).status_code == 200, query


async def test_an_open_page_is_told_only_what_is_new(here: httpx2.AsyncClient, resources: Resources) -> None:
    await _keep(resources)

    assert (await here.get("/mailbox/list?newest=1")).status_code == 204
    fresh = await here.get("/mailbox/list?newest=0")
    assert fresh.text.lstrip().startswith("<section")
    assert "newest=1" in fresh.text


async def test_the_html_is_shown_where_it_can_do_nothing(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await _keep(resources)

    page = await here.get("/mailbox/1")
    sandbox = page.text.partition('sandbox="')[2].partition('"')[0].split()
    assert set(sandbox).isdisjoint(
        {"allow-scripts", "allow-same-origin", "allow-forms", "allow-top-navigation"}
    )
    assert "alert(1)" not in page.text

    document = await here.get("/mailbox/1/html")
    assert document.headers["content-type"] == "text/html; charset=utf-8"
    assert "café" in document.text
    rules = dict(
        rule.strip().partition(" ")[::2] for rule in document.headers["content-security-policy"].split(";")
    )
    assert rules["default-src"] == "'none'"
    assert "script-src" not in rules
    assert rules["form-action"] == rules["base-uri"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert set(rules["sandbox"].split()) == set(sandbox)
    assert document.headers["x-content-type-options"] == "nosniff"
    assert document.headers["referrer-policy"] == "no-referrer"
    assert document.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<!doctype html><html><head><title>", '<!doctype html><html><head><base target="_top"><title>'),
        ("<!DOCTYPE html><p>", '<!DOCTYPE html><base target="_top"><p>'),
        ("<HTML lang=en><header>", '<HTML lang=en><base target="_top"><header>'),
        ("<p>bare", '<base target="_top"><p>bare'),
    ],
)
async def test_links_open_in_the_place_of_the_page_and_the_layout_mode_stays(
    here: httpx2.AsyncClient, resources: Resources, html: str, expected: str
) -> None:
    await _keep(resources, f"Content-Type: text/html\r\n\r\n{html}".encode())

    assert (await here.get("/mailbox/1/html")).text == expected


async def test_text_has_links_to_press_and_no_markup(here: httpx2.AsyncClient, resources: Resources) -> None:
    await _keep(resources)

    page = await here.get("/mailbox/1?view=text")

    assert '<a href="https://news.example.org/confirm/t0ken"' in page.text
    assert "&lt;script&gt;1&lt;/script&gt;" in page.text


async def test_headers_are_decoded_and_the_envelope_is_beside_them(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await _keep(resources)

    page = await here.get("/mailbox/1?view=headers")

    assert "Harbor Café &lt;memo@example.org&gt;" in page.text
    assert "multipart/alternative; boundary=cut" in page.text
    assert "&lt;bounce@example.org&gt;" in page.text


async def test_the_raw_message_is_the_very_bytes(here: httpx2.AsyncClient, resources: Resources) -> None:
    raw = BOTH + b"\xff\x00\x80"
    await _keep(resources, raw)

    plain = await here.get("/mailbox/1/raw")
    assert plain.content == raw
    assert plain.headers["content-type"].startswith("text/plain")
    eml = await here.get("/mailbox/1/message.eml")
    assert eml.content == raw
    assert eml.headers["content-type"] == "message/rfc822"
    assert eml.headers["content-disposition"] == 'attachment; filename="message-1.eml"'
    for answer in (plain, eml):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_message_without_html_opens_as_text(here: httpx2.AsyncClient, resources: Resources) -> None:
    await _keep(resources, b"Subject: plain\r\n\r\nJust words.\r\n")

    assert "Just words." in (await here.get("/mailbox/1")).text
    assert (await here.get("/mailbox/1?view=html")).status_code == 200
    assert (await here.get("/mailbox/1/html")).status_code == 404


async def test_a_huge_message_shows_its_beginning(here: httpx2.AsyncClient, resources: Resources) -> None:
    await _keep(resources, b"Subject: huge\r\n\r\n" + b"words and words\r\n" * 50_000)

    for view in ("text", "raw"):
        page = await here.get(f"/mailbox/1?view={view}")
        assert len(page.text) < reading.LONGEST_TEXT + 20_000
        assert "This is its beginning" in page.text


async def test_attachments_are_named(here: httpx2.AsyncClient, resources: Resources) -> None:
    await _keep(
        resources,
        b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\nContent-Type: text/html\r\n\r\n<p>x\r\n"
        b"--cut\r\nContent-Type: application/pdf\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.pdf\r\n\r\n1\r\n--cut--\r\n",
    )

    assert "café.pdf" in (await here.get("/mailbox/1")).text


async def test_any_bytes_have_every_page(here: httpx2.AsyncClient, resources: Resources) -> None:
    for number, raw in enumerate(
        [b"", b"\xff\xfe\x00", b"Content-Type: multipart/mixed; boundary=\r\n\r\n--", b"\r\n.\r\n"], 1
    ):
        await _keep(resources, raw)
        for path in EVERY_SIDE:
            assert (await here.get(f"/mailbox/{number}{path}")).status_code == 200, (raw, path)


async def test_a_message_that_is_not_there_is_not_found(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    await _keep(resources)

    for number in ["2", "0", "-1", "x", "1e3", "99999999999999999999", "%00"]:
        answer = await here.get(f"/mailbox/{number}")
        assert answer.status_code == 404, number
        assert "not in the mailbox" in answer.text


async def test_when_it_was_caught_is_told_in_the_newsrooms_zone(
    here: httpx2.AsyncClient, resources: Resources
) -> None:
    details = NewsletterDetails.model_validate(DETAILS | {"time_zone": "Europe/Berlin"})
    await resources.database.write(publication.create, details, now=resources.clock.now(), actor="test")
    await _keep(resources)
    for path in ("/mailbox", "/mailbox/1", "/mailbox/list"):
        page = (await here.get(path)).text
        assert " CET</time>" in page, path
        assert "UTC" not in page, path
