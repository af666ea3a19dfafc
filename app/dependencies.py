"""What an endpoint asks for: the store, the settings, the models."""

from typing import Annotated

from fastapi import Depends, Request

from app.config import Settings
from app.database import Database
from app.model_store import ModelStore


async def get_database(request: Request) -> Database:
    """The store the app was started on."""
    database: Database = request.app.state.database
    return database


async def get_settings(request: Request) -> Settings:
    """The settings the app was started with."""
    settings: Settings = request.app.state.settings
    return settings


async def get_model_store(request: Request) -> ModelStore:
    """The models being served."""
    store: ModelStore = request.app.state.model_store
    return store


DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
ModelStoreDep = Annotated[ModelStore, Depends(get_model_store)]
