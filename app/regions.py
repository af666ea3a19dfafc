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
    # In ASCII alone: some other letters, a long s say, have an ASCII upper case.
    country = code.isascii() and len(code) == 2 and pycountry.countries.get(alpha_2=code.upper())
    if code == GLOBAL or country:
        return code
    raise ValueError(f"{text[:40]!r} is not a region; send {REGION_HELP}")


# What publishers write and the ISO list (in any of its names) does not.
_SPELLINGS = {
    "bolivia": "bo",
    "brunei": "bn",
    "cape verde": "cv",
    "czech republic": "cz",
    "hong kong": "hk",
    "ivory coast": "ci",
    "macedonia": "mk",
    "moldova": "md",
    "palestine": "ps",
    "russia": "ru",
    "south korea": "kr",
    "swaziland": "sz",
    "taiwan": "tw",
    "tanzania": "tz",
    "turkey": "tr",
    "uae": "ae",
    "uk": "gb",
    "usa": "us",
    "venezuela": "ve",
    "vietnam": "vn",
}


@lru_cache(maxsize=1024)
def parse_region_name(text: str) -> str:
    """Return the code of a region written as its code or as a country's full name in English.

    Raises:
        ValueError: ``text`` is neither.
    """
    code = _codes_by_name().get(text.strip().casefold())
    return code if code is not None else parse_region(text)


@lru_cache(maxsize=1)
def _codes_by_name() -> dict[str, str]:
    forms = ("name", "common_name", "official_name")
    named = {
        getattr(country, form).casefold(): country.alpha_2.lower()
        for country in pycountry.countries
        for form in forms
        if hasattr(country, form)
    }
    return named | _SPELLINGS


RegionCode = Annotated[
    str,
    AfterValidator(parse_region),
    Field(
        description=REGION_HELP,
        examples=["ph", "global"],
        json_schema_extra={"pattern": "^(global|[a-z]{2})$"},  # documented; other cases are forgiven
    ),
]
