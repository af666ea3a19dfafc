"""versions of what regions share

An upload to one region, or metadata, may say who a track's artist is; forecasts of other regions go by that
too, and the version of a region counts its own charts alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply."""
    table = op.create_table(
        "shared_versions",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shared_versions")),
    )
    op.bulk_insert(table, [{"name": "artists", "version": 0}])


def downgrade() -> None:
    """Undo."""
    op.drop_table("shared_versions")
