"""A fictional local paper's edition, and the same in other languages: what the tests of this room render."""

import datetime
from dataclasses import replace
from pathlib import Path

from service.rendering.blocks import (
    Brief,
    Briefs,
    Comments,
    Document,
    DocumentCard,
    Item,
    KeyGraph,
    LatestFromSection,
    LateUpdate,
    LateUpdateBlock,
    Lead,
    Masthead,
    Note,
    Person,
    Picture,
    Sponsor,
    Staff,
)
from service.rendering.content import EditionContent, NewsletterFacts, Personal
from service.rendering.notices import NoticeFacts
from service.rendering.personal import MessageFacts

TEMPLATES = Path(__file__).parents[3] / "templates"
SITE = "https://harborledger.example.org"
UNSUBSCRIBE = f"https://news.example.org/unsubscribe/{'k7Qw-_9x' * 18}?l=1&c=2"
PREFERENCES = f"https://news.example.org/preferences/{'Q7k_9x-w' * 5}"

FACTS = NewsletterFacts(
    name="Morning Memo",
    slug="morning-memo",
    language="en",
    direction="ltr",
    from_name="The Harbor Ledger",
    from_address="memo@news.example.org",
    reply_to="desk@harborledger.example.org",
    list_id="morning-memo.news.example.org",
    postal_address="The Harbor Ledger\n14 Wharf Street\nPort Alder 04101",
    reason="You get this because you signed up for the Morning Memo at harborledger.example.org.",
    accent="#9b1c1c",
    public_url="https://news.example.org",
)
PERSONAL = Personal(
    address="reader@example.net",
    greeting_name=None,
    fields={"first_name": "Marta"},
    unsubscribe_url=UNSUBSCRIBE,
    preferences_url=PREFERENCES,
    number=7,
)
ENVELOPE = MessageFacts(
    message_id="<12.7.0f3a@news.example.org>",
    date=datetime.datetime(2026, 11, 25, 6, 0, 1, tzinfo=datetime.UTC),
)
NOTICE = NoticeFacts(
    to_address="reader@example.net",
    to_name=None,
    from_name="The Harbor Ledger",
    from_address="hello@news.example.org",
    reply_to=None,
    message_id="<confirm.9.0f3a@news.example.org>",
    date=ENVELOPE.date,
    language="en",
    direction="ltr",
    accent="#9b1c1c",
    postal_address=FACTS.postal_address,
    public_url="https://news.example.org",
)

LEAD_BODY = """The council voted **5 to 4** late on Tuesday to keep the old ferry terminal open through the winter, after three
hours in which nearly sixty people asked it to. The [full vote](https://harborledger.example.org/council/vote?id=88&part=2)
is on the town's site.

The two boats will run on a shorter day, from six in the morning until nine at night. The last boat from Gull Island has been
the only way home for most of the cannery's night shift.

- The timetable changes on Monday.
- Monthly passes stay at their present price.
- The slip at Cannery Point closes for repairs in March."""

TERMINAL = Picture(
    url=f"{SITE}/pictures/ferry-terminal.jpg",
    alt="A small white ferry at a wooden pier in the early morning, with a line of people waiting to board.",
    caption="The 6:10 boat at the old terminal on Tuesday.",
    credit="Ida Brandvold / The Harbor Ledger",
    width=1200,
    height=720,
)

