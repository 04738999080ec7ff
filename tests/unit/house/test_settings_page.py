from service.settings import Settings
from tests.unit.house import settings_page, sources


def test_every_setting_is_described() -> None:
    assert not settings_page.undescribed()


def test_the_page_says_what_the_code_does() -> None:
    """After a change to the settings: `make settings`."""
    assert (sources.ROOT / "docs/settings.md").read_text() == settings_page.page()


def test_every_variable_that_a_text_names_exists() -> None:
    known = {settings_page.variable(name) for name in Settings.model_fields} | {"MEMO_SECRETS_DIR"}
    texts = [
        (path, text)
        for path, text in sources.texts().items()
        if path.endswith((".md", ".html", ".yml", ".toml", "Dockerfile", "Makefile", "run"))
    ]
    said = [(source.path, text) for source in sources.python("service") for text in sources.strings(source)]
    assert said
    unknown = {(path, name) for path, text in (*texts, *said) for name in sources.variables(text) - known}
    assert not unknown
