"""which picture stood for an address in the mail that left"""

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0016"
down_revision: str | None = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("editionpicture") as batch_op:
        batch_op.add_column(sa.Column("picture_id", BIG, nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_editionpicture_picture_id"), "storedpicture", ["picture_id"], ["id"]
        )
        batch_op.create_index("ix_editionpicture_picture_id", ["picture_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("editionpicture") as batch_op:
        batch_op.drop_index("ix_editionpicture_picture_id")
        batch_op.drop_constraint(op.f("fk_editionpicture_picture_id"), type_="foreignkey")
        batch_op.drop_column("picture_id")
