"""Photos of earlier reports, shown to one resident each; no camera's position stays with a filed photo.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shown_photos",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("photo", sa.String(32), nullable=False),
        sa.Column("viewer", sa.String(80), nullable=False),
        sa.Column("shown_at", Instant, nullable=False),
    )
    op.create_index("shown_photos_once", "shown_photos", ["photo", "viewer"], unique=True)
    op.create_index("ix_shown_photos_shown_at", "shown_photos", ["shown_at"])
    op.execute("UPDATE photos SET lat = NULL, lon = NULL WHERE number IS NOT NULL")


def downgrade() -> None:
    op.drop_table("shown_photos")
