"""Readers of one provider are spread over their page."""

from collections.abc import Sequence
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from service.delivery import mingling, provider_groups
from service.delivery.paging import Row
from service.ledger.models import DeliveryState

DOMAINS = ("gmail.com", "googlemail.com", "outlook.com", "a.example", "b.example", "c.example")


def rows_of(addresses: Sequence[str]) -> list[Row]:
    return [
        Row(number, address, {}, DeliveryState.QUEUED, 0, 0, None)
        for number, address in enumerate(addresses, 1)
    ]


def longest_run(rows: Sequence[Row]) -> int:
    return max(len(list(run)) for _, run in groupby(rows, lambda row: provider_groups.of(row.address)))


@given(st.lists(st.sampled_from(DOMAINS), max_size=200))
def test_nobody_is_lost_or_doubled_and_a_providers_own_keep_their_order(domains: list[str]) -> None:
    rows = rows_of([f"reader{number}@{domain}" for number, domain in enumerate(domains)])
    mingled = mingling.mingled(rows)
    assert sorted(mingled) == rows
    for provider in {provider_groups.of(row.address) for row in rows}:
        own = [row.number for row in mingled if provider_groups.of(row.address) == provider]
        assert own == sorted(own)


@given(st.integers(1, 20), st.integers(1, 60))
def test_no_tenth_of_a_page_has_many_more_of_a_provider_than_its_share(providers: int, each: int) -> None:
    """Of a list that is sorted by domain, as an import may leave it."""
    rows = rows_of([f"r@p{number}.example" for number in range(providers) for _ in range(each)])
    mingled = mingling.mingled(rows)
    tenth = max(1, len(rows) // 10)
    for begin in range(0, len(rows), tenth):
        stretch = [row.address for row in mingled[begin : begin + tenth]]
        assert all(stretch.count(address) <= len(stretch) / providers + 2 for address in set(stretch))


def test_single_readers_of_many_domains_lie_between_those_of_the_big_one() -> None:
    big = [f"r{number}@gmail.com" for number in range(100)]
    small = [f"r@d{number}.example" for number in range(100)]
    mingled = mingling.mingled(rows_of(big + small))
    assert longest_run(mingled) <= 4


def test_a_page_of_one_provider_stays_as_it_is() -> None:
    rows = rows_of([f"r{number}@gmail.com" for number in range(5)] + ["r@googlemail.com"])
    assert mingling.mingled(rows) == rows
