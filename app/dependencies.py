"""What an endpoint asks for: the store, the settings, the models, a thread for an upload."""

from typing import Annotated

from anyio import CapacityLimiter
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


async def get_upload_threads(request: Request) -> CapacityLimiter:
    """The threads that uploads may take: those that wait for each other leave the others to reads."""
    threads: CapacityLimiter = request.app.state.upload_threads
    return threads


DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
ModelStoreDep = Annotated[ModelStore, Depends(get_model_store)]
UploadThreadsDep = Annotated[CapacityLimiter, Depends(get_upload_threads)]
