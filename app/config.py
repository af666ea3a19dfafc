"""Every setting of the service, read from the environment (prefix ``CHARTCAST_``) and ``.env``."""

from pathlib import Path
from typing import Self

from pydantic import Field, FilePath, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from app.regions import RegionCode

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample"
SHIPPED_BUNDLES = Path(__file__).resolve().parent / "bundles"


class Settings(BaseSettings):
    """What an operator can set; each field is the environment variable ``CHARTCAST_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="CHARTCAST_", env_file=".env", extra="ignore")

    database_url: str = Field(
        default=f"sqlite:///{ROOT / 'var' / 'chartcast.db'}",
        description="SQLAlchemy address of the store: sqlite:///… or postgresql+psycopg://…",
    )
    database_password_file: FilePath | None = Field(
        default=None, description="A file with the store's password, which then stands in no address."
    )
    models_dir: Path = Field(
        default=ROOT / "var" / "models",
        description="Published bundles, beside those shipped with the package.",
    )
    default_region: RegionCode | None = Field(
        default=None, description="The region a request means when it names none."
    )
    max_body_bytes: int = Field(default=64 * 2**20, gt=0, description="Largest upload as sent.")
    max_unpacked_bytes: int = Field(default=2**30, gt=0, description="Largest upload once unpacked.")
    max_upload_rows: int = Field(default=2_000_000, gt=0, description="Most rows in one upload.")
    max_json_bytes: int = Field(default=8 * 2**20, gt=0, description="Largest JSON body.")

    @model_validator(mode="after")
    def _read_database_password(self) -> Self:
        if self.database_password_file is not None:
            password = self.database_password_file.read_text(encoding="utf-8").strip()
            url = make_url(self.database_url).set(password=password)
            self.database_url = url.render_as_string(hide_password=False)
        return self
