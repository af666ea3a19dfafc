"""Every setting of the service, read from the environment (prefix ``CHARTCAST_``) and ``.env``."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.observability.logs import LogFormat, LogLevel
from app.regions import RegionCode

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "data" / "sample"
SHIPPED_BUNDLES = Path(__file__).resolve().parent / "bundles"


class Settings(BaseSettings):
    """What an operator can set; each field is the environment variable ``CHARTCAST_<FIELD>``."""

    model_config = SettingsConfigDict(
        env_prefix="CHARTCAST_", env_file=".env", extra="ignore", populate_by_name=True
    )

    database_url: str = Field(
        default=f"sqlite:///{ROOT / 'var' / 'chartcast.db'}",
        description="SQLAlchemy address of the store: sqlite:///… or postgresql+psycopg://…",
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
