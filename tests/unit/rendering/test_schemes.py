from service.rendering import body, schemes
from tests.support import sample_editions

PAGE = body.page_without_reader(sample_editions.made("theme-ledger"), sample_editions.TEMPLATES)
TITLED = PAGE.replace("<body", "<body title='(prefers-color-scheme:dark) light dark'", 1)


def test_the_wish_is_answered_in_the_head_and_nowhere_else() -> None:
    assert "(prefers-color-scheme:dark)" in PAGE
    night, day = schemes.shown(TITLED, "dark"), schemes.shown(TITLED, "light")
    for page, rule, scheme in ((night, "(min-width:0)", "dark"), (day, "(max-width:0)", "light")):
        head, _, rest = page.partition("</head>")
        assert rule in head and "prefers-color-scheme" not in head
        assert f'<meta name="color-scheme" content="{scheme}"' in head
        assert rest == TITLED.partition("</head>")[2]
