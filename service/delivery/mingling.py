"""Readers of one provider spread evenly over a page, so that none of them gets its messages in one burst: pure.

Of n rows the j-th of k readers of a provider comes at about (j + offset) / k of the page. Each provider has an offset of its own, a step of
the golden section further than the one before: else all those with one reader would meet in the middle.
"""

from collections import Counter
from collections.abc import Sequence

from service.delivery import provider_groups
from service.delivery.paging import Row

GOLDEN = 0.6180339887498949


def mingled(rows: Sequence[Row]) -> list[Row]:
    """The same rows in another order; those of one provider keep theirs."""
    providers = [provider_groups.of(row.address) for row in rows]
    sizes = Counter(providers)
    if len(sizes) < 2:
        return list(rows)
    nexts = {provider: number * GOLDEN % 1 / size for number, (provider, size) in enumerate(sizes.items())}
    places: list[float] = []
    for provider in providers:
        places.append(place := nexts[provider])
        nexts[provider] = place + 1 / sizes[provider]
    return [rows[number] for number in sorted(range(len(rows)), key=places.__getitem__)]
