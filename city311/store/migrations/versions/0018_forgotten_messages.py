"""Messages from phones whose turns were deleted by age.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "forgotten_messages",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("at", Instant, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("forgotten_messages")
