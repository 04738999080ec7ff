"""a relay that a person has paused"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("relay", sa.Column("paused_because", sa.String(length=300), nullable=True))


def downgrade() -> None:
    op.drop_column("relay", "paused_because")
