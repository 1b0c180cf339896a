"""When a conversation was erased.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("ended_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("conversations", "ended_at")
