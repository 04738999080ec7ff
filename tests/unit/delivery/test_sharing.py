"""A relay's connections: shared fairly, one for notices, and never more open than there are, in whatever order senders ask."""

import random

import pytest

from service.delivery import sharing
from service.delivery.sharing import SeatLane, Wish

EDITIONS, NOTICES = SeatLane.EDITIONS, SeatLane.NOTICES


@pytest.mark.parametrize(
    ("capacity", "wanted", "shares"),
    [
        (9, [9], [9]),
        (9, [9, 9], [5, 4]),
        (9, [9, 1, 9], [4, 1, 4]),
        (2, [5, 5, 5], [1, 1, 0]),
        (5, [0, 0], [0, 0]),
        (0, [3], [0]),
    ],
)
def test_each_gets_what_it_wants_or_as_much_as_the_others(
    capacity: int, wanted: list[int], shares: list[int]
) -> None:
    assert sharing.fair(capacity, wanted) == shares


def test_a_newcomer_gets_nothing_until_somebody_has_closed() -> None:
    full, newcomer = Wish(EDITIONS, 9, 9), Wish(EDITIONS, 9, 0)
    assert sharing.granted(10, [full, newcomer], 1) == 0
    assert sharing.granted(10, [full, newcomer], 0) == 5
    assert sharing.granted(10, [Wish(EDITIONS, 9, 5), newcomer], 1) == 4


def test_one_connection_is_kept_for_notices_and_one_worker_at_a_time_has_it() -> None:
    full, notice = Wish(EDITIONS, 9, 9), Wish(NOTICES, 1, 0)
    assert sharing.granted(10, [full], 0) == 9
    assert sharing.granted(10, [full, notice], 1) == 1
    assert sharing.granted(10, [full, Wish(NOTICES, 1, 1), notice], 2) == 0


def test_a_relays_only_connection_belongs_to_editions_until_a_notice_wants_it() -> None:
    edition, notice = Wish(EDITIONS, 1, 1), Wish(NOTICES, 1, 0)
    assert sharing.granted(1, [edition], 0) == 1
    assert sharing.granted(1, [edition, notice], 0) == 0
    assert sharing.granted(1, [edition, notice], 1) == 0
    assert sharing.granted(1, [Wish(EDITIONS, 1, 0), notice], 1) == 1


@pytest.mark.parametrize("connections", [1, 2, 7])
def test_never_more_are_open_than_there_are_and_in_the_end_none_is_idle(connections: int) -> None:
    """Senders ask in any order, close when they like, come and go."""
    chance = random.Random(connections)
    lanes = [EDITIONS, EDITIONS, NOTICES, EDITIONS, NOTICES]
    wanted, opened, allowed = ([0] * len(lanes) for _ in range(3))

    def ask(at: int) -> None:
        wishes = [Wish(*each) for each in zip(lanes, wanted, allowed, strict=True)]
        given = sharing.granted(connections, wishes, at)
        allowed[at] = max(given, opened[at])
        opened[at] = max(opened[at], given) if given >= opened[at] else opened[at]
        assert sum(opened) <= sum(allowed) <= connections

    for _ in range(3_000):
        at = chance.randrange(len(lanes))
        if chance.random() < 0.2:
            wanted[at] = chance.choice([0, connections])
        if opened[at] and chance.random() < 0.5:
            opened[at] -= 1  # closed, and not yet told
        ask(at)
    wanted[:] = [connections] * len(lanes)
    for _ in range(30):
        for at, wish in enumerate(lanes):
            opened[at] = min(opened[at], connections if wish is NOTICES else 0)
            ask(at)
    assert sum(allowed) == connections
