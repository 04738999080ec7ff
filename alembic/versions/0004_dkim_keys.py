"""keys for DKIM"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dkimkey",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("selector", sa.String(length=63), nullable=False),
        sa.Column(
            "state",
            sa.Enum("ready", "active", "retired", name="dkimkeystate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("activated_at", UtcDateTime(), nullable=True),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dkimkey")),
        sa.UniqueConstraint("domain", "selector", name=op.f("uq_dkimkey_domain_selector")),
        sa.UniqueConstraint("uid", name=op.f("uq_dkimkey_uid")),
    )
    with op.batch_alter_table("dkimkey", schema=None) as batch_op:
        batch_op.create_index(
            "uq_dkimkey_active",
            ["domain"],
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("dkimkey", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_dkimkey_active",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.drop_table("dkimkey")
