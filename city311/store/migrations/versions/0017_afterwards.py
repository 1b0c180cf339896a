"""What residents say about a request after it was made: at the desk, and that they took it back.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service_requests", sa.Column("withdrawn_at", Instant))
    op.create_table(
        "desk_remarks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("api_key_id", sa.Integer, sa.ForeignKey("api_keys.id"), nullable=False),
        sa.Column("update_id", sa.String(200), nullable=False),
        sa.Column("number", sa.String(20), sa.ForeignKey("desk_requests.number"), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("said_at", Instant, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("media_urls", sa.JSON, nullable=False),
        sa.UniqueConstraint("api_key_id", "update_id"),
    )
    op.create_index("ix_desk_remarks_number", "desk_remarks", ["number"])


def downgrade() -> None:
    op.drop_table("desk_remarks")
    op.drop_column("service_requests", "withdrawn_at")
