"""issued forecasts"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "issued_forecasts",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("model", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("weights", sa.String(length=16), nullable=False),
        sa.Column("cutoff", sa.Date(), nullable=False),
        sa.Column("forecast", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["region"], ["regions.code"], name=op.f("fk_issued_forecasts_region_regions")
        ),
        sa.PrimaryKeyConstraint(
            "region", "model", "version", "weights", "cutoff", name=op.f("pk_issued_forecasts")
        ),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("issued_forecasts")
