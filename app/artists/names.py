"""Artists in the forms people name them."""

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field

from app.forecasting.artists import artist_id
from app.tracks.features import parse_name

ARTIST_HELP = (
    "An artist's name in any case (of several with commas between, the first), or its artist_id. Charts "
    "carry names alone: two artists of one name are one here, and a comma ends a name."
)
_ID = re.compile("[0-9a-f]{16}")


def parse_artist(text: str) -> str:
    """Return the name or id without the blanks around it.

    Raises:
        ValueError: it names nobody.
    """
    name = parse_name(text)
    if name is None or artist_id(name) is None:
        raise ValueError("names no artist; send a name or an artist_id as GET /artists gives it")
    return name


def ids_of(artist: str) -> Collection[str]:
    """The ids that a name or an id can mean: of the name, and itself where it looks like one."""
    of_name = artist_id(artist)
    ids = [] if of_name is None else [of_name]
    return [*ids, artist] if _ID.fullmatch(artist) else ids


ArtistName = Annotated[
    str, Field(min_length=1, max_length=500, description=ARTIST_HELP), AfterValidator(parse_artist)
]
