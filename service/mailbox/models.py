from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import BigKey, UtcDateTime


class CaughtMessage(SQLModel, table=True):
    """The last 500 messages that were handed to the built-in mailbox."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    caught_at: datetime = Field(sa_type=UtcDateTime)
    mail_from: str = Field(max_length=320)
    rcpt_to: str = Field(max_length=320, index=True)
    subject: str = Field(max_length=1000)
    octets: int
    raw: bytes = Field(sa_type=sa.LargeBinary)
