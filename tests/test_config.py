"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from app.config import Settings

ADDRESS = "postgresql+psycopg://chartcast@postgres/chartcast"


def _read(password_file: Path) -> Settings:
    return Settings(_env_file=None, database_url=ADDRESS, database_password_file=password_file)  # type: ignore[call-arg]


def test_the_password_of_a_file_is_put_into_the_address_whatever_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("a/b@c:d%20é\n")
    url = make_url(_read(path).database_url)
    assert (url.username, url.password, url.host, url.database) == (
        "chartcast",
        "a/b@c:d%20é",
        "postgres",
        "chartcast",
    )


def test_a_password_file_that_is_not_there_is_told_by_its_setting(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="database_password_file"):
        _read(tmp_path / "absent")
