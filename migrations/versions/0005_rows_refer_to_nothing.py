"""rows refer to nothing, spans lie in order of arrival

Rows no longer refer to their region and track: an upload locks the one and makes the other before it writes
them, and checking it took PostgreSQL longer than storing them. ``track_regions`` refers to both; in order of
arrival, tracks that chart now stand together, and an upload changes them all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_COLUMNS = "region, track_id, date, position, streams"
_SPAN = "region, track_id, first_day, last_day, last_streams, observed_days"
_REGION = (["region"], ["regions.code"], "fk_{}_region_regions")
_TRACK = (["track_id"], ["tracks.track_id"], "fk_{}_track_id_tracks")


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("fk_daily_streams_region_regions"), "daily_streams")
        op.drop_constraint(op.f("fk_daily_streams_track_id_tracks"), "daily_streams")
        op.drop_index(op.f("ix_track_regions_track_id"), "track_regions")
        _change_key("track_regions", ("track_id", "region"))
        return
    _copy_daily_streams(references=())
    _copy_track_regions(("track_id", "region"), order="first_day, region, track_id", rowid=True)


def downgrade() -> None:
    """Undo."""
    if op.get_bind().dialect.name == "postgresql":
        for here, there, name in (_REGION, _TRACK):
            table, column = there[0].split(".")
            op.create_foreign_key(name.format("daily_streams"), "daily_streams", table, here, [column])
        _change_key("track_regions", ("region", "track_id"))
    else:
        _copy_daily_streams(references=(_REGION, _TRACK))
        _copy_track_regions(("region", "track_id"), order="region, track_id", rowid=False)
    op.create_index(op.f("ix_track_regions_track_id"), "track_regions", ["track_id"])


def _change_key(table: str, key: tuple[str, ...]) -> None:
    op.drop_constraint(op.f(f"pk_{table}"), table)
    op.create_primary_key(op.f(f"pk_{table}"), table, list(key))


def _copy_daily_streams(references: tuple[tuple[list[str], list[str], str], ...]) -> None:
    op.create_table(
        "daily_streams_copy",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("streams", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_daily_streams_position_from_one")),
        sa.CheckConstraint("streams >= 0", name=op.f("ck_daily_streams_streams_not_negative")),
        *_refer("daily_streams", references),
        sa.PrimaryKeyConstraint("region", "track_id", "date", name=op.f("pk_daily_streams")),
        sqlite_with_rowid=False,
    )
    _take_the_place_of("daily_streams", _COLUMNS, order="region, track_id, date")
    op.create_index(
        op.f("ix_daily_streams_region_date_position_streams"),
        "daily_streams",
        ["region", "date", "position", "streams"],
    )


def _copy_track_regions(key: tuple[str, ...], *, order: str, rowid: bool) -> None:
    op.create_table(
        "track_regions_copy",
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("track_id", sa.String(length=22), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("last_streams", sa.BigInteger(), nullable=False),
        sa.Column("observed_days", sa.Integer(), nullable=False),
        *_refer("track_regions", (_REGION, _TRACK)),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_track_regions")),
        sqlite_with_rowid=rowid,
    )
    _take_the_place_of("track_regions", _SPAN, order=order)
    op.create_index(
        op.f("ix_track_regions_region_last_day_last_streams_track_id"),
        "track_regions",
        ["region", "last_day", "last_streams", "track_id"],
    )


def _refer(
    table: str, references: tuple[tuple[list[str], list[str], str], ...]
) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(here, there, name=op.f(name.format(table)))
        for here, there, name in references
    ]


def _take_the_place_of(table: str, columns: str, order: str) -> None:
    op.execute(f"INSERT INTO {table}_copy ({columns}) SELECT {columns} FROM {table} ORDER BY {order}")  # noqa: S608 (names of ours)
    op.drop_table(table)  # its indexes go with it
    op.rename_table(f"{table}_copy", table)
