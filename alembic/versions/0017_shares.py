"""links that show an edition to colleagues for some hours"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0017"
down_revision: str | None = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "share",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_share_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
        sa.UniqueConstraint("uid", name=op.f("uq_share_uid")),
    )
    op.create_index(op.f("ix_share_edition_id"), "share", ["edition_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_share_edition_id"), table_name="share")
    op.drop_table("share")
