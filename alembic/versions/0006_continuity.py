"""how far the database has come, so that an older copy is recognised"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.database import UtcDateTime

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    made = op.create_table(
        "continuity",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lineage", sa.Uuid(), nullable=False),
        sa.Column("forebears", JSON, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("beaten_at", UtcDateTime(), nullable=True),
        sa.Column("copied_at", UtcDateTime(), nullable=True),
        sa.Column("secrets", JSON, nullable=False),
        sa.Column("held_since", UtcDateTime(), nullable=True),
        sa.Column("hold_reason", sa.String(length=500), nullable=True),
        sa.Column("copy_of", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_continuity")),
    )
    first = {"id": 1, "lineage": uuid.uuid4(), "forebears": [], "generation": 0, "secrets": {}}
    op.bulk_insert(made, [first])


def downgrade() -> None:
    op.drop_table("continuity")
