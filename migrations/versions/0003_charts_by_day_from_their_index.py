"""charts by day from their index"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        op.f("ix_daily_streams_region_date_position_streams"),
        "daily_streams",
        ["region", "date", "position", "streams"],
    )
    op.drop_index(op.f("ix_daily_streams_region_date_position"), table_name="daily_streams")
    op.create_index(op.f("ix_issued_forecasts_region_cutoff"), "issued_forecasts", ["region", "cutoff"])


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_issued_forecasts_region_cutoff"), table_name="issued_forecasts")
    op.create_index(
        op.f("ix_daily_streams_region_date_position"), "daily_streams", ["region", "date", "position"]
    )
    op.drop_index(op.f("ix_daily_streams_region_date_position_streams"), table_name="daily_streams")
