"""Whole pages: what stays, what goes, and which pages are no article."""

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.articles import extraction
from service.articles.extraction import CouldNotExtract, Extracted
from service.articles.pieces import Picture
from service.errors import Invalid

HERE = "https://paper.example.org/2026/story.html"
LONG = (
    "<p>The council voted late on Tuesday to sell the old harbor, after a debate that lasted six hours and saw two "
    "recesses, one walkout and a long speech about herring.</p>"
    "<p>According to the minutes the vote was close, and the mayor broke the tie with a vote of her own in the end, "
    "which nobody in the room had seen her do before.</p>"
)


def page(body: str, head: str = "<title>Harbor vote</title>") -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head><body>'
        '<nav><ul><li><a href="/">Home</a></li><li><a href="/city">City</a></li></ul></nav>'
        f"<main><article><h1>Harbor vote</h1>{body}</article></main>"
        "<footer><p>Copyright of the paper, all rights reserved and then some more.</p></footer></body></html>"
    ).encode()


def read(body: str, head: str = "<title>Harbor vote</title>") -> Extracted:
    return extraction.extract(page(body, head), HERE)


def test_nb_65_structure_is_kept() -> None:
    body = read(
        LONG
        + """<h2>What next</h2><ul><li><span>First <b>thing</b></span></li><li><span>Second thing</span></li></ul>
        <ol><li>One</li><li>Two</li></ol><table><tr><th>Ward</th><th>Votes</th></tr><tr><td>4-C</td><td>320</td></tr></table>
        <pre><code>x = 1
  y = 2</code></pre><p>See <a href="/minutes">the minutes</a>.</p>"""
    ).body_markdown
    for part in (
        "## What next",
        "- First **thing**\n- Second thing",
        "1. One\n2. Two",
        "| Ward | Votes |\n| --- | --- |\n| 4-C | 320 |",
        "```\nx = 1\n  y = 2\n```",
        "[the minutes](https://paper.example.org/minutes)",
    ):
        assert part in body
    assert "Home" not in body
    assert "Copyright" not in body
    assert "Harbor vote" not in body


def test_a_key_graph_keeps_its_source_in_place() -> None:
    extracted = read(
        LONG
        + """<figure><blockquote cite="https://wire.example.net/a(1)"><p>Paid <em>every</em> month.</p><p>Twice in June.</p></blockquote>
        <figcaption>Halvard Quist, <a href="https://wire.example.net/a(1)"><cite>Capital Wire</cite></a>, Nov. 23</figcaption></figure>"""
        + LONG.replace("council", "board").replace("minutes", "record")
    )
    (graph,) = extracted.key_graphs
    assert graph.quote_markdown == "Paid *every* month.\n\nTwice in June."
    assert (graph.speaker, graph.outlet) == ("Halvard Quist", "Capital Wire")
    assert graph.source_url == "https://wire.example.net/a(1)"
    quote = "> Paid *every* month.\n>\n> Twice in June.\n>\n> — Halvard Quist, [Capital Wire](https://wire.example.net/a%281%29)"
    assert quote in extracted.body_markdown
    assert (
        extracted.body_markdown.index("council")
        < extracted.body_markdown.index(quote)
        < extracted.body_markdown.index("board")
    )


