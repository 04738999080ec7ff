"""what relays tell over the web"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)
KINDS = (
    "permanent",
    "strike",
    "transient",
    "sender",
    "complaint",
    "unsubscribe",
    "auto-reply",
    "delay",
    "not-a-report",
)
revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "relayhook",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("relay_id", BIG, nullable=False),
        sa.Column("format", sa.String(length=24), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("former_hash", sa.String(length=64), nullable=True),
        sa.Column("former_until", UtcDateTime(), nullable=True),
        sa.Column("key_box", sa.Text(), nullable=True),
        sa.Column("topic", sa.String(length=320), nullable=True),
        sa.Column("invited_topic", sa.String(length=320), nullable=True),
        sa.Column("invited_url", sa.Text(), nullable=True),
        sa.Column("invited_at", UtcDateTime(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.Column("troubles", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["relay_id"], ["relay.id"], name=op.f("fk_relayhook_relay_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relayhook")),
        sa.UniqueConstraint("relay_id", name=op.f("uq_relayhook_relay_id")),
        sa.UniqueConstraint("uid", name=op.f("uq_relayhook_uid")),
    )
    op.create_table(
        "relayevent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hook_id", BIG, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("once", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="kind", native_enum=False, length=24), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=True),
        sa.Column("number", sa.String(length=250), nullable=False),
        sa.Column("finding", JSON, nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["relayhook.id"], name=op.f("fk_relayevent_hook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relayevent")),
        sa.UniqueConstraint("hook_id", "key", name=op.f("uq_relayevent_hook_id_key")),
    )
    with op.batch_alter_table("relayevent", schema=None) as batch_op:
        batch_op.create_index(
            "ix_relayevent_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )
        batch_op.create_index("ix_relayevent_received_at", ["received_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("relayevent", schema=None) as batch_op:
        batch_op.drop_index("ix_relayevent_received_at")
        batch_op.drop_index(
            "ix_relayevent_waiting",
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        )

    op.drop_table("relayevent")
    op.drop_table("relayhook")
