"""No line of the log holds a whole address, whoever said it."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest
import structlog

from service import logs

ADDRESSES = (
    "anna@example.org",
    "Anna.Berg+memo@example.org",
    "o'brien@example.org",
    "rené@exämple.org",
    '"anna berg"@example.org',
    "anna@[192.0.2.7]",
    "anna%40example.org",
    "x@localhost",
)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What was logged, as read back from standard error."""
    root, written = logging.getLogger(), io.StringIO()
    before, handlers, level = structlog.get_config(), root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure(form="json")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_masked_wherever_it_stands(address: str, lines: Any) -> None:
    log = logs.get("test")
    log.warning(
        "relay.problem", problem=f"550 5.1.1 <{address}>: unknown", readers=[{"to": address}], edition=7
    )
    logging.getLogger("some.library").warning("could not reach %s", address)
    try:
        raise ValueError(f"Key (address)=({address}) already exists")
    except ValueError:
        log.exception("worker.tick_failed")
    logged = lines()
    assert len(logged) == 3
    assert logged[0]["edition"] == 7
    assert logged[0]["problem"].startswith("550 5.1.1 <")
    assert "ValueError" in logged[2]["exception"]
    for line in logged:
        told = json.dumps(line, ensure_ascii=False)
        assert address not in told
        assert "anna@" not in told.lower()
        assert "***@" in told


def test_a_reader_inside_a_return_path_is_masked_too(lines: Any) -> None:
    said = "550 <bounce-anna.smith=example.org@lists.example.net> unknown; address=anna.smith@example.org"
    logs.get("test").warning("relay.problem", problem=said)
    (line,) = lines()
    assert "anna" not in line["problem"]
    assert "b***@lists.example.net" in line["problem"]


def test_a_password_in_an_address_of_a_relay_is_masked(lines: Any) -> None:
    logs.get("test").error(
        "relay.problem", problem="smtp://memo:secret@relay.example.org:587 does not answer"
    )
    (line,) = lines()
    assert "secret" not in line["problem"]
    assert "relay.example.org" in line["problem"]


def test_what_is_no_address_stays(lines: Any) -> None:
    facts = {
        "at": "2026-03-02 06:00:00+00:00",
        "path": "/n/morning-memo/2026-03-02",
        "rate": 12.5,
        "is_it": True,
        "none": None,
    }
    logs.get("test").info("edition.started", **facts)
    (line,) = lines()
    assert {name: line[name] for name in facts} == facts


@pytest.mark.parametrize("text", ["@" * 100_000, "a" * 100_000 + "@", "a@" + "b-" * 50_000, "%40" * 50_000])
def test_a_long_text_is_looked_through_quickly(text: str) -> None:
    began = perf_counter()
    logs.without_addresses(None, "", {"problem": text})
    assert perf_counter() - began < 5


def test_the_secret_of_a_relays_address_is_masked(lines: Any) -> None:
    log = logs.get("test")
    log.error(
        "request.failed",
        path="/hooks/ses/kD0WxG8yq-secret",
        problem="POST https://news.example.org/hooks/ses/kD0WxG8yq-secret?x=1",
    )
    (line,) = lines()
    assert "secret" not in json.dumps(line)
    assert line["path"] == "/hooks/ses/…"
