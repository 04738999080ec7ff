"""What trying a relay out means, and what a Postfix is told: each finding."""

from datetime import timedelta

import pytest

from service.delivery.relay_trial import Step, StepState, Trial
from service.doctor import relay_verdict
from service.doctor.findings import Severity
from service.doctor.relay_verdict import SeenRelay

TLS = Step("tls", StepState.DONE, "TLSv1.3.")
NO_TLS = Step("tls", StepState.WARNED, "Not encrypted.", "For a network of your own only.")
WELL = (Step("connection", StepState.DONE, "192.0.2.25, port 587"), TLS)
NAKED = (Step("connection", StepState.DONE, "192.0.2.25, port 25"), NO_TLS)
NEAR = (Step("connection", StepState.DONE, "127.0.0.1, port 25"), NO_TLS)
REFUSED = (Step("sign_in", StepState.FAILED, "535 no", "Enter them again."),)
OK, NOTE, WARN, FAIL = Severity


def seen(*steps: Step, is_main: bool = True, trouble: str = "") -> SeenRelay:
    return SeenRelay("post", "Another SMTP server", is_main, Trial(steps), trouble=trouble)


SPARE = seen(*WELL, is_main=False)


@pytest.mark.parametrize(
    ("relays", "is_any_entered", "expected"),
    [
        ([], False, [("relay.none", WARN)]),
        ([], True, [("relay.no_main", FAIL)]),
        ([seen(*WELL)], True, [("relay.ok", OK), ("relay.no_fallback", NOTE)]),
        ([seen(*WELL), SPARE], True, [("relay.ok", OK), ("relay.ok", OK)]),
        ([seen(*REFUSED), SPARE], True, [("relay.sign_in", FAIL), ("relay.ok", OK)]),
        ([seen(*WELL), seen(*REFUSED, is_main=False)], True, [("relay.ok", OK), ("relay.sign_in", WARN)]),
        ([seen(*NAKED), SPARE], True, [("relay.ok", OK), ("relay.tls_look", WARN), ("relay.ok", OK)]),
        ([seen(*NEAR), SPARE], True, [("relay.ok", OK), ("relay.ok", OK)]),
        ([seen(*WELL, trouble="421 later"), SPARE], True, [("relay.ok", OK), ("relay.resting", WARN), ("relay.ok", OK)]),
        ([SeenRelay("post", "x", True, None, "The key is not here."), SPARE], True, [("relay.not_tried", WARN), ("relay.ok", OK)]),
    ],
)  # fmt: skip
def test_relays(relays: list[SeenRelay], is_any_entered: bool, expected: list[tuple[str, Severity]]) -> None:
    found = relay_verdict.judged(relays, is_any_entered=is_any_entered)
    assert [(one.code, one.severity) for one in found] == expected


@pytest.mark.parametrize(
    ("values", "gap", "code", "limit"),
    [
        (None, timedelta(days=1), "postfix_queue.long", "20h"),
        (None, timedelta(hours=6), "postfix_queue.long", "6h"),
        ({"maximal_queue_lifetime": "5d", "bounce_queue_lifetime": "5d"}, timedelta(days=1), "postfix_queue.long", "20h"),
        ({"maximal_queue_lifetime": "20h", "bounce_queue_lifetime": "5d"}, timedelta(days=1), "postfix_queue.long", "20h"),
        ({"maximal_queue_lifetime": "72000s", "bounce_queue_lifetime": "900m"}, timedelta(days=1), "postfix_queue.ok", ""),
        ({"maximal_queue_lifetime": "$x", "bounce_queue_lifetime": "1h"}, timedelta(days=1), "postfix_queue.long", "20h"),
    ],
)  # fmt: skip
def test_the_queue_of_a_postfix(values: dict[str, str] | None, gap: timedelta, code: str, limit: str) -> None:
    (finding,) = relay_verdict.judged_queue("post", values, gap)
    assert finding.code == code
    if limit:
        assert finding.severity is (NOTE if values is None else WARN)
        wanted = f"postconf -e maximal_queue_lifetime={limit} bounce_queue_lifetime={limit} && postfix reload"
        assert [one.text for one in finding.remedies] == [wanted]


def test_times_as_postfix_writes_them() -> None:
    assert [relay_verdict.seconds(text) for text in ("5d", "20h", "30m", "9s", "1w", "2")] == [
        432000,
        72000,
        1800,
        9,
        604800,
        172800,
    ]
    assert relay_verdict.seconds("$maximal_queue_lifetime") is None
