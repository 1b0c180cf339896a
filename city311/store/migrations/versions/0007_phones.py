"""Phones: who writes, what they agreed to, what is on its way to them, what they attached.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    op.create_table(
        "correspondents",
        sa.Column("sender", sa.String(80), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("line", sa.String(80), nullable=False),
        sa.Column("first_at", Instant(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
    )
    op.create_index("correspondents_number", "correspondents", ["number"])
    op.create_table(
        "consents",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sender", sa.String(80), sa.ForeignKey("correspondents.sender"), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("how", sa.String(40), nullable=False),
        sa.Column("source", sa.String(80), nullable=False, unique=True),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("consents_sender", "consents", ["sender", "id"])
    op.create_table(
        "outgoing_messages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("sender", sa.String(80), sa.ForeignKey("correspondents.sender"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(128), nullable=True),
        sa.Column("not_before", Instant(), nullable=False),
        sa.Column("maybe_sent_at", Instant(), nullable=True),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("fate", sa.String(24), nullable=False),
        sa.Column("page", sa.String(48), nullable=True, unique=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
    )
    op.create_index(
        "outgoing_open", "outgoing_messages", ["sender", "kind", "id"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_index("outgoing_state", "outgoing_messages", ["state", "id"])
    op.create_index("ix_outgoing_messages_provider_id", "outgoing_messages", ["provider_id"])
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("sender", sa.String(80), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(100), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("photo", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
    )
    op.create_index("ix_attachments_sender", "attachments", ["sender"])


def downgrade() -> None:
    op.drop_table("attachments")
    op.drop_table("outgoing_messages")
    op.drop_table("consents")
    op.drop_table("correspondents")
