"""What the README tells a developer to send works as it is written, in its order."""

import re
import shlex
from typing import Any

import httpx2

from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker
from tests.unit.house.sources import ROOT

KEY = re.compile(r"^KEY=\$\(memo key create (.*)\)$", re.MULTILINE)
BLOCK = (ROOT / "README.md").read_text().partition("## Use it from a program")[2].split("```")[1]


def _asked(command: list[str]) -> tuple[str, str, dict[str, str], str | None]:
    """Method, URL, headers and body, as curl takes them from its arguments."""
    headers: dict[str, str] = {}
    method, url, body = "GET", "", None
    words = iter(command[1:])
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            method, body = "POST", next(words)
        elif word == "-X":
            method = next(words)
        else:
            url = word
    return method, url, headers, body


async def test_its_commands_work_one_after_the_other(
    client: httpx2.AsyncClient, memo: Newsletter, key: KeyMaker
) -> None:
    (made,) = KEY.findall(BLOCK)
    known = {
        "$KEY": await key(*re.findall(r"--scope (\w+)", made)),
        "$API": "https://news.example.org/api/v1",
    }
    commands = [
        shlex.split(line) for line in BLOCK.replace("\\\n", " ").splitlines() if line.startswith("curl ")
    ]
    assert len(commands) == 5
    told: dict[str, Any] = {}
    for command in commands:
        method, url, headers, body = _asked([_filled(word, known) for word in command])
        answer = await client.request(method, url, headers=headers, content=body)
        assert answer.status_code in {200, 201, 202}, f"{command}: {answer.text}"
        told = answer.json()
        if "document" in told:
            known["$EDITION"] = told["uid"]
    assert told["state"] == "sending"


def _filled(word: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        word = word.replace(name, value)
    return word
