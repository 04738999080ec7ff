import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import BigKey


class ProofPart(SQLModel, table=True):
    """A piece of the compressed proof of an edition whose details are no longer kept."""

    edition_id: int = Field(primary_key=True, sa_type=BigKey, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    data: bytes = Field(sa_type=sa.LargeBinary)
