"""How often one may try to sign in: counted in memory, for each address from each client and for each client.

A limit for the address alone would let anybody lock its owner out.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from math import ceil

from service.errors import Unavailable

WINDOW = timedelta(minutes=15)
TRIES_FOR_ADDRESS = 8
TRIES_FOR_CLIENT = 60  # a newsroom shares one address to the outside
REMEMBERED = 20_000


class TooManyAttempts(Unavailable):
    """That were too many attempts to sign in. Please wait a quarter of an hour."""


class SignInLimiter:
    """Held by an entrance, one for the process. Only attempts that failed are counted."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()

    def admit(self, address_key: str, client: str, *, now: datetime) -> None:
        """Raises TooManyAttempts, saying how long to wait. Ask before the password is checked."""
        for place, most in self._places(address_key, client):
            recent = self._recent(place, now)
            if len(recent) >= most:
                minutes = max(1, ceil((recent[0] + WINDOW - now) / timedelta(minutes=1)))
                raise TooManyAttempts(
                    f"That were too many attempts to sign in. Please wait {minutes} minutes and try again."
                )

    def failed(self, address_key: str, client: str, *, now: datetime) -> None:
        for place, most in self._places(address_key, client):
            recent = self._failures.setdefault(place, deque(maxlen=most))
            recent.append(now)
            self._failures.move_to_end(place)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def succeeded(self, address_key: str, client: str) -> None:
        self._failures.pop((address_key, client), None)

    @staticmethod
    def _places(address_key: str, client: str) -> tuple[tuple[tuple[str, str], int], ...]:
        return (((address_key, client), TRIES_FOR_ADDRESS), (("", client), TRIES_FOR_CLIENT))

    def _recent(self, place: tuple[str, str], now: datetime) -> deque[datetime]:
        recent = self._failures.get(place, deque())
        while recent and recent[0] <= now - WINDOW:
            recent.popleft()
        return recent
