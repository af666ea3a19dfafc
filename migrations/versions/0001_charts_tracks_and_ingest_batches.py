"""charts, tracks and ingest batches"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ingest_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_batches")),
    )
    op.create_table(
        "regions",
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_regions")),
    )
    op.create_table(
        "tracks",
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("track_name", sa.String(), nullable=True),
        sa.Column("artist", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_tracks")),
    )
    op.create_table(
        "chart_days",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("total_streams", sa.BigInteger(), nullable=False),
        sa.Column("min_streams", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.Double(), nullable=True),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["ingest_batches.id"], name=op.f("fk_chart_days_batch_id_ingest_batches")
        ),
        sa.ForeignKeyConstraint(["region"], ["regions.code"], name=op.f("fk_chart_days_region_regions")),
        sa.PrimaryKeyConstraint("region", "date", name=op.f("pk_chart_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("old_position", sa.Integer(), nullable=False),
        sa.Column("old_streams", sa.BigInteger(), nullable=False),
        sa.Column("new_position", sa.Integer(), nullable=True),
        sa.Column("new_streams", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["ingest_batches.id"], name=op.f("fk_corrections_batch_id_ingest_batches")
        ),
        sa.ForeignKeyConstraint(["region"], ["regions.code"], name=op.f("fk_corrections_region_regions")),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name=op.f("fk_corrections_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index(op.f("ix_corrections_batch_id"), "corrections", ["batch_id"])
    op.create_index(
        op.f("ix_corrections_region_track_id_date"), "corrections", ["region", "track_id", "date"]
    )

    op.create_table(
        "daily_streams",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("streams", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_daily_streams_position_from_one")),
        sa.CheckConstraint("streams >= 0", name=op.f("ck_daily_streams_streams_not_negative")),
        sa.ForeignKeyConstraint(["region"], ["regions.code"], name=op.f("fk_daily_streams_region_regions")),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name=op.f("fk_daily_streams_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint(
            "region",
            "track_id",
            "date",
            name=op.f("pk_daily_streams"),
            postgresql_include=["position", "streams"],
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_daily_streams_region_date_position"), "daily_streams", ["region", "date", "position"]
    )

    op.create_table(
        "ingest_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["ingest_batches.id"], name=op.f("fk_ingest_files_batch_id_ingest_batches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_files")),
    )
    op.create_index(op.f("ix_ingest_files_batch_id"), "ingest_files", ["batch_id"])

    op.create_table(
        "track_metadata",
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("danceability", sa.Double(), nullable=True),
        sa.Column("energy", sa.Double(), nullable=True),
        sa.Column("key", sa.Integer(), nullable=True),
        sa.Column("loudness", sa.Double(), nullable=True),
        sa.Column("mode", sa.Integer(), nullable=True),
        sa.Column("speechiness", sa.Double(), nullable=True),
        sa.Column("acousticness", sa.Double(), nullable=True),
        sa.Column("instrumentalness", sa.Double(), nullable=True),
        sa.Column("liveness", sa.Double(), nullable=True),
        sa.Column("valence", sa.Double(), nullable=True),
        sa.Column("tempo", sa.Double(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("time_signature", sa.Integer(), nullable=True),
        sa.Column("release_date", sa.String(length=10), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name=op.f("fk_track_metadata_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("track_id", name=op.f("pk_track_metadata")),
    )
    op.create_table(
        "track_regions",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("last_streams", sa.BigInteger(), nullable=False),
        sa.Column("observed_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["region"], ["regions.code"], name=op.f("fk_track_regions_region_regions")),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name=op.f("fk_track_regions_track_id_tracks")
        ),
        sa.PrimaryKeyConstraint("region", "track_id", name=op.f("pk_track_regions")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_track_regions_region_last_day_last_streams_track_id"),
        "track_regions",
        ["region", "last_day", "last_streams", "track_id"],
    )
    op.create_index(op.f("ix_track_regions_track_id"), "track_regions", ["track_id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_track_regions_track_id"), table_name="track_regions")
    op.drop_index(op.f("ix_track_regions_region_last_day_last_streams_track_id"), table_name="track_regions")

    op.drop_table("track_regions")
    op.drop_table("track_metadata")
    op.drop_index(op.f("ix_ingest_files_batch_id"), table_name="ingest_files")

    op.drop_table("ingest_files")
    op.drop_index(op.f("ix_daily_streams_region_date_position"), table_name="daily_streams")

    op.drop_table("daily_streams")
    op.drop_index(op.f("ix_corrections_region_track_id_date"), table_name="corrections")
    op.drop_index(op.f("ix_corrections_batch_id"), table_name="corrections")

    op.drop_table("corrections")
    op.drop_table("chart_days")
    op.drop_table("tracks")
    op.drop_table("regions")
    op.drop_table("ingest_batches")
