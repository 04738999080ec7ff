"""How often a row is left as it was because of the relay, before it waits by the schedule like any other.

A relay that says 421 to everybody is the relay's matter. One that says it to one reader, time and again, would have that reader
tried without end and keep its clock, and with it every confirmation, behind that reader.
"""

LEFT_MOST = 5
REMEMBERED_MOST = 10_000

Place = tuple[int, int]


class Patience:
    """Counts in memory only: a restart begins anew, which costs a few more tries."""

    def __init__(self) -> None:
        self._left: dict[Place, int] = {}

    def lasts(self, place: Place) -> bool:
        """Whether this row may be left once more. Only asked when it is."""
        count = self._left.pop(place, 0) + 1
        if count > LEFT_MOST:
            return False
        while len(self._left) >= REMEMBERED_MOST:
            del self._left[next(iter(self._left))]
        self._left[place] = count
        return True

    def end(self, place: Place) -> None:
        self._left.pop(place, None)
