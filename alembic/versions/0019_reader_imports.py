"""reader lists that are brought in from files"""

import sqlalchemy as sa
from alembic import op

from service.database import Json, UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0019"
down_revision: str | None = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "readerimport",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("layout", Json, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("brought_by", sa.String(length=200), nullable=False),
        sa.Column("attested_by", sa.String(length=200), nullable=True),
        sa.Column("consent", sa.String(length=1000), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("problems", Json, nullable=False),
        sa.Column("problem_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletter.id"], name=op.f("fk_readerimport_newsletter_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readerimport")),
        sa.UniqueConstraint("uid", name=op.f("uq_readerimport_uid")),
    )
    op.create_table(
        "importfile",
        sa.Column("import_id", BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("look", Json, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["readerimport.id"], name=op.f("fk_importfile_import_id")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_importfile")),
    )
    with op.batch_alter_table("readerimport") as batch_op:
        batch_op.create_index("ix_readerimport_newsletter_id", ["newsletter_id"], unique=False)
        batch_op.create_index(
            "ix_readerimport_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_table("importfile")
    op.drop_table("readerimport")
