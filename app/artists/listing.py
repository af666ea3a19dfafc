"""Pages of artists, and all that charts say of one."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection

from app.artists.names import ids_of
from app.artists.schemas import ArtistAnswer, ArtistInRegion, ArtistItem, ArtistPage, TrackOfArtist
from app.cursors import encode_cursor
from app.errors import NotFoundError
from app.forecasting.artists import artist_id, artist_name
from app.repository.artists import (
    ArtistTrack,
    count_artist_days,
    read_artist_tracks,
    read_artists_page,
    read_regions_of_artists,
)
from app.repository.regions import read_codes, resolve_region
from app.tracks.listing import decode_track_key


def build_artist_page(
    connection: Connection, *, text: str | None, region: str | None, limit: int, cursor: str | None
) -> ArtistPage:
    """A page of the artists that have charted, in ``region`` or in any.

    Raises:
        InvalidRequestError: the cursor is none of ours.
        NotFoundError: the region has no charts.
    """
    after = None if cursor is None else decode_track_key(cursor)
    regions = read_codes(connection, region)
    # One more than asked for tells whether there is a next page.
    artists = read_artists_page(connection, regions, text=text, after=after, limit=limit + 1)
    page = artists[:limit]
    regions_of = read_regions_of_artists(connection, [artist.artist_id for artist in page])
    items = [
        ArtistItem(
            artist_id=artist.artist_id,
            artist=artist_name(artist.artist),
            regions=regions_of[artist.artist_id],
            last_observed=artist.last_day,
        )
        for artist in page
    ]
    more = len(artists) > limit
    return ArtistPage(items=items, next_cursor=encode_cursor(*page[-1][:3]) if more else None)


def build_artist(connection: Connection, artist: str, region: str | None) -> ArtistAnswer:
    """All that charts say of an artist, in ``region`` or in all.

    Raises:
        NotFoundError: no chart, or not the region's, has had a track of it.
    """
    code = None if region is None else resolve_region(connection, region, None).code
    tracks = read_artist_tracks(connection, ids_of(artist), code)
    if not tracks:
        where = "No chart" if code is None else f"No chart of region {code}"
        raise NotFoundError(
            f"{where} has had a track of artist {artist[:80]!r}; GET /artists?q= finds those there are."
        )
    days = count_artist_days(connection, ids_of(artist))
    newest = max(tracks, key=lambda track: track.last_day)
    return ArtistAnswer(
        artist_id=artist_id(newest.artist) or "",
        artist=artist_name(newest.artist),
        regions=[
            _build_region(code, days[code], list(of_region))
            for code, of_region in groupby(tracks, key=lambda track: track.region)
        ],
    )


def _build_region(code: str, days: int, tracks: Sequence[ArtistTrack]) -> ArtistInRegion:
    return ArtistInRegion(
        region=code,
        first_day=min(track.first_day for track in tracks),
        last_observed=tracks[0].last_day,
        observed_days=days,
        streams=sum(track.streams for track in tracks),
        tracks=[
            TrackOfArtist(
                track_id=track.track_id,
                track_name=track.track_name,
                first_day=track.first_day,
                last_observed=track.last_day,
                observed_days=track.observed_days,
                streams=track.streams,
            )
            for track in tracks
        ],
    )
