from datetime import datetime

from sqlmodel import Field, SQLModel

from service.database import BigKey, UtcDateTime


class Relay(SQLModel, table=True):
    """The SMTP server we hand to, and its clock: until `wait_until` nothing is handed to it."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    name: str = Field(max_length=120, unique=True)
    wait_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = Field(default=None, max_length=500)
    failures: int = 0
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)
