"""docs/settings.md, written from the settings' own descriptions: `make settings`."""

import sys
from pathlib import Path

from service.settings import Settings

HEAD = """# Settings

Every setting is an environment variable. Instead, any of them may be a file of the same name in the folder that `MEMO_SECRETS_DIR`
names, which is how containers are given their secrets (`/run/secrets/memo_relay_url`); a variable wins over a file. A value that
cannot be used stops the program at its start, with the name of the variable to mend.

This page is written by `make settings` from `service/settings.py`; a test keeps the two the same.

| variable | default | what it does |
| --- | --- | --- |
"""


def page() -> str:
    rows = [
        f"| `{variable(name)}` | {_shown(field.default)} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def variable(name: str) -> str:
    return f"MEMO_{name.upper()}"


def undescribed() -> list[str]:
    return [variable(name) for name, field in Settings.model_fields.items() if not field.description]


def _shown(default: object) -> str:
    if default is None or default in ("", ()):
        return "empty"
    return f"`{default.as_posix() if isinstance(default, Path) else default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
