"""how many messages a relay and an edition may have in a second, an hour and a day"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_A_RELAY = {
    "rate": sa.Integer(),
    "per_hour": sa.Integer(),
    "per_day": sa.Integer(),
    "slowed_to": sa.Integer(),
    "rest_until": UtcDateTime(),
    "rest_reason": sa.String(length=500),
}


def upgrade() -> None:
    op.create_table(
        "bucket",
        sa.Column("place", sa.String(length=300), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.Column("notice_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_bucket")),
    )
    op.create_table(
        "handedover",
        sa.Column("relay", sa.String(length=120), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("relay", "since", name=op.f("pk_handedover")),
    )
    with op.batch_alter_table("relay", schema=None) as batch_op:
        for name, kind in OF_A_RELAY.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("slowed_to", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_column("slowed_to")
    with op.batch_alter_table("relay", schema=None) as batch_op:
        for name in OF_A_RELAY:
            batch_op.drop_column(name)
    op.drop_table("handedover")
    op.drop_table("bucket")
