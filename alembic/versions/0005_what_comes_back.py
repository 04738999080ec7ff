"""what comes back"""

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bounce",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("mail_id", BIG, nullable=True),
        sa.Column(
            "form",
            sa.Enum("dsn", "arf", "text", "letter", "event", name="form", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "permanent",
                "strike",
                "transient",
                "sender",
                "complaint",
                "unsubscribe",
                "auto-reply",
                "delay",
                "not-a-report",
                name="kind",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("rule", sa.String(length=60), nullable=False),
        sa.Column("rule_source", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column("feedback", sa.String(length=24), nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("edition_id", BIG, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("notice_id", BIG, nullable=True),
        sa.Column("subscriber_id", BIG, nullable=True),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("domain", sa.String(length=254), nullable=False),
        sa.Column("matched", sa.String(length=24), nullable=False),
        sa.Column(
            "action",
            sa.Enum(
                "none",
                "suppressed",
                "struck",
                "waits",
                "held",
                "dismissed",
                "ended",
                "alarmed",
                "known",
                "unmatched",
                name="action",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("suppression_id", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("event", name=op.f("uq_bounce_event")),
        sa.UniqueConstraint("uid", name=op.f("uq_bounce_uid")),
    )
    with op.batch_alter_table("bounce", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bounce_at"), ["at"], unique=False)
        batch_op.create_index("ix_bounce_edition", ["edition_id", "words"], unique=False)
        batch_op.create_index(batch_op.f("ix_bounce_mail_id"), ["mail_id"], unique=False)
        batch_op.create_index("ix_bounce_subscriber", ["subscriber_id"], unique=False)

    op.create_table(
        "bounced",
        sa.Column("edition_id", BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("edition_id", "number", name=op.f("pk_bounced")),
    )
    op.create_table(
        "bouncewave",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("words", sa.String(length=200), nullable=False),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column(
            "state",
            sa.Enum("held", "suppressed", "dismissed", name="wavestate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bouncewave")),
        sa.UniqueConstraint("edition_id", "words", name=op.f("uq_bouncewave_edition_id_words")),
        sa.UniqueConstraint("uid", name=op.f("uq_bouncewave_uid")),
    )
    with op.batch_alter_table("bouncewave", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bouncewave_state"), ["state"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls", sa.String(length=24), nullable=False),
        sa.Column("user", sa.String(length=250), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column("has_token", sa.Boolean(), nullable=False),
        sa.Column("secret_box", sa.Text(), nullable=False),
        sa.Column("deletes", sa.Boolean(), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("problem_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("uid", name=op.f("uq_inbox_uid")),
    )
    op.create_table(
        "returnedmail",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("rcpt_to", sa.String(length=320), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("came_at", UtcDateTime(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "handled",
                "to read",
                "read",
                "forged",
                name="mailstate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returnedmail")),
        sa.UniqueConstraint("key", name=op.f("uq_returnedmail_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_returnedmail_uid")),
    )
    with op.batch_alter_table("returnedmail", schema=None) as batch_op:
        batch_op.create_index("ix_returnedmail_state", ["state", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("returnedmail", schema=None) as batch_op:
        batch_op.drop_index("ix_returnedmail_state")

    op.drop_table("returnedmail")
    op.drop_table("inbox")
    with op.batch_alter_table("bouncewave", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bouncewave_state"))

    op.drop_table("bouncewave")
    op.drop_table("bounced")
    with op.batch_alter_table("bounce", schema=None) as batch_op:
        batch_op.drop_index("ix_bounce_subscriber")
        batch_op.drop_index(batch_op.f("ix_bounce_mail_id"))
        batch_op.drop_index("ix_bounce_edition")
        batch_op.drop_index(batch_op.f("ix_bounce_at"))

    op.drop_table("bounce")
