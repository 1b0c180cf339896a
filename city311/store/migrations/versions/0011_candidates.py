"""Candidates for training.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "understanding_candidates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", Instant, nullable=False, index=True),
        sa.Column("language", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("offered", sa.JSON, nullable=False),
        sa.Column("chosen", sa.String(120), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("understanding_candidates")