RICH = Document(
    subject="Good morning, {{first_name|reader}}: the ferry stays",
    preheader="A narrow vote keeps the old terminal open through the winter, and the school budget is back.",
    blocks=[
        Masthead(),
        Note(
            text_markdown="Good morning, {{first_name|reader}}. Frost on the pier this morning, and coffee at the "
            "town hall at ten for everybody who stayed until the vote. Write to us: [desk@harborledger.example.org]"
            "(mailto:desk@harborledger.example.org).\n\n*— Tomas Reyes, morning editor*"
        ),
        Lead(
            kicker="Town hall",
            headline="The old ferry terminal stays open, by one vote",
            deck="Two boats, a shorter day, and a promise to look for the money by March.",
            byline="By Ida Brandvold and Noor Haddad",
            body_markdown=LEAD_BODY,
            url=f"{SITE}/2026/11/25/ferry-terminal",
            article_uid="ferry-1",
            picture=TERMINAL,
            read_more=True,
            late_updates=[
                LateUpdate(
                    heading="The mayor will sign",
                    text_markdown="*5:20 a.m.* Mayor Lindqvist told the Ledger that she will sign the measure today.",
                )
            ],
        ),
        KeyGraph(
            quote_markdown="“We were never asked whether the boat is profitable. We were asked whether people can get "
            "home. Those are two different questions, and only one of them is ours.”",
            speaker="Council member Agnes Moreau",
            outlet="Coastal Public Radio",
            source_url="https://coastalradio.example.net/ferry-debate",
        ),
        Item(
            kicker="Schools",
            headline="The school budget returns with the music teachers back in it",
            byline="By Pavel Sorokin",
            body_markdown="The board found $212,000 in a heating contract that had been counted twice. Music and the "
            "late bus return; the second librarian does not.\n\n> “It is not a victory. It is arithmetic,” the "
            "treasurer, Lena Okafor, said.\n\nA public reading is set for **December 3**.",
            url=f"{SITE}/2026/11/25/school-budget",
            article_uid="schools-1",
            read_more=True,
        ),
        DocumentCard(
            title="Ferry operations, winter 2026–27: the proposal as voted",
            url=f"{SITE}/documents/ferry-winter.pdf",
            caption="Eleven pages; the timetable is on page four.",
            source="Town of Port Alder",
        ),
        Briefs(
            heading="Four more to know",
            numbered=True,
            items=[
                Brief(
                    headline="Water main work closes Alder Road until Friday",
                    text="Buses 2 and 5 go by way of the cannery.",
                    url=f"{SITE}/alder-road",
                ),
                Brief(headline="The library lends snowshoes from Saturday", url=f"{SITE}/snowshoes"),
                Brief(headline="Scallop season opens a week early", text="The state set the date on Monday."),
                Brief(headline="A lost dog named Biscuit is home again", url=f"{SITE}/biscuit"),
            ],
        ),
        Sponsor(
            label="Paid for by the Port Alder Credit Union",
            text_markdown="**A savings account that has a branch.** Come in on Saturday mornings; somebody will be "
            "there, and there is coffee.",
            url="https://creditunion.example.net/saturday",
        ),
        LatestFromSection(
            section="Business",
            items=[
                Brief(headline="The cannery hires forty for the winter line", url=f"{SITE}/cannery"),
                Brief(
                    headline="Rents on Wharf Street rise again",
                    url=f"{SITE}/rents",
                    text="By 4 percent in a year.",
                ),
            ],
            url=f"{SITE}/business",
        ),
        LateUpdateBlock(
            headline="The 7:40 boat is cancelled today",
            text_markdown="Fog at the island. The harbor office expects the 8:15 to run.",
        ),
        Comments(
            url=f"{SITE}/2026/11/25/ferry-terminal#comments",
            count=42,
            headline="The old ferry terminal stays open",
        ),
        Staff(
            people=[
                Person(name="Tomas Reyes", role="morning editor"),
                Person(name="Ida Brandvold", role="town hall"),
                Person(name="Noor Haddad", role="harbor and trade"),
            ]
        ),
    ],
)

CONTENT = EditionContent(
    newsletter=FACTS,
    document=RICH,
    date=datetime.date(2026, 11, 25),
    web_url="https://news.example.org/n/morning-memo/2026-11-25",
)

_OTHER = {
    "de": (
        "Guten Morgen, {{first_name|liebe Leser}}: die Fähre bleibt",
        "Der Rat stimmte für die Fähre",
        "Größere Übergänge, süße Grüße: Der Rat stimmte mit fünf zu vier Stimmen. {{first_name|Sie}} lesen richtig.",
    ),
    "ja": (
        "おはようございます、{{first_name|読者}}さん",
        "フェリー乗り場は存続へ",
        "町議会は火曜日の深夜、五対四で存続を決めた。" * 8,
    ),
    "ar": (
        "صباح الخير {{first_name|قارئنا}}",
        "المجلس يبقي العبّارة؟",
        "صوّت المجلس بخمسة أصوات مقابل أربعة. " * 8,
    ),
    "he": (
        "בוקר טוב {{first_name|לקוראים}}",
        "המועצה משאירה את המעבורת?",
        "המועצה הצביעה חמישה מול ארבעה. " * 8,
    ),
    "fa": (
        "صبح بخیر {{first_name|خواننده}}",
        "شورا کشتی را نگه می‌دارد؟",
        "شورا با پنج رأی در برابر چهار رأی داد. " * 8,
    ),
}


def in_language(language: str) -> EditionContent:
    subject, headline, body = _OTHER[language]
    document = Document(
        subject=subject,
        preheader=headline,
        blocks=[
            Note(text_markdown="{{first_name|–}}: " + body),
            Item(headline=headline, body_markdown=f"{body}\n\n{body}", url=f"{SITE}/a", read_more=True),
            Comments(url=f"{SITE}/c", count=5),
        ],
    )
    way = "rtl" if language in {"ar", "he", "fa"} else "ltr"
    facts = replace(FACTS, language=language, direction=way, name=headline, reason=body)
    return replace(CONTENT, newsletter=facts, document=document)


def with_document(document: Document) -> EditionContent:
    return replace(CONTENT, document=document)


def named(name: str) -> EditionContent:
    return replace(CONTENT, newsletter=replace(FACTS, name=name, from_name=name))


def named_reader(first_name: str) -> Personal:
    return PERSONAL._replace(fields={"first_name": first_name})
