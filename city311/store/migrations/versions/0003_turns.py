"""Turns of residents and the conversations that keep them in order.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("sender", sa.String(80), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", Instant(), nullable=False),
        sa.Column("lease", sa.String(32), nullable=True),
        sa.Column("leased_until", Instant(), nullable=True),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("sender", sa.String(80), sa.ForeignKey("conversations.sender"), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.UniqueConstraint("sender", "client_id", name="turns_once"),
        sa.UniqueConstraint("sender", "seq", name="turns_order"),
    )
    op.create_index(
        "turns_waiting",
        "turns",
        ["sender", "seq"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    op.drop_table("turns")
    op.drop_table("conversations")
