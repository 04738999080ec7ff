"""The page of every sample edition and notice, read by html-validate and by the Nu Html Checker: one process of each for all of them."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from service.rendering import body, notices, personal
from tests.judges import tools
from tests.judges.borne import Finding
from tests.support import sample_editions
from tests.unit.rendering import reading, samples

WRONG = "plainly-wrong"
# A picture without words, a label for nobody, an id twice, an element that ends too late: each judge has to object.
WRONG_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title></head><body>
<h1 id="a">x</h1><p id="a"><img src="https://news.example.org/x.png"><label for="b">x</label><b><i>x</b></i></p></body></html>
"""
_HTML_VALIDATE = {"root": True, "extends": ["html-validate:standard", "html-validate:a11y"]}
_JAVA = ("-Xss2m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar")
_CONFIRM = {
    "newsletter": "Morning Memo",
    "confirm_url": "https://news.example.org/confirm/x",
    "first_name": "",
}
_ALARM = {"subject": "Not sent", "text": "The relay refused.", "desk_url": "https://news.example.org/desk"}


def written(folder: Path) -> list[Path]:
    """As a reader's program has them, after splicing and decoding."""
    pages = [*_editions(), *_notices(), (WRONG, WRONG_PAGE)]
    files = [folder / f"{name}.html" for name, _ in pages]
    for file, (_, page) in zip(files, pages, strict=True):
        file.write_text(page, encoding="utf-8")
    return files


async def html_validate(files: Iterable[Path], folder: Path) -> list[Finding]:
    configuration = folder / "html-validate.json"
    configuration.write_text(json.dumps(_HTML_VALIDATE))
    # Into a file: it ends before a pipe has taken in so much.
    report = folder / "html-validate-report.json"
    said = await tools.said_by(
        ["node", tools.HTML_VALIDATE, "--config", configuration, "--formatter", f"json={report}", *files]
    )
    return [
        Finding("html-validate", Path(page["filePath"]).stem, f"{one['ruleId']}: {one['message']}")
        for page in _read(report.read_bytes() if report.exists() else said, list)
        for one in page["messages"]
    ]


async def vnu(files: Iterable[Path]) -> list[Finding]:
    said = await tools.said_by(["java", *_JAVA, tools.VNU, "--format", "json", "--stdout", *files])
    return [Finding("vnu", Path(one["url"]).stem, one["message"]) for one in _read(said, dict)["messages"]]


def _read(said: bytes, kind: type) -> Any:
    try:
        found = json.loads(said)
    except ValueError:
        raise tools.Fell(said[-800:].decode(errors="replace")) from None
    assert isinstance(found, kind)
    return found


def _editions() -> Iterator[tuple[str, str]]:
    for name in sample_editions.MAKERS:
        rendition = body.render(sample_editions.made(name), sample_editions.TEMPLATES)
        message = personal.splice(rendition, samples.ENVELOPE, samples.PERSONAL)
        yield name, reading.parsed(message).html


def _notices() -> Iterator[tuple[str, str]]:
    for name, values in (("confirm", _CONFIRM), ("alarm", _ALARM)):
        message = notices.render(name, values, samples.NOTICE, samples.TEMPLATES)
        yield f"notice-{name}", reading.parsed(message).html
