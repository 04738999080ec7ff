"""What a newsletter says of its canary: who goes first, how long the rest waits for what becomes of them, and what stops it. Checked."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service import addresses

ABOVE_READERS = 5_000


def _address(value: str) -> str:
    try:
        return addresses.parse(value).wire
    except addresses.AddressInvalid as error:
        raise ValueError(error.message) from error


class CanaryRules(BaseModel):
    """The first readers and the seeds go first; the rest of a scheduled edition waits, and stops if too many of them are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_on: bool | None = Field(
        default=None, description=f"Null: on for an edition with more than {ABOVE_READERS:,} readers."
    )
    first_count: int = Field(default=200, ge=10, le=5_000, description="Readers who go first.")
    wait_seconds: int = Field(default=60, ge=1, le=3_600, description="How long the rest waits.")
    refused_percent: int = Field(
        default=5,
        ge=1,
        le=100,
        description="More refusals than this, of those who went first, stop the rest.",
    )
    seeds: list[Annotated[str, AfterValidator(_address)]] = Field(
        default_factory=list,
        max_length=20,
        description="Mailboxes of the newsroom's own that get each such edition first, to look at it there.",
    )

    def applies_to(self, readers: int) -> bool:
        """Where everybody is among the first, there is no rest to wait."""
        is_on = readers > ABOVE_READERS if self.is_on is None else self.is_on
        return is_on and readers > self.first_count
