"""What waits at the gate: a queue for each lane and edition, and one apart for each provider that takes little.

Errands of such a provider stand aside: neither the next page nor other readers wait for them.
"""

from collections import deque
from collections.abc import Callable

from service.delivery.holding import Errand

Queue = tuple[int, int, str]  # breaking first, then by edition, and by provider if that one takes little


class Queues:
    def __init__(self) -> None:
        self._waiting: dict[Queue, deque[Errand]] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._waiting.values()))

    def ahead_count(self, edition_id: int) -> int:
        """Of this edition, without those that stand aside."""
        return sum(
            len(errands)
            for (_, edition, apart), errands in self._waiting.items()
            if edition == edition_id and not apart
        )

    def ranks(self) -> list[list[Queue]]:
        """The queues, the higher lane first."""
        ranks = sorted({queue[0] for queue in self._waiting})
        return [[queue for queue in self._waiting if queue[0] == rank] for rank in ranks]

    def length(self, queue: Queue) -> int:
        return len(self._waiting.get(queue, ()))

    def add(self, queue: Queue, errand: Errand) -> None:
        self._waiting.setdefault(queue, deque()).append(errand)
        if queue[2]:
            errand.holding.stand_aside()

    def first(self, queue: Queue) -> Errand | None:
        errands = self._waiting.get(queue)
        return errands[0] if errands else None

    def take(self, queue: Queue) -> Errand:
        errands = self._waiting.pop(queue)
        errand = errands.popleft()
        if errands:
            self._waiting[queue] = (
                errands  # behind the others: where tokens come one by one, it is their turn
            )
        if queue[2]:
            errand.holding.come_back()
        return errand

    def take_all(self) -> list[Errand]:
        return [self.take(queue) for queue in list(self._waiting) for _ in range(self.length(queue))]

    def take_unless(self, is_wanted: Callable[[Errand], bool]) -> list[Errand]:
        """Those that are not wanted any more; the others keep their places."""
        taken: list[Errand] = []
        for queue in list(self._waiting):
            for _ in range(self.length(queue)):
                errand = self.take(queue)
                if is_wanted(errand):
                    self.add(queue, errand)
                else:
                    taken.append(errand)
        return taken
