"""Regions by code and by a country's name."""

import pycountry
import pytest

from app.regions import parse_region, parse_region_name


def test_every_country_is_found_by_its_code_and_its_name() -> None:
    for country in pycountry.countries:
        assert parse_region(country.alpha_2) == country.alpha_2.lower()
        assert parse_region_name(country.name) == country.alpha_2.lower()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Global", "global"),
        ("Bolivia", "bo"),
        ("Czech Republic", "cz"),
        ("Hong Kong", "hk"),
        ("Russia", "ru"),
        ("South Korea", "kr"),
        ("Taiwan", "tw"),
        ("Turkey", "tr"),
        ("United Arab Emirates", "ae"),
        ("United Kingdom", "gb"),
        ("United States", "us"),
        ("Vietnam", "vn"),
        (" philippines ", "ph"),
        ("ph", "ph"),
    ],
)
def test_publishers_spellings_are_known(name: str, code: str) -> None:
    assert parse_region_name(name) == code


@pytest.mark.parametrize("text", ["", "zz", "Atlantis", "p", "phl", "ＰＨ", "ſt", "ıt"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a region"):
        parse_region_name(text)
