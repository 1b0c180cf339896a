"""Who follows which report.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "follows",
        sa.Column("reference", sa.String(200), primary_key=True),
        sa.Column("follower", sa.String(200), primary_key=True),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("ended_at", Instant),
    )
    op.create_index("follows_follower", "follows", ["follower", "since"])


def downgrade() -> None:
    op.drop_table("follows")
