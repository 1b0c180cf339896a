"""Phones that web chats have shown to be their residents', the codes by which they do, and room for e-mail addresses.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verified_phones",
        sa.Column("sender", sa.String(80), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("at", Instant, nullable=False),
    )
    op.create_index("verified_phones_number", "verified_phones", ["number"])
    op.create_table(
        "phone_codes",
        sa.Column("sender", sa.String(80), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("until", Instant, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite does not look at lengths
        op.alter_column("correspondents", "number", type_=sa.String(254), existing_type=sa.String(20))


def downgrade() -> None:
    op.drop_table("phone_codes")
    op.drop_table("verified_phones")
