"""who is at work, and which editions were in time"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workerprocess",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("host", sa.String(length=64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("figures", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workerprocess")),
        sa.UniqueConstraint("uid", name=op.f("uq_workerprocess_uid")),
    )
    op.create_table(
        "deadline",
        sa.Column("edition_id", BIG, autoincrement=False, nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("is_met", sa.Boolean(), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("ping", sa.String(length=24), nullable=True),
        sa.Column("ping_attempts", sa.Integer(), nullable=False),
        sa.Column("ping_due_at", UtcDateTime(), nullable=True),
        sa.Column("ping_problem", sa.String(length=500), nullable=True),
        sa.Column("pinged_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_deadline_edition_id")),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_deadline_newsletter_id")),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_deadline")),
    )
    with op.batch_alter_table("deadline", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deadline_newsletter_id"), ["newsletter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deadline_ping_due_at"), ["ping_due_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("deadline", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deadline_ping_due_at"))
        batch_op.drop_index(batch_op.f("ix_deadline_newsletter_id"))

    op.drop_table("deadline")
    op.drop_table("workerprocess")