@pytest.mark.parametrize(
    ("source", "speaker", "outlet", "url"),
    [
        ('<blockquote><p>Words.</p><footer>Ann Orr, <cite><a href="/w">The Wire</a></cite></footer></blockquote>', "Ann Orr", "The Wire", "https://paper.example.org/w"),
        ('<blockquote><p>Words.</p><footer><cite>Ann Orr</cite>, <a href="/w">The Wire</a></footer></blockquote>', "Ann Orr", "The Wire", "https://paper.example.org/w"),
        ('<blockquote cite="/w"><p>Words.</p><p>— Ann Orr, The Wire</p></blockquote>', "Ann Orr", "The Wire", "https://paper.example.org/w"),
        ('<blockquote cite="/w"><p>Words.</p><cite>The Wire</cite></blockquote>', None, "The Wire", "https://paper.example.org/w"),
        ('<blockquote cite="https://wire.example.net/w"><p>Words.</p></blockquote>', None, "wire.example.net", "https://wire.example.net/w"),
        ('<blockquote><p>Words.</p></blockquote><p class="attribution">Ann Orr in <a href="/w">The Wire</a></p>', "Ann Orr in", "The Wire", "https://paper.example.org/w"),
        ('<blockquote><p>Words.</p><footer>Ann Orr, <cite>The Wire</cite></footer></blockquote>', "Ann Orr", "The Wire", None),
    ],
)  # fmt: skip
def test_attribution_is_read_in_the_ways_pages_write_it(
    source: str, speaker: str | None, outlet: str, url: str | None
) -> None:
    (graph,) = read(LONG + source + LONG).key_graphs
    assert (graph.quote_markdown, graph.speaker, graph.outlet, graph.source_url) == (
        "Words.",
        speaker,
        outlet,
        url,
    )


@pytest.mark.parametrize(
    "source", ["<footer>Ann Orr, clerk</footer>", "<cite>Ann Orr, clerk</cite>", "<p>— Ann Orr, clerk</p>"]
)
def test_a_speakers_quote_is_no_key_graph_but_keeps_its_speaker(source: str) -> None:
    extracted = read(f"{LONG}<blockquote><p>“Nobody is missing.”</p>{source}</blockquote>{LONG}")
    assert extracted.key_graphs == []
    assert "> “Nobody is missing.”\n>\n> — Ann Orr, clerk" in extracted.body_markdown


def test_a_document_becomes_a_link_card_with_its_caption() -> None:
    extracted = read(
        f"""{LONG}<figure><iframe src="../docs/memo.html" title="The [draft] memo" loading="lazy"></iframe>
        <figcaption>The manager’s memo. <a href="../docs/memo.html">Open</a> <span class="credit">City</span></figcaption></figure>
        <div><iframe src="https://www.youtube.com/embed/x" title="The debate"></iframe></div>
        <iframe src="https://ad.doubleclick.net/x"></iframe><iframe src="/t" width="1" height="1"></iframe>{LONG}"""
    )
    assert [(one.title, one.url, one.caption) for one in extracted.documents] == [
        ("The [draft] memo", "https://paper.example.org/docs/memo.html", "The manager’s memo. (City)"),
        ("The debate", "https://www.youtube.com/embed/x", ""),
    ]
    card = "[Document: The \\[draft\\] memo](https://paper.example.org/docs/memo.html)\n\n*The manager’s memo. (City)*"
    assert card in extracted.body_markdown
    assert "[Video: The debate](https://www.youtube.com/embed/x)" in extracted.body_markdown
    assert "doubleclick" not in extracted.body_markdown


@pytest.mark.parametrize(
    ("source", "heading"),
    [
        ("<section class='update'><h2>Late update</h2><p>It is <b>over</b>.</p></section>", "Late update"),
        ("<h3>Update, 9:40 p.m.</h3><p>It is <b>over</b>.</p>", "Update, 9:40 p.m."),
        ("<p><strong>Late update:</strong> It is <b>over</b>.</p>", "Late update"),
        ("<p><strong>Late update</strong>: It is <b>over</b>.</p>", "Late update"),
        ("<p>Late update: It is <b>over</b>.</p>", "Late update"),
        ("<aside class='late-update'><p>It is <b>over</b>.</p></aside>", "Late update"),
    ],
)
def test_a_late_update_is_marked_and_kept(source: str, heading: str) -> None:
    extracted = read(LONG + source)
    (update,) = extracted.late_updates
    assert (update.heading, update.text_markdown) == (heading, "It is **over**.")
    assert extracted.body_markdown.endswith(f"### {heading}\n\nIt is **over**.")


