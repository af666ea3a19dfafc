"""What PostgreSQL plans its queries by."""

from sqlalchemy import Connection

MANY = 2_000  # rows: ten charts
_ANALYZE = "ANALYZE regions, tracks, track_regions, chart_days, daily_streams"


def refresh_statistics(connection: Connection, inserted: int) -> None:
    """Have PostgreSQL look at the tables anew where an upload inserted so many rows that they changed much.

    It does so by itself within a minute or two. Until then it takes a region's charts for a handful of rows,
    and reads all of them for the days of one track.
    """
    if inserted >= MANY and connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_ANALYZE)
