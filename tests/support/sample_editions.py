"""Editions to look at and to judge: nearly nothing and far too much, other scripts, hostile words, each block alone, each theme."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from service.rendering import direction, themes
from service.rendering.blocks import Block, Briefs, Document, Item, Lead, Masthead, Note
from service.rendering.content import EditionContent, NewsletterFacts
from service.rendering.themes import Look
from tests.support import block_samples

TEMPLATES = Path(__file__).parents[2] / "templates"
SITE = "https://newsroom.example.org"
PREHEADER = "A narrow vote keeps the old terminal open through the winter, and the school budget is back."
FACTS = NewsletterFacts(
    name="Morning Memo",
    slug="morning-memo",
    language="en",
    direction="ltr",
    from_name="The Harbor Ledger",
    from_address="memo@news.example.org",
    reply_to=None,
    list_id="morning-memo.news.example.org",
    postal_address="The Harbor Ledger\n14 Quay Street\nPort Linden",
    reason="You receive the Morning Memo because you signed up for it.",
    accent=themes.USUAL.accent,
    public_url="https://news.example.org/n/morning-memo",
)
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "</td></tr></table><h1>Not ours</h1>",
    "{{ 7*7 }} {% if x %} {# c #} *|FNAME|* %recipient% $name",
    "\" onmouseover='alert(3)' &amp; &lt;b&gt; <!-- -->",
    "a\u202eb\u0000c\u2028d",
)
_TABLE = "| Ward | Yes | No | Turnout |\n|---|---|---|---|\n" + "".join(
    f"| Ward {n} | {n * 37 % 900} | {n * 53 % 700} | {n % 100} % |\n" for n in range(400)
)
_RICH = """# One\n\n## Two\n\nA *word*, a **word**, `code` and [a link](https://newsroom.example.org/a?b=1&c=2).

- one\n- two\n  - two and a half\n\n1. first\n2. second\n\n> Quoted, she said.\n\n```\nif x < 1 && y > 2: print("…")\n```

