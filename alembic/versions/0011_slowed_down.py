"""who asked us to slow down"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sloweddown",
        sa.Column("relay", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=253), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("relay", "provider", name=op.f("pk_sloweddown")),
    )


def downgrade() -> None:
    op.drop_table("sloweddown")
