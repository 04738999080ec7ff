"""what stays of an edition whose details are not kept any more"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
revision = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proofpart",
        sa.Column("edition_id", BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", "number", name=op.f("pk_proofpart")),
    )
    with op.batch_alter_table("run") as batch_op:
        batch_op.add_column(sa.Column("summarising_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("summarised_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("summary", JSON, nullable=True))
        batch_op.add_column(sa.Column("has_details", sa.Boolean(), nullable=False, server_default=sa.true()))
    with op.batch_alter_table("run") as batch_op:
        batch_op.alter_column("has_details", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("run") as batch_op:
        batch_op.drop_column("has_details")
        batch_op.drop_column("summary")
        batch_op.drop_column("summarised_at")
        batch_op.drop_column("summarising_at")
    op.drop_table("proofpart")
