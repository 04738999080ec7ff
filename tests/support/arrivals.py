"""What the moments of arrival say of a pace."""

from datetime import datetime, timedelta


def busiest_second(moments: list[datetime]) -> int:
    """The most that arrived in any second."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= timedelta(seconds=1):
            first += 1
        most = max(most, last - first + 1)
    return most