| A | B |\n|---|---|\n| 1 | 2 |\n\n* * *\n\n![A chart](https://newsroom.example.org/images/ferry.jpg)\n"""
_SCRIPTS = {
    "de": (
        "Der Rat stimmte für die Fähre, süße Grüße",
        "Größere Übergänge: Der Rat stimmte mit fünf zu vier Stimmen. ",
    ),
    "fr": ("L’embarcadère reste ouvert, d’une voix", "Le conseil a voté par cinq voix contre quatre. "),
    "ja": ("フェリー乗り場は存続へ", "町議会は火曜日の深夜、五対四で存続を決めた。"),
    "ar": (
        "المجلس يبقي محطة العبّارة القديمة مفتوحة",
        "صوّت المجلس بخمسة أصوات مقابل أربعة لإبقاء المحطة مفتوحة. ",
    ),
    "he": ("המועצה משאירה את המעבורת?", "המועצה הצביעה חמישה מול ארבעה. "),
    "fa": ("شورا کشتی را نگه می‌دارد؟", "شورا با پنج رأی در برابر چهار رأی داد. "),
}

# What stands in one place only, where the same sentence again and again would not show who speaks.
_NAMED = {
    "ar": {
        "name": "كريم منصور",
        "role": "رئيس التحرير",
        "byline": "بقلم ليلى حداد",
        "speaker": "نادية سالم، عضو المجلس",
        "outlet": "صحيفة المرفأ",
        "credit": "صحيفة المرفأ",
        "kicker": "مجلس المدينة",
        "deck": "قاربان، ويوم أقصر، ووعد بالبحث عن المال قبل مارس.",
        "alt": "عبّارة تغادر المرفأ عند شروق الشمس",
        "quote_markdown": "«لن نغلق بابًا يعبر منه ستون شخصًا كل صباح.»",
    },
}

_NAMES = {"ar": "مذكّرة الصباح"}
_SIGNATURES = {"ar": "كريم منصور"}


def edition(
    *blocks: Block, subject: str = "The ferry stays", preheader: str = PREHEADER, **facts: Any
) -> EditionContent:
    document = Document(subject=subject, preheader=preheader, blocks=list(blocks))
    day = datetime.date(2026, 11, 25)
    return EditionContent(
        replace(FACTS, **facts), document, day, "https://news.example.org/n/morning-memo/2026-11-25"
    )


def whole(**facts: Any) -> EditionContent:
    """One of each block."""
    return edition(*block_samples.every().values(), **facts)


def themed(name: str, **changes: Any) -> EditionContent:
    theme = themes.made(Look.model_validate({"theme": name, **changes}))
    return whole(theme=theme, accent=theme.accent)


def in_language(language: str, theme: str = "ledger") -> EditionContent:
    """Every kind of block, with words of that language where the block has running text."""
    headline, sentence = _SCRIPTS[language]
    made = themes.made(Look.model_validate({"theme": theme}))
    named = _NAMED.get(language, {})
    blocks = [_translated(block, headline, sentence, named) for block in block_samples.every().values()]
    if signature := _SIGNATURES.get(language):
        signed = Note(text_markdown=f"{sentence.strip()}\n\n*— {signature}*")
        blocks = [signed if isinstance(block, Note) else block for block in blocks]
    return edition(
        *blocks,
        subject=headline,
        preheader=headline,
        language=language,
        direction=direction.of_language(language),
        name=_NAMES.get(language) or headline[:24].rpartition(" ")[0] or headline,
        reason=sentence.strip(),
        theme=made,
        accent=made.accent,
    )


_SHORT = {
    "headline", "heading", "title", "kicker", "deck", "outlet", "speaker", "section", "label", "alt", "credit", "byline",
    "name", "role", "place", "button",
}  # fmt: skip
_LONG = {"body_markdown", "text_markdown", "quote_markdown", "caption", "source", "text"}


def _translated(
    block: Block, headline: str, sentence: str, named: Mapping[str, str] = MappingProxyType({})
) -> Block:
    words = {**dict.fromkeys(_SHORT, headline), **dict.fromkeys(_LONG, sentence.strip()), **named}
    return type(block).model_validate(_said(block.model_dump(), words))


def _said(value: Any, words: dict[str, str]) -> Any:
    """The same fields, in the other words wherever there were words."""
    if isinstance(value, list):
        return [_said(one, words) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: words[name] if name in words and isinstance(inner, str) and inner else _said(inner, words)
        for name, inner in value.items()
    }


def _items(count: int, body: str, **more: Any) -> Iterator[Item]:
    for n in range(count):
        yield Item(headline=f"Number {n} of many", body_markdown=body, url=f"{SITE}/{n}", **more)


def _only(kind: str) -> EditionContent:
    return edition(block_samples.block(kind))


def _hostile() -> EditionContent:
    blocks: list[Block] = [
        Lead(headline=text, kicker=text, deck=text, byline=text, body_markdown=text, url=f"{SITE}/a")
        for text in HOSTILE
    ]
    briefs = Briefs.model_validate(
        {"heading": HOSTILE[0], "items": [{"headline": text, "text": text} for text in HOSTILE]}
    )
    return edition(*blocks, briefs, subject=HOSTILE[0], preheader=HOSTILE[1], name=HOSTILE[2])


MAKERS: dict[str, Callable[[], EditionContent]] = {
    **{f"only-{kind}": partial(_only, kind) for kind in block_samples.written()},
    **{f"theme-{name}": partial(themed, name) for name in themes.SHIPPED},
    **{f"language-{tag}": partial(in_language, tag) for tag in _SCRIPTS},
    "theme-changed": lambda: themed("gazette", masthead="band", corners="rounded", density="compact", width=480),
    "theme-pictured": lambda: themed("dispatch", picture={"url": f"{SITE}/images/logo.png", "width": 300}),
    "masthead-alert": lambda: edition(
        Masthead(variant="alert"),
        Lead(
            kicker="Breaking",
            headline="The harbor bridge is closed until Friday",
            deck="A crack was found in its north pier at 6:40 a.m.; buses go by the ferry road.",
            byline="By Pavel Sorokin",
            body_markdown="Nobody was hurt. Drivers stay away from **Pier Street**; the 6:10 boat runs every half hour.",
            url=f"{SITE}/bridge",
        ),
        subject="The harbor bridge is closed until Friday",
        preheader="Buses go by the ferry road; the boat runs every half hour.",
    ),
    "masthead-weekend": lambda: edition(Masthead(variant="weekend"), Note(text_markdown="Two long reads.")),
    "nearly-empty": lambda: edition(Note(text_markdown="Nothing today."), preheader=""),
    "right-to-left-dispatch": lambda: in_language("ar", "dispatch"),
    "right-to-left-gazette": lambda: in_language("ar", "gazette"),
    "two-hundred-items": lambda: edition(*_items(200, "A sentence that is not long, " * 4)),
    "forty-whole-articles": lambda: edition(*_items(40, "A paragraph that goes on. " * 30 + "\n\n" + "And on. " * 90)),
    "japanese-at-length": lambda: edition(*_items(40, "町議会は火曜日の深夜、存続を決めた。" * 60, language="ja"), language="ja"),
    "emoji": lambda: edition(
        Item(headline="⛴️ The ferry 🎉 stays 👩‍👩‍👧", body_markdown="🌊 " * 40), subject="⛴️ It stays 🎉", preheader="👩‍👩‍👧"
    ),
    "hostile": _hostile,
    "giant-table": lambda: edition(Note(text_markdown=_TABLE), Item(headline="After it", body_markdown=_TABLE, url=SITE)),
    "no-blanks": lambda: edition(Item(headline="x" * 300, body_markdown="y" * 2000, url=f"{SITE}/{'z' * 900}")),
    "everything-of-markdown": lambda: edition(Item(headline="Marked up", body_markdown=_RICH), Note(text_markdown=_RICH)),
    "two-directions": lambda: edition(
        *[_translated(block_samples.block(kind), *_SCRIPTS["he"]) for kind in ("item", "key_graph", "numbers")],
        block_samples.block("briefs"),
    ),
    "long-names": lambda: edition(Note(text_markdown="Hello."), name="The Morning Memo of the Port Linden Harbor Ledger " * 2),
}  # fmt: skip


@cache
def made(name: str) -> EditionContent:
    return MAKERS[name]()
