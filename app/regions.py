"""Regions: ``global`` or an ISO 3166-1 alpha-2 code in lower case, from what files and people write."""

from functools import lru_cache
from typing import Annotated

import pycountry
from pydantic import AfterValidator, Field

GLOBAL = "global"
REGION_HELP = "global, or an ISO 3166-1 alpha-2 code such as ph"


@lru_cache(maxsize=1024)
def parse_region(text: str) -> str:
    """Return the region's code.

    Raises:
        ValueError: ``text`` is neither ``global`` nor the code of a country.
    """
    code = text.strip().lower()
    if code == GLOBAL or (len(code) == 2 and pycountry.countries.get(alpha_2=code.upper()) is not None):
        return code
    raise ValueError(f"{text[:40]!r} is not a region; send {REGION_HELP}")


RegionCode = Annotated[
    str, AfterValidator(parse_region), Field(description=REGION_HELP, examples=["ph", "global"])
]
