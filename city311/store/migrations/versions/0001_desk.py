"""The embedded desk: request numbers, API keys, requests and their history."""

import sqlalchemy as sa
from alembic import op

from city311.store.base import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "request_numbers",
        sa.Column("serial", sa.Integer, sa.Identity(start=10_000), primary_key=True),
        sa.Column("allocated_at", Instant, nullable=False),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('request_numbers', 9999)")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("own_numbers", sa.Boolean, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("revoked_at", Instant),
    )
    op.create_table(
        "desk_requests",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("service_code", sa.String(100), nullable=False, index=True),
        sa.Column("service_name", sa.Text, nullable=False),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("service_notice", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False, index=True),
        sa.Column("state_since", Instant, nullable=False),
        sa.Column("status_notes", sa.Text, nullable=False),
        sa.Column("requested_at", Instant, nullable=False, index=True),
        sa.Column("updated_at", Instant, nullable=False, index=True),
        sa.Column("expected_at", Instant),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("address_id", sa.String(200), nullable=False),
        sa.Column("lat", sa.Float),
        sa.Column("long", sa.Float),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("media_urls", sa.JSON, nullable=False),
        sa.Column("first_name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("api_key_id", sa.Integer, sa.ForeignKey("api_keys.id"), nullable=False),
    )
    op.create_table(
        "desk_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(20), sa.ForeignKey("desk_requests.number"), nullable=False, index=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("desk_notes")
    op.drop_table("desk_requests")
    op.drop_table("api_keys")
    op.drop_table("request_numbers")
