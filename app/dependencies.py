"""What an endpoint asks for: the store, the settings."""

from typing import Annotated

from fastapi import Depends, Request

from app.config import Settings
from app.database import Database


async def get_database(request: Request) -> Database:
    """The store the app was started on."""
    database: Database = request.app.state.database
    return database


async def get_settings(request: Request) -> Settings:
    """The settings the app was started with."""
    settings: Settings = request.app.state.settings
    return settings


DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
