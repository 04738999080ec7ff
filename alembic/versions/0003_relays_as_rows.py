"""relays as rows: where they are, what they are for, and since when one is out of reach"""

import uuid

import sqlalchemy as sa
from alembic import op

from service.database import UtcDateTime
from service.tokens import new_uid

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

FILLED = {
    "profile": (sa.String(length=40), "generic"),
    "host": (sa.String(length=253), ""),
    "port": (sa.Integer(), 0),
    "tls": (sa.String(length=24), "required"),
    "role": (sa.String(length=24), "off"),
    "is_from_setting": (sa.Boolean(), False),
}
EMPTY = {
    "user": sa.String(length=250),
    "password_box": sa.Text(),
    "connections": sa.Integer(),
    "down_since": UtcDateTime(),
    "handed_over_at": UtcDateTime(),
    "returned_at": UtcDateTime(),
}
UID = "uq_relay_uid"


def upgrade() -> None:
    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.add_column(sa.Column("uid", sa.Uuid(), nullable=True))
        for name, (kind, _) in FILLED.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        for name, kind in EMPTY.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))

    relay = sa.table(
        "relay",
        sa.column("id", sa.BigInteger),
        sa.column("uid", sa.Uuid),
        *(sa.column(name, kind) for name, (kind, _) in FILLED.items()),
    )
    values = {name: value for name, (_, value) in FILLED.items()}
    for key in op.get_bind().execute(sa.select(relay.c.id)).scalars().all():
        made: uuid.UUID = new_uid()
        op.execute(sa.update(relay).where(relay.c.id == key).values(uid=made, **values))

    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.alter_column("uid", existing_type=sa.Uuid(), nullable=False)
        for name, (kind, _) in FILLED.items():
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_unique_constraint(UID, ["uid"])


def downgrade() -> None:
    with op.batch_alter_table("relay", schema=None) as batch_op:
        batch_op.drop_constraint(UID, type_="unique")
        for name in ("uid", *FILLED, *EMPTY):
            batch_op.drop_column(name)
