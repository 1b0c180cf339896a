"""Reports to be found by place.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_reports",
        sa.Column("reference", sa.String(200), primary_key=True),
        sa.Column("service_code", sa.String(100), nullable=False),
        sa.Column("cell", sa.BigInteger),
        sa.Column("lat", sa.Float),
        sa.Column("long", sa.Float),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_key", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(40), nullable=False),
        sa.Column("asset", sa.String(80), nullable=False),
        sa.Column("answers", sa.String(200), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("requested_at", Instant, nullable=False),
        sa.Column("closed_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
    )
    for name, column in (
        ("known_reports_cell", "cell"),
        ("known_reports_address", "address_key"),
        ("known_reports_asset", "asset"),
    ):
        op.create_index(name, "known_reports", ["service_code", column, "closed_at", "requested_at"])


def downgrade() -> None:
    op.drop_table("known_reports")
