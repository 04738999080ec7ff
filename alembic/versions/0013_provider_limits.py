"""how many messages a second the readers of one provider get through a relay"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "providerlimit",
        sa.Column("relay", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=253), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("relay", "provider", name=op.f("pk_providerlimit")),
    )


def downgrade() -> None:
    op.drop_table("providerlimit")