def test_a_quote_inside_an_update_is_restored_in_both() -> None:
    quote = '<blockquote cite="https://wire.example.net/w"><p>Sold.</p></blockquote>'
    extracted = read(f"{LONG}<section><h2>Late update</h2><p>The Wire says:</p>{quote}</section>")
    assert "> Sold.\n>\n> — [wire.example.net]" in extracted.late_updates[0].text_markdown
    assert extracted.body_markdown.count("> Sold.") == 1
    assert extracted.key_graphs[0].quote_markdown == "Sold."


def test_pictures_have_captions_and_the_lead_is_taken_out_of_the_body() -> None:
    extracted = read(
        f"""<figure><img src="/lead.jpg" alt="A quay"><figcaption>The quay. <span class="credit">Photo: Bo Lind</span></figcaption></figure>
        {LONG}<figure><a href="/big"><img data-src="/two.jpg" src="data:," alt="Two [boats]"></a>
        <figcaption>Two boats. Photograph by Cy Fenn</figcaption></figure>
        <p>Text <img src="https://t.example.net/p" width="1">.</p>{LONG}"""
    )
    assert extracted.picture == Picture(
        "https://paper.example.org/lead.jpg", "A quay", "The quay.", "Photo: Bo Lind"
    )
    assert "lead.jpg" not in extracted.body_markdown
    second = "![Two \\[boats\\]](https://paper.example.org/two.jpg)\n\n*Two boats. (Photograph by Cy Fenn)*"
    assert second in extracted.body_markdown
    assert "t.example.net" not in extracted.body_markdown


def test_nb_65_the_lead_picture_may_be_in_open_graph_only() -> None:
    extracted = read(
        LONG, '<meta property="og:image" content="/lead.jpg"><meta property="og:image:alt" content="A quay">'
    )
    assert extracted.picture == Picture("https://paper.example.org/lead.jpg", "A quay", "", "")


def test_nb_65_banners_forms_and_comments_stay_out() -> None:
    extra = """<div class="cookie-banner"><p>We use cookies to make this paper better for you, please accept all of them.</p></div>
      <section class="signup"><h2>Start your day with us</h2><p>One page by six o’clock, in your inbox.</p>
      <form action="/join"><input name="email"><button>Sign up for the Morning Memo</button></form></section>"""
    body = read(extra + LONG).body_markdown
    assert body.startswith("The council voted")
    assert not any(word in body for word in ("cookies", "Start your day", "Sign up", "inbox"))


def test_markup_of_the_page_cannot_act() -> None:
    body = read(
        LONG
        + """<p onclick="x()">A <a href="javascript:x()">link</a><script>alert(1)</script> &lt;script&gt;x&lt;/script&gt;
        {{ first_name }}</p>"""
    ).body_markdown
    assert "javascript:" not in body
    assert "alert(1)" not in body
    assert "onclick" not in body
    assert "{{ first\\_name }}" in body


def test_a_page_that_holds_our_token_is_no_trouble() -> None:
    quote = '<blockquote cite="https://wire.example.net/w"><p>Sold.</p></blockquote>'
    body = read(f"{LONG}<p>memokeep00000x</p>{quote}{LONG}").body_markdown
    assert body.count("memokeep00000x") == 1
    assert body.count("> Sold.") == 1


def test_nb_59_the_charset_of_the_page_is_found_and_bad_bytes_are_counted() -> None:
    body = page(LONG + "<p>Café Zoë opens its doors again.</p>")
    assert "Café Zoë" in extraction.extract(body, HERE, charset="iso-8859-1").body_markdown
    broken = body.replace(b"its", b"\xff")
    extracted = extraction.extract(broken, HERE)
    assert "Café Zoë" in extracted.body_markdown
    assert "1 unreadable bytes" in extracted.warnings[-1]
    western = (
        body.replace(b'<meta charset="utf-8">', b'<meta charset="windows-1252">').decode().encode("cp1252")
    )
    assert "Café Zoë" in extraction.extract(western, HERE).body_markdown


