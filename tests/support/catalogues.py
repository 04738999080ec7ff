"""`make catalogues`: takes our own texts out of templates and code, and brings every catalogue in step with them.

A new text stands there untranslated, a changed one is marked fuzzy, one that is gone is dropped; the tests of `service/languages` fail
until people have seen to the first two. `make catalogues ARGS=pt` begins a language.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from service.languages import speaking
from service.public import showing

ROOT = Path(__file__).parents[2]
Keywords: TypeAlias = dict[str, tuple[int, ...] | None]
Found: TypeAlias = tuple[str, str | tuple[str, ...]]
JINJA = "jinja2.ext:babel_extract"
# How texts are marked: with words to say at once, as said elsewhere, or as what an error tells readers.
IN_CODE: Keywords = {"say": None, "count": (1, 2), "noted": None}
AS_ERRORS: Keywords = {"AddressInvalid": None, "FirstNameInvalid": None}
IN_TEMPLATES: Keywords = {"_": None, "ngettext": (1, 2)}
WIDTH = 120
HEAD = "# What Morning Memo says itself. The source is English; `make catalogues` keeps this file in step with it."


def main(begun: list[str]) -> None:
    template = extracted()
    for language in begun:
        catalogue = Catalog(locale=Locale.parse(language), fuzzy=False)
        catalogue.update(template)
        path_of(language).write_bytes(written(catalogue))
    for language in translated():
        path_of(language).write_bytes(written(updated(language, template)))


def extracted() -> Catalog:
    """Every text of ours, with where it stands."""
    template = Catalog(fuzzy=False)
    for place, text in _found():
        template.add(text, locations=[(place, 0)])
    return template


def translated() -> list[str]:
    return [language for language in speaking.known() if language != speaking.SOURCE]


def path_of(language: str) -> Path:
    return speaking.FOLDER / f"{language}.po"


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    catalogue = read(language)
    catalogue.update(template)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """As it is kept: by the alphabet, and without places, dates and names, which would change by themselves."""
    kept = io.BytesIO()
    write_po(kept, catalogue, width=WIDTH, sort_output=True, omit_header=True, no_location=True)
    told = {"Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms"}
    head = [f'"{name}: {value}\\n"' for name, value in catalogue.mime_headers if name in told]
    return "\n".join([HEAD, 'msgid ""', 'msgstr ""', *head, "", kept.getvalue().decode()]).encode()


def _found() -> Iterator[Found]:
    for door in ("email", "public"):
        for path in sorted((ROOT / "templates" / door).rglob("*")):
            if path.suffix in {".html", ".txt"}:
                yield from _in_file(path, JINJA, IN_TEMPLATES)
    for path in sorted((ROOT / "service").rglob("*.py")):
        is_marked = "service.languages" in path.read_text(encoding="utf-8")
        yield from _in_file(path, "python", AS_ERRORS | (IN_CODE if is_marked else {}))
    for error in showing.TOLD:
        yield f"{error.__module__.replace('.', '/')}.py", error().message


def _in_file(path: Path, method: str, keywords: Keywords) -> Iterator[Found]:
    with path.open("rb") as file:
        for _, text, *_rest in extract(method, file, keywords):
            yield path.relative_to(ROOT).as_posix(), text


if __name__ == "__main__":
    main(sys.argv[1:])
