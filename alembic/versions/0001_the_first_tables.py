"""the first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from service.database import UtcDateTime

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("address_key", name=op.f("uq_account_address_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_account_uid")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_api_key_uid")),
    )
    op.create_table(
        "caughtmessage",
        sa.Column("id", BIG, nullable=False),
        sa.Column("caught_at", UtcDateTime(), nullable=False),
        sa.Column("mail_from", sa.String(length=320), nullable=False),
        sa.Column("rcpt_to", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.String(length=1000), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caughtmessage")),
    )
    with op.batch_alter_table("caughtmessage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_caughtmessage_rcpt_to"), ["rcpt_to"], unique=False)

    op.create_table(
        "cooldown",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("window_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_cooldown")),
    )
    op.create_table(
        "delivery",
        sa.Column("edition_id", BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "deferred",
                "uncertain",
                "accepted",
                "refused",
                "expired",
                "skipped",
                "cancelled",
                "held",
                name="deliverystate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempts_before", sa.Integer(), nullable=False),
        sa.Column("uncertain_count", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("reply", sa.String(length=500), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("pins", JSON, nullable=True),
        sa.PrimaryKeyConstraint("edition_id", "number", name=op.f("pk_delivery")),
        sa.UniqueConstraint("edition_id", "subscriber_id", name=op.f("uq_delivery_edition_id_subscriber_id")),
        postgresql_partition_by="RANGE (edition_id)",
    )
    op.create_table(
        "event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("subject_uid", sa.Uuid(), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("uid", name=op.f("uq_event_uid")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_at"), ["at"], unique=False)
        batch_op.create_index("ix_event_subject", ["subject", "subject_uid"], unique=False)

    op.create_table(
        "newsletter",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("from_name", sa.String(length=120), nullable=False),
        sa.Column("from_address", sa.String(length=254), nullable=False),
        sa.Column("reply_to", sa.String(length=254), nullable=True),
        sa.Column("list_id", sa.String(length=255), nullable=False),
        sa.Column("postal_address", sa.String(length=500), nullable=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("consent_wording", sa.String(length=1000), nullable=False),
        sa.Column("staff", JSON, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column(
            "uncertain_policy",
            sa.Enum("repeat_once", "hold", name="uncertainpolicy", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("lateness_minutes", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter")),
        sa.UniqueConstraint("slug", name=op.f("uq_newsletter_slug")),
        sa.UniqueConstraint("uid", name=op.f("uq_newsletter_uid")),
    )
    op.create_table(
        "notice",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("subject_id", BIG, nullable=True),
        sa.Column("payload", JSON, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "accepted",
                "refused",
                "expired",
                "held",
                name="noticestate",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("give_up_at", UtcDateTime(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", UtcDateTime(), nullable=True),
        sa.Column("is_in_flight", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("uncertain_count", sa.Integer(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("reply", sa.String(length=500), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("uid", name=op.f("uq_notice_uid")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index("ix_notice_due", ["due_at"], unique=False)

    op.create_table(
        "relay",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("wait_until", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relay")),
        sa.UniqueConstraint("name", name=op.f("uq_relay_name")),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=320), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("address_key", name=op.f("uq_subscriber_address_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_subscriber_uid")),
    )
    with op.batch_alter_table("subscriber", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_subscriber_address_hash"), ["address_hash"], unique=False)

    op.create_table(
        "suppression",
        sa.Column("id", BIG, nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column(
            "reason",
            sa.Enum("bounce", "complaint", "request", "manual", name="reason", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("evidence", sa.String(length=1000), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_because", sa.String(length=500), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suppression_address_hash"), ["address_hash"], unique=False)
        batch_op.create_index(
            "uq_suppression_in_force",
            ["address_hash"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.create_table(
        "article",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("url_key", sa.String(length=64), nullable=True),
        sa.Column(
            "source",
            sa.Enum("page", "feed", "markdown", "api", name="source", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("headline", sa.String(length=300), nullable=False),
        sa.Column("deck", sa.String(length=1000), nullable=False),
        sa.Column("byline", sa.String(length=200), nullable=False),
        sa.Column("section", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("body_markdown", sa.Text(), nullable=False),
        sa.Column("picture", JSON, nullable=True),
        sa.Column("key_graphs", JSON, nullable=False),
        sa.Column("late_updates", JSON, nullable=False),
        sa.Column("documents", JSON, nullable=False),
        sa.Column("comment_count", sa.Integer(), nullable=True),
        sa.Column("comments_url", sa.String(length=2000), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("date_was_readable", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_article_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("uid", name=op.f("uq_article_uid")),
        sa.UniqueConstraint("newsletter_id", "url_key", name=op.f("uq_article_newsletter_id_url_key")),
    )
    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_article_published_at"), ["published_at"], unique=False)

    op.create_table(
        "cadence",
        sa.Column("id", BIG, nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.String(length=40), nullable=False),
        sa.Column("local_time", sa.Time(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("next_date", sa.Date(), nullable=False),
        sa.Column("next_run_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_cadence_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cadence")),
        sa.UniqueConstraint("newsletter_id", "slot", name=op.f("uq_cadence_newsletter_id_slot")),
    )
    with op.batch_alter_table("cadence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cadence_next_run_at"), ["next_run_at"], unique=False)

    op.create_table(
        "desksession",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_desksession_account_id")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_desksession")),
    )
    with op.batch_alter_table("desksession", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desksession_account_id"), ["account_id"], unique=False)

    op.create_table(
        "edition",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "scheduled",
                "sending",
                "sent",
                "paused",
                "cancelled",
                name="state",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("is_automatic", sa.Boolean(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("scheduled_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("missing_count", sa.Integer(), nullable=False),
        sa.Column("stop_reason", sa.String(length=500), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_edition_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint(
            "newsletter_id", "local_date", "slot", name=op.f("uq_edition_newsletter_id_local_date_slot")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_edition_uid")),
    )
    with op.batch_alter_table("edition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edition_scheduled_at"), ["scheduled_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_edition_state"), ["state"], unique=False)

    op.create_table(
        "feed",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("etag", sa.String(length=500), nullable=True),
        sa.Column("last_modified", sa.String(length=100), nullable=True),
        sa.Column("next_poll_at", UtcDateTime(), nullable=False),
        sa.Column("polled_at", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_feed_newsletter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("uid", name=op.f("uq_feed_uid")),
    )
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feed_newsletter_id"), ["newsletter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_feed_next_poll_at"), ["next_poll_at"], unique=False)

    op.create_table(
        "keptreply",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key_id", BIG, nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_key.id"], name=op.f("fk_keptreply_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keptreply")),
        sa.UniqueConstraint("key_id", "idempotency_key", name=op.f("uq_keptreply_key_id_idempotency_key")),
    )
    with op.batch_alter_table("keptreply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_keptreply_created_at"), ["created_at"], unique=False)

    op.create_table(
        "subscription",
        sa.Column("id", BIG, nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("subscriber_id", BIG, nullable=False),
        sa.Column(
            "state",
            sa.Enum("pending", "active", "ended", name="state", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("confirmed_revision", sa.Integer(), nullable=True),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletter.id"], name=op.f("fk_subscription_newsletter_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscription_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint(
            "newsletter_id", "subscriber_id", name=op.f("uq_subscription_newsletter_id_subscriber_id")
        ),
        sa.UniqueConstraint("uid", name=op.f("uq_subscription_uid")),
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(
            "ix_subscription_audience", ["newsletter_id", "state", "subscriber_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_subscription_subscriber_id"), ["subscriber_id"], unique=False)

    op.create_table(
        "consentevent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("subscription_id", BIG, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "requested",
                "confirmed",
                "added",
                "unsubscribed",
                name="consentkind",
                native_enum=False,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("page", sa.String(length=1000), nullable=False),
        sa.Column("wording", sa.String(length=1000), nullable=False),
        sa.Column("wording_version", sa.String(length=16), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_consentevent_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consentevent")),
    )
    with op.batch_alter_table("consentevent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consentevent_subscription_id"), ["subscription_id"], unique=False
        )

    op.create_table(
        "feedidentity",
        sa.Column("id", BIG, nullable=False),
        sa.Column("feed_id", BIG, nullable=False),
        sa.Column("identity", sa.String(length=80), nullable=False),
        sa.Column("article_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_feedidentity_article_id")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_feedidentity_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedidentity")),
        sa.UniqueConstraint("feed_id", "identity", name=op.f("uq_feedidentity_feed_id_identity")),
    )
    op.create_table(
        "occurrence",
        sa.Column("id", BIG, nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column(
            "fate",
            sa.Enum("edition", "skipped", "missed", name="fate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("edition_id", BIG, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_occurrence_edition_id")),
        sa.ForeignKeyConstraint(
            ["newsletter_id"], ["newsletter.id"], name=op.f("fk_occurrence_newsletter_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occurrence")),
        sa.UniqueConstraint(
            "newsletter_id", "local_date", "slot", name=op.f("uq_occurrence_newsletter_id_local_date_slot")
        ),
    )
    op.create_table(
        "run",
        sa.Column("edition_id", BIG, autoincrement=False, nullable=False),
        sa.Column("newsletter_id", BIG, nullable=False),
        sa.Column("cutoff_at", UtcDateTime(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.Column("span_size", sa.Integer(), nullable=False),
        sa.Column("is_fanned_out", sa.Boolean(), nullable=False),
        sa.Column("fanned_at", UtcDateTime(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("stopped", sa.String(length=24), nullable=True),
        sa.Column("stop_reason", sa.String(length=500), nullable=True),
        sa.Column("wave", sa.String(length=200), nullable=True),
        sa.Column("holds_uncertain", sa.Boolean(), nullable=False),
        sa.Column(
            "lane",
            sa.Enum("breaking", "scheduled", name="lane", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("give_up_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("reopening", sa.String(length=24), nullable=True),
        sa.Column("reopened_from", sa.Integer(), nullable=False),
        sa.Column("reopened_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_run_edition_id")),
        sa.ForeignKeyConstraint(["newsletter_id"], ["newsletter.id"], name=op.f("fk_run_newsletter_id")),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_run")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_ended_at"), ["ended_at"], unique=False)

    op.create_table(
        "version",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_version_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sa.UniqueConstraint("edition_id", "number", name=op.f("uq_version_edition_id_number")),
    )
    op.create_table(
        "rendition",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("version_id", BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("html_octets", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_rendition_edition_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_rendition_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rendition")),
    )
    with op.batch_alter_table("rendition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rendition_edition_id"), ["edition_id"], unique=False)

    op.create_table(
        "span",
        sa.Column("id", BIG, nullable=False),
        sa.Column("edition_id", BIG, nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column(
            "lane",
            sa.Enum("breaking", "scheduled", name="lane", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", UtcDateTime(), nullable=True),
        sa.Column("holder", sa.String(length=80), nullable=True),
        sa.Column("in_flight", JSON, nullable=False),
        sa.Column("pins", JSON, nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("first_accepted_at", UtcDateTime(), nullable=True),
        sa.Column("last_accepted_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["run.edition_id"], name=op.f("fk_span_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_span")),
    )
    with op.batch_alter_table("span", schema=None) as batch_op:
        batch_op.create_index("ix_span_due", ["due_at"], unique=False)
        batch_op.create_index("ix_span_edition", ["edition_id", "first"], unique=False)

    op.create_table(
        "versionitem",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version_id", BIG, nullable=False),
        sa.Column("article_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_versionitem_article_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_versionitem_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versionitem")),
        sa.UniqueConstraint("version_id", "article_id", name=op.f("uq_versionitem_version_id_article_id")),
    )
    with op.batch_alter_table("versionitem", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_versionitem_article_id"), ["article_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("versionitem", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_versionitem_article_id"))

    op.drop_table("versionitem")
    with op.batch_alter_table("span", schema=None) as batch_op:
        batch_op.drop_index("ix_span_edition")
        batch_op.drop_index("ix_span_due")

    op.drop_table("span")
    with op.batch_alter_table("rendition", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rendition_edition_id"))

    op.drop_table("rendition")
    op.drop_table("version")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_ended_at"))

    op.drop_table("run")
    op.drop_table("occurrence")
    op.drop_table("feedidentity")
    with op.batch_alter_table("consentevent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consentevent_subscription_id"))

    op.drop_table("consentevent")
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscription_subscriber_id"))
        batch_op.drop_index("ix_subscription_audience")

    op.drop_table("subscription")
    with op.batch_alter_table("keptreply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_keptreply_created_at"))

    op.drop_table("keptreply")
    with op.batch_alter_table("feed", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feed_next_poll_at"))
        batch_op.drop_index(batch_op.f("ix_feed_newsletter_id"))

    op.drop_table("feed")
    with op.batch_alter_table("edition", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_edition_state"))
        batch_op.drop_index(batch_op.f("ix_edition_scheduled_at"))

    op.drop_table("edition")
    with op.batch_alter_table("desksession", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desksession_account_id"))

    op.drop_table("desksession")
    with op.batch_alter_table("cadence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cadence_next_run_at"))

    op.drop_table("cadence")
    with op.batch_alter_table("article", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_article_published_at"))

    op.drop_table("article")
    with op.batch_alter_table("suppression", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_suppression_in_force",
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_suppression_address_hash"))

    op.drop_table("suppression")
    with op.batch_alter_table("subscriber", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscriber_address_hash"))

    op.drop_table("subscriber")
    op.drop_table("relay")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_due")

    op.drop_table("notice")
    op.drop_table("newsletter")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index("ix_event_subject")
        batch_op.drop_index(batch_op.f("ix_event_at"))

    op.drop_table("event")
    op.drop_table("delivery")
    op.drop_table("cooldown")
    with op.batch_alter_table("caughtmessage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_caughtmessage_rcpt_to"))

    op.drop_table("caughtmessage")
    op.drop_table("api_key")
    op.drop_table("account")
