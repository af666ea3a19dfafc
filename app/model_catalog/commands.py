"""``python -m app models``: which versions are served, for every process and from one start to the next."""

from typing import Annotated

import typer
from rich.console import Console

from app.command_settings import read_settings
from app.config import SHIPPED_BUNDLES, Settings
from app.forecasting.bundle_files import BadBundleError, list_versions
from app.forecasting.versions import PINS, BadPinsError, write_pin

NEWEST = "newest"

app = typer.Typer(help="Which versions of the models are served.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)


@app.callback()
def main() -> None:
    """Running services follow within two seconds, and later starts as well."""


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="lstm, gru, multi_input, presence or popularity.")],
    version: Annotated[str, typer.Argument(help="A version that is there, or newest.")],
) -> None:
    """Hold a model to a version (no newer one is served), or serve its newest again."""
    settings = read_settings()
    try:
        wanted = _choose(settings, name, version)
        write_pin(settings.models_dir, name, wanted)
    except (BadBundleError, BadPinsError) as error:
        console.print(f"nothing was changed: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    said = "its newest version is served" if wanted is None else f"held to version {wanted}"
    console.print(f"{name}: {said} ({settings.models_dir / PINS})", markup=False)


def _choose(settings: Settings, name: str, version: str) -> int | None:
    """The version asked for, of which it is known that it starts; None for the newest."""
    from app.model_store import start  # slow to import, and no other command needs it

    roots = [SHIPPED_BUNDLES, settings.models_dir]
    there = {found: folder for root in roots for n, found, folder in list_versions(root) if n == name}
    if not there:
        raise typer.BadParameter(f"there is no model {name}", param_hint="NAME")
    if version == NEWEST:
        return None
    if not version.isdecimal() or int(version) not in there:
        known = ", ".join(map(str, sorted(there)))
        raise typer.BadParameter(f"there are {known}, and {NEWEST}", param_hint="VERSION")
    start(there[int(version)])
    return int(version)
