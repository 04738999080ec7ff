"""A newsletter's own template: what it may say, what it has to keep, and that nothing gets out of it."""

from dataclasses import replace

import pytest

from service.rendering import body, frames, personal
from service.rendering.blocks import Document, Masthead
from service.rendering.content import EditionContent
from service.rendering.frames import FrameInvalid
from tests.support import sample_editions
from tests.unit.rendering import reading, samples

OURS = (samples.TEMPLATES / "email" / "_own.html").read_text(encoding="utf-8")
ROWS = "{% for block in blocks %}{{ block }}{% endfor %}"
LEAVE = '<a href="{{ unsubscribe_url }}">{{ say.unsubscribe }}</a>'
ADDRESS = "{% for line in postal_address %}{{ line }}<br>{% endfor %}"
SHORT = (
    '<html lang="{{ language }}" dir="{{ direction }}"><head>{{ head }}</head><body><h1>{{ name }}</h1>'
    f'<table role="presentation">{ROWS}</table>{LEAVE}{ADDRESS}</body></html>'
)


def own(template: str, content: EditionContent = samples.CONTENT) -> EditionContent:
    return replace(content, newsletter=replace(content.newsletter, template=template))


def problem(template: str, content: EditionContent = samples.CONTENT) -> str:
    with pytest.raises(FrameInvalid) as caught:
        body.check_own_template(own(template, content), samples.TEMPLATES)
    assert caught.value.field == "template"
    return caught.value.message


@pytest.mark.parametrize("template", [OURS, SHORT], ids=["ours", "short"])
@pytest.mark.parametrize(
    "name",
    ["theme-ledger", "theme-dispatch", "language-ar", "masthead-alert", "hostile", "two-hundred-items"],
)
def test_a_message_in_it_passes_the_check_of_messages(template: str, name: str) -> None:
    content = own(template, sample_editions.made(name))
    body.check_own_template(content, samples.TEMPLATES)
    made = body.render(content, samples.TEMPLATES)
    raw = personal.splice(made, samples.ENVELOPE, samples.PERSONAL)
    usual = personal.splice(
        body.render(own("", content), samples.TEMPLATES), samples.ENVELOPE, samples.PERSONAL
    )
    if template == OURS:
        assert reading.faults(raw, samples.PERSONAL.address) == reading.faults(
            usual, samples.PERSONAL.address
        )
    got = reading.parsed(raw)
    assert samples.UNSUBSCRIBE in [one.get("href") for one in reading.elements(got.html, "//a")]
    assert ("Breaking news" in got.html) == (name == "masthead-alert" and template == OURS)


