"""pictures of our own, and what documents call them"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "storedpicture",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("extension", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storedpicture")),
        sa.UniqueConstraint("sha256", name=op.f("uq_storedpicture_sha256")),
    )
    op.create_table(
        "pictureaddress",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("picture_id", BIG, nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("fetched_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["storedpicture.id"], name=op.f("fk_pictureaddress_picture_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictureaddress")),
        sa.UniqueConstraint("key", name=op.f("uq_pictureaddress_key")),
    )
    op.create_table(
        "editionpicture",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("address_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_editionpicture_edition_id")),
        sa.ForeignKeyConstraint(
            ["address_id"], ["pictureaddress.id"], name=op.f("fk_editionpicture_address_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editionpicture")),
        sa.UniqueConstraint("edition_id", "address_id", name=op.f("uq_editionpicture_edition_id_address_id")),
    )
    with op.batch_alter_table("pictureaddress") as batch_op:
        batch_op.create_index("ix_pictureaddress_picture_id", ["picture_id"], unique=False)
        batch_op.create_index("ix_pictureaddress_asked_at", ["asked_at"], unique=False)
        batch_op.create_index(
            "ix_pictureaddress_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )
    with op.batch_alter_table("editionpicture") as batch_op:
        batch_op.create_index("ix_editionpicture_address_id", ["address_id"], unique=False)


def downgrade() -> None:
    op.drop_table("editionpicture")
    op.drop_table("pictureaddress")
    op.drop_table("storedpicture")