def test_nb_65_a_page_without_title_or_date_says_so() -> None:
    plain = extraction.extract(f"<html><body><article>{LONG}</article></body></html>".encode(), HERE)
    assert plain.headline == ""
    assert plain.canonical_url == HERE
    assert len(plain.warnings) == 2


CARD = '<article><h2><a href="/a{0}">A headline of some length, number {0}</a></h2><p>A short deck for story {0}.</p></article>'
STUB = "<p>The first words of a story that goes on for those who pay.</p><p>Subscribe to read on.</p>"
PAYWALL = '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Sold", "isAccessibleForFree": "False"}</script>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "No article"),
        (b"just words", "No article"),
        (b"\x00\xff\xfe<\x00", ""),
        (b"<html></html>", "No article"),
        (b"%PDF-1.7 <<binary>>", ""),
        (page("<p>Hello.</p>"), ""),
        (page(STUB), "too little text"),
        (page(STUB + LONG, PAYWALL), "beginning of the article"),
        (b"<title>404</title><main><h1>Page not found</h1>" + LONG.encode() + b"</main>", "not found"),
        ("".join(["<main>", *(CARD.format(n) for n in range(9)), "</main>"]).encode(), "list of articles"),
        (page("".join(f'<p><a href="/{n}">A headline that is a link and goes on for a while, no {n}</a></p>' for n in range(20))), "list"),
        (b"<p>" + b"a" * 2_000_001, "2 MB"),
    ],
)  # fmt: skip
def test_nb_65_what_is_no_article_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(CouldNotExtract) as caught:
        extraction.extract(data, HERE)
    assert isinstance(caught.value, Invalid)
    assert reason in caught.value.message


RICH = page(
    f"""<figure><img srcset="/a.jpg 1x"><figcaption>Cap <small>Cred</small></figcaption></figure>{LONG}<figure><blockquote>
    <p>Words</p></blockquote><figcaption><a href="/w"><cite>Wire</cite></a></figcaption></figure><p><b>Update:</b> text</p>
    <iframe src="/d" title="Doc"></iframe><table><tr><td>1</td></tr></table><h2>Late update</h2><p>More</p>""",
    PAYWALL.replace("False", "True"),
)


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, len(RICH)), start=st.integers(0, len(RICH)), noise=st.binary(max_size=20))
def test_any_bytes_give_an_article_or_the_one_error(cut: int, start: int, noise: bytes) -> None:
    for data in (RICH[:cut] + noise, RICH[start:] + noise, RICH[:cut] + noise + RICH[start:]):
        try:
            assert extraction.extract(data, HERE).body_markdown
        except CouldNotExtract as refused:
            assert refused.message


def test_deep_nesting_is_survived() -> None:
    deep = "<div>" * 3000 + LONG + "</div>" * 3000
    quotes = "<blockquote>" * 500 + "deep" + "</blockquote>" * 500
    for body in (deep, quotes + LONG, "<ul><li>" * 2000 + LONG):
        try:
            assert extraction.extract(page(body), HERE)
        except CouldNotExtract as refused:
            assert refused.message


@pytest.mark.parametrize(
    "body",
    ["[" * 300_000, "![a](" * 100_000, "[a](" * 100_000, "<blockquote><p>x</p></blockquote>" * 900, "<p>Update: x</p>" * 900,
     "<b>" * 100_000, "photo by " * 50_000],
    ids=["brackets", "pictures", "links", "quotes", "updates", "tags", "credits"],
)  # fmt: skip
def test_a_page_made_to_be_slow_is_not(body: str) -> None:
    started = process_time()
    try:
        assert extraction.extract(page(f"<p>{body}</p>{LONG}"), HERE)
    except CouldNotExtract as refused:
        assert refused.message
    assert process_time() - started < 10
