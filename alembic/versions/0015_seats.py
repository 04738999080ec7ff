"""who has how many of a relay's connections"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seat",
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("relay", sa.String(length=120), nullable=False),
        sa.Column("lane", sa.String(length=24), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_seat")),
    )


def downgrade() -> None:
    op.drop_table("seat")
