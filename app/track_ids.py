"""Track ids in the forms people paste them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.convertors import StringConvertor, register_url_convertor

_FORMS = re.compile(
    r"(?:spotify:track:|https?://open\.spotify\.com/(?:intl-[a-z-]+/)?track/)?([0-9A-Za-z]{22})/?(?:[?#].*)?"
)
# For documents of the API: as the form above, without the blanks around it that are forgiven.
_PATTERN = r"^(spotify:track:|https?://open\.spotify\.com/(intl-[a-z-]+/)?track/)?[0-9A-Za-z]{22}/?([?#].*)?$"
TRACK_ID_HELP = "a 22-character Spotify track id, spotify:track:<id> or https://open.spotify.com/track/<id>"


class TrackConvertor(StringConvertor):
    """For ``{track_id:track}`` in a route: a segment of the path, or a track's address, which has five."""

    regex = r"(?:https?://open\.spotify\.com/(?:intl-[a-z-]+/)?track/)?[^/]+"


register_url_convertor("track", TrackConvertor())


def parse_track_id(text: str) -> str:
    """Return the bare 22-character id.

    Raises:
        ValueError: ``text`` names no track.
    """
    match = _FORMS.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:80]!r} is not a track id; send {TRACK_ID_HELP}")
    return match[1]


TrackId = Annotated[
    str,
    AfterValidator(parse_track_id),
    Field(
        description=TRACK_ID_HELP,
        examples=["4umIPjkehX1r7uhmGvXiSV"],
        json_schema_extra={"pattern": _PATTERN},
    ),
]
