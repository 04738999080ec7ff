"""a few readers first, and when the rest may follow"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

revision = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("run") as batch_op:
        batch_op.add_column(sa.Column("canary_rows", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("canary_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("canary_percent", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("run") as batch_op:
        batch_op.alter_column("canary_percent", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("run") as batch_op:
        batch_op.drop_column("canary_percent")
        batch_op.drop_column("canary_until")
        batch_op.drop_column("canary_rows")
