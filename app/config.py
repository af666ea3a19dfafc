"""Every setting of the service, read from the environment (prefix ``CHARTCAST_``) and ``.env``."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, FilePath, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.observability.logs import LogFormat, LogLevel
from app.regions import RegionCode

_ORIGIN = re.compile(r"https?://[^/\s@?#*]+")
ROOT = Path(__file__).resolve().parent.parent
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
SAMPLE = ROOT / "data" / "sample"
SHIPPED_BUNDLES = Path(__file__).resolve().parent / "bundles"


class Settings(BaseSettings):
    """What an operator can set; each field is the environment variable ``CHARTCAST_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="CHARTCAST_",
        env_file=".env",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    database_url: str = Field(
        default=f"sqlite:///{ROOT / 'var' / 'chartcast.db'}",
        repr=False,  # it may hold a password
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
    rate_limit: int = Field(default=30_000, ge=0, description="Requests a minute of one key; 0 for no limit.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins whose pages may ask, as https://example.org, by commas; * for all."
    )
    docs: bool = Field(default=True, description="Whether /docs, /redoc and /openapi.json are there.")
    log_level: LogLevel = Field(default="info", description="The least of the lines that are written.")
    log_format: LogFormat = Field(
        default="auto", description="json, or text; auto: text where stderr is a terminal."
    )
    log_all_requests: bool = Field(
        default=False, description="A line for every request, not for failed and slow ones alone."
    )
    log_slow_seconds: float = Field(default=1.0, gt=0, description="From when on a request is a slow one.")
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",  # its name in every service
        description="The collector that traces are sent to; none: nothing is traced.",
    )

    @field_validator("database_url")
    @classmethod
    def _refuse_what_is_no_store(cls, address: str) -> str:
        try:  # not a word of the address is told: it may hold a password
            known = make_url(address).drivername in DRIVERS
        except ArgumentError:
            known = False
        if not known:
            raise ValueError(
                "no address of a store; write sqlite:///<file> or postgresql+psycopg://<user>@<host>/<name>"
            )
        return address

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("cors_origins")
    @classmethod
    def _refuse_what_is_no_origin(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # A browser sends scheme, host and port; with anything more, the setting would never match.
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write scheme and host, as https://example.org")
        return origins

    @model_validator(mode="after")
    def _read_database_password(self) -> Self:
        if self.database_password_file is not None:
            password = self.database_password_file.read_text(encoding="utf-8").strip()
            url = make_url(self.database_url).set(password=password)
            self.database_url = url.render_as_string(hide_password=False)
        return self
