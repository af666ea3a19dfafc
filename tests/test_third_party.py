"""The list of licences is that of what ships."""

import sys

import pytest

from app.config import ROOT
from tests.third_party import build_list


@pytest.mark.skipif(sys.platform != "linux", reason="the list is of the image's packages, which are Linux's")
def test_the_list_of_licences_is_what_the_packages_say() -> None:
    assert (ROOT / "docs" / "third-party.md").read_text(encoding="utf-8") == build_list()
    assert "says none" not in build_list()
