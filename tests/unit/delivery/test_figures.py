"""Whether a refusal by someone behind the relay makes the relay wait: only while most others are not accepted."""

from types import SimpleNamespace
from typing import cast

import pytest

from service.delivery import outcome, reaching
from service.delivery.figures import LATEST, Figures
from service.delivery.office import Office
from service.delivery.outcome import Phase, Reply, Scope

ACCEPTED = outcome.of(Reply(Phase.DOT, 250, "2.0.0 Ok"))
NOT_FROM_US = outcome.of(Reply(Phase.DOT, 550, "5.7.1 Message rejected due to local policy"))
NOT_OURS = outcome.of(Reply(Phase.RCPT, 554, "Message rejected: Email address is not verified."))


def office(accepted: int, refused: int) -> Office:
    figures = Figures()
    for judged in [ACCEPTED] * accepted + [NOT_FROM_US] * refused:
        figures.note("scheduled", judged)
    return cast(Office, SimpleNamespace(figures=figures))


@pytest.mark.parametrize(
    ("accepted", "refused", "it_waits"),
    [(0, 0, True), (1, 0, False), (1, 1, True), (6, 4, False), (5, 5, True), (2 * LATEST, LATEST, True)],
)
def test_what_one_behind_it_says_counts_unless_most_of_the_last_were_accepted(
    accepted: int, refused: int, it_waits: bool
) -> None:
    assert NOT_FROM_US.scope in reaching.BEHIND_IT
    assert reaching.is_of_the_relay(office(accepted, refused), NOT_FROM_US) is it_waits


def test_what_the_relay_says_of_our_account_always_counts() -> None:
    assert NOT_OURS.scope is Scope.ACCOUNT
    assert reaching.is_of_the_relay(office(LATEST, 0), NOT_OURS)
