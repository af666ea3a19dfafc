"""tracks by artist"""

from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TRACKS = sa.table("tracks", sa.column("track_id"), sa.column("artist"), sa.column("artist_id"))
_BATCH = 10_000


def upgrade() -> None:
    """Apply."""
    op.add_column("tracks", sa.Column("artist_id", sa.String(length=16), nullable=True))
    _fill()
    op.create_index(op.f("ix_tracks_artist_id"), "tracks", ["artist_id"])


def _fill() -> None:
    connection = op.get_bind()
    named = sa.select(_TRACKS.c.track_id, _TRACKS.c.artist).where(_TRACKS.c.artist.is_not(None))
    found = [{"of": row[0], "new": _artist_id(row[1])} for row in connection.execute(named)]
    update = sa.update(_TRACKS).where(_TRACKS.c.track_id == sa.bindparam("of"))
    for start in range(0, len(found), _BATCH):
        connection.execute(update.values(artist_id=sa.bindparam("new")), found[start : start + _BATCH])


def _artist_id(name: str) -> str | None:
    # As app/forecasting/artists.py has it at this revision: a migration does what it did, whatever comes.
    key = name.split(",")[0].strip().casefold()
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:16] if key else None


def downgrade() -> None:
    """Undo."""
    op.drop_index(op.f("ix_tracks_artist_id"), table_name="tracks")
    op.drop_column("tracks", "artist_id")
