"""Real messages with labels: how well they are read, and that nothing breaks on any of them, whole, cut or with other line ends."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bounces import explanation, report
from service.bounces.findings import Kind
from tests.support import bounce_score
from tests.support.bounce_score import Judged

NAMES = sorted(bounce_score.labels())


@cache
def judged() -> list[Judged]:
    return bounce_score.judged()


def test_permanent_is_said_rightly_and_seldom_missed() -> None:
    score = bounce_score.score(judged())
    assert score.recipients == 412
    assert score.precision >= 0.98
    assert score.recall >= 0.95
    assert score.action >= 0.9


def test_nothing_about_the_sender_is_held_against_an_address() -> None:
    wrong = [one.name for one in judged() if one.label["action"] == "sender" and one.is_hard]
    assert wrong == []


def test_every_label_judged_otherwise_is_named_and_no_other() -> None:
    differing = {one.name for one in judged() if not one.is_right or one.is_hard != one.label["hard"]}
    assert differing - set(bounce_score.otherwise()) == {"rhost-messagelabs-03 1", "rfc3464-04 1"}
    assert set(bounce_score.otherwise()) - differing == set()


def test_the_page_has_these_figures() -> None:
    assert bounce_score.PAGE.read_text("utf-8") == bounce_score.page()


def test_as_many_recipients_are_found_as_the_labels_have() -> None:
    counted = {name: len(recipients) for name, recipients in bounce_score.labels().items()}
    assert {name: len(bounce_score.told(name).findings) for name in NAMES} == counted


@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["crlf", "cr"])
def test_line_ends_make_no_difference(end: bytes) -> None:
    for name in NAMES:
        raw = bounce_score.message(name).replace(b"\r\n", b"\n")
        assert report.read(raw.replace(b"\n", end)) == bounce_score.told(name), name


@given(st.sampled_from(NAMES), st.floats(0, 1), st.sampled_from([b"\n", b"\r\n", b"\r"]))
@settings(max_examples=400, deadline=None)
def test_any_truncation_is_read(name: str, share: float, end: bytes) -> None:
    raw = bounce_score.message(name).replace(b"\n", end)
    assert report.read(raw[: int(len(raw) * share)]).findings


@given(
    st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(0, 1), st.floats(0, 1), st.binary(max_size=40)
)
@settings(max_examples=200, deadline=None)
def test_any_patchwork_is_read(one: str, other: str, here: float, there: float, between: bytes) -> None:
    first, second = bounce_score.message(one), bounce_score.message(other)
    told = report.read(first[: int(len(first) * here)] + between + second[int(len(second) * there) :])
    assert all(isinstance(finding.kind, Kind) and finding.source for finding in told.findings)


@given(st.binary(max_size=3_000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    assert report.read(raw).findings


CHARSETS = [
    "utf-7",
    "utf-16",
    "utf-8",
    "idna",
    "punycode",
    "iso-2022-jp",
    "hz",
    "rot13",
    "cp037",
    "x-unknown",
    "",
]
ENCODINGS = ["", "base64", "quoted-printable", "x-uuencode"]


@given(st.sampled_from(CHARSETS), st.sampled_from(ENCODINGS), st.binary(max_size=200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_is_told_can_always_be_kept(charset: str, encoding: str, body: bytes, is_bounce: bool) -> None:
    """Any database and any encoding take it: no NUL, no half of a surrogate pair."""
    header = f"Subject: =?{charset}?q?+2AA-=00?=\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n"
    author = "From: MAILER-DAEMON@example.org\n" if is_bounce else "From: a@example.org\n"
    said = b"\n<reader@example.org>: 550 5.1.1 +2AA- " + body
    told = report.read((author + header).encode() + said)
    for text in strings(explanation.explain(told)):
        assert "\0" not in text
        text.encode("utf-8")


def test_a_notification_in_json_can_be_kept_too() -> None:
    bounced = {
        "emailAddress": "reader@example.org",
        "diagnosticCode": "smtp; 550 5.1.1 \ud800\0",
        "status": "5.1.1\0",
        "action": "failed",
    }
    told = {
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": [bounced]},
    }
    (found,) = report.read(f"Subject: x\n\n{json.dumps(told)}".encode()).findings
    assert (found.kind, found.recipient, found.status) == (Kind.PERMANENT, "reader@example.org", "5.1.1")
    assert found.text == "550 5.1.1 ?"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from strings(one)


def test_every_explanation_is_one_line_of_json() -> None:
    for name in NAMES:
        line = json.dumps(explanation.explain(bounce_score.told(name)))
        assert "\n" not in line
        assert json.loads(line)["kind"] in set(Kind)
