"""Times as the API has them: told in UTC with a Z and nothing else, taken with any offset."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, AwareDatetime


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # in the first or the last hours that a calendar here knows
        raise ValueError("is no time that can be kept; give one between the years 2 and 9998") from error


# For answers as for requests: a time without an offset is refused, for nobody knows when it is.
Instant: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_utc)]