def test_it_stands_around_the_same_blocks_and_beside_the_same_text() -> None:
    theirs = reading.parsed(
        personal.splice(body.render(own(SHORT), samples.TEMPLATES), samples.ENVELOPE, samples.PERSONAL)
    )
    usual = reading.received(samples.CONTENT)
    assert theirs.text == usual.text and 'Good morning, <span dir="auto">Marta</span>.' in theirs.html
    heads = [[reading.words_of(one) for one in reading.elements(got.html, "//h2")] for got in (theirs, usual)]
    assert heads[0] == heads[1]
    assert "14 Wharf Street" in theirs.html


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{{ config }}", "there is no config here"),
        ("{{ newsletter }}", "there is no newsletter here"),
        ("{{ ''.__class__ }}", "there is no .__class__ here"),
        ("{{ name.__init__ }}", "there is no .__init__ here"),
        ("{{ name['x'] }}", "getitem is not possible"),
        ("{{ name.upper() }}", "call is not possible"),
        ("{{ range(10) }}", "call is not possible"),
        ("{{ 'x' * 999999999 }}", "mul is not possible"),
        ("{{ 9 ** 9 ** 9 }}", "pow is not possible"),
        ("{{ 'x' ~ name }}", "concat is not possible"),
        ("{% for a in [1, 2] %}{% endfor %}", "for goes over blocks"),
        ("{% for a in blocks %}{% for b in blocks %}{% endfor %}{% endfor %}", "not inside another for"),
        ("{% for a in blocks recursive %}{{ loop(a) }}{% endfor %}", "not inside another for"),
        ("{% include 'edition/body.html' %}", "include is not possible"),
        ("{% import '_blocks.html' as x %}", "import is not possible"),
        ("{% extends '_layout.html' %}", "extends is not possible"),
        ("{% macro m() %}{% endmacro %}", "macro is not possible"),
        ("{% set x = 1 %}", "assign is not possible"),
        ("{{ name|safe }}", "there is no |safe here"),
        ("{{ name|attr('x') }}", "there is no |attr here"),
        ("{{ say.alarm }}", "there is no .alarm here"),
        ("{{ loop.first }}", "there is no .first here"),
        ("{% autoescape false %}{{ name }}{% endautoescape %}", "Line 1"),
        ("\n\n{{ name", "Line 3"),
        ("{% if %}", "Line 1"),
        ("{{ " + "(" * 2_000 + "name" + ")" * 2_000 + " }}", "nested too deeply"),
        ("{% if name %}" * 200 + "{% endif %}" * 200, "nested too deeply"),
        ("x" * (frames.MOST_CHARACTERS + 1), "too long"),
    ],
)  # fmt: skip
def test_cwe_1336_nothing_gets_out_of_it(written: str, said: str) -> None:
    assert said in problem(SHORT.replace("<body>", f"<body>{written}") if len(written) < 30_000 else written)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (LEAVE, "", "link to unsubscribe is missing"),
        (LEAVE, "{{ unsubscribe_url }}", "link to unsubscribe is missing"),
        (LEAVE, '<a href="{{ unsubscribe_url }}"></a>', "has to be seen"),
        (LEAVE, f"<!-- {LEAVE} -->", "has to be seen"),
        (LEAVE, f'<div style="display:none">{LEAVE}</div>', "has to be seen"),
        (LEAVE, f'<p class="gone">{LEAVE}</p>', "has to be seen"),
        (LEAVE, f"<p hidden>{LEAVE}</p>", "has to be seen"),
        (ADDRESS, "", "postal address is missing"),
        (ADDRESS, f"<!-- {ADDRESS} -->", "postal address has to be seen"),
        (ADDRESS, f'<p style="font-size:1px">{ADDRESS}</p>', "postal address has to be seen"),
        (ADDRESS, "{% for line in postal_address %}{% if loop.first %}{{ line }}{% endif %}{% endfor %}", "postal address is missing"),
        (ROWS, "", "Blocks are missing"),
        (ROWS, "{% for block in blocks %}{% if not loop.first %}{{ block }}{% endif %}{% endfor %}", "Blocks are missing"),
        (ROWS, ROWS + "{{ name }}" * 3_500, "too large"),
        ("<h1>{{ name }}</h1>", "", "one h1, here are 0"),
        (' lang="{{ language }}"', "", "Say the language"),
        ("</h1>", "</h1><script>alert(1)</script>", "take it out"),
        ("</h1>", '</h1><p onclick="x()">y</p>', "Scripts do not run"),
        ("</h1>", '</h1><a href="javascript:x()">y</a>', "take javascript"),
        ("</h1>", '</h1><img src="https://example.org/x.png">', "give it an alt"),
        ("</h1>", "</h1><table><tr><td>x</td></tr></table>", "the role presentation"),
        ("</head>", "<style>@import url(https://example.org/x.css);</style></head>", "Styles fetch nothing"),
    ],
)  # fmt: skip
def test_what_has_to_be_there_stays_and_nothing_active_comes_in(old: str, new: str, said: str) -> None:
    styled = SHORT.replace("</head>", "<style>.gone{display:none}</style></head>")
    assert old in styled
    assert said in problem(styled.replace(old, new))


def test_an_edition_that_does_not_fit_is_drawn_in_ours_and_says_why() -> None:
    daily_only = SHORT.replace(LEAVE, f'{{% if variant == "daily" %}}{LEAVE}{{% endif %}}')
    alert = samples.with_document(
        Document(subject="x", blocks=[Masthead(variant="alert"), *samples.RICH.blocks[1:]])
    )
    assert body.own_template_problem(own(daily_only), samples.TEMPLATES) is None
    said = body.own_template_problem(own(daily_only, alert), samples.TEMPLATES)
    assert said is not None and "link to unsubscribe is missing" in said
    got = reading.parsed(
        personal.splice(
            body.render(own(daily_only, alert), samples.TEMPLATES), samples.ENVELOPE, samples.PERSONAL
        )
    )
    assert got.html == reading.received(alert).html


def test_values_are_escaped_and_never_read_as_template() -> None:
    named = own(OURS, samples.named('{{ 7*7 }} <script>alert(1)</script> "x"'))
    body.check_own_template(named, samples.TEMPLATES)
    got = reading.parsed(
        personal.splice(body.render(named, samples.TEMPLATES), samples.ENVELOPE, samples.PERSONAL)
    )
    assert not reading.elements(got.html, "//script")
    (heading,) = reading.elements(got.html, "//h1")
    assert reading.words_of(heading) == '{{ 7*7 }} <script>alert(1)</script> "x"'
