"""``python -m app keys``: making, listing and revoking keys."""

import datetime as dt
import re
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.access.callers import COMMAND_LINE, LOOPBACK
from app.access.keys import LOOK_AGAIN, build_key, hash_key, is_good
from app.access.rules import SCOPES
from app.command_settings import read_settings
from app.command_store import open_store
from app.dates import parse_iso_date
from app.repository.api_keys import StoredKey, insert_key, read_keys, revoke_key
from app.repository.audit import insert_event

app = typer.Typer(help="Keys to the API.", no_args_is_help=True, pretty_exceptions_show_locals=False)
console = Console(soft_wrap=True, highlight=False)
notes = Console(soft_wrap=True, highlight=False, stderr=True)
_NAME = re.compile(r"[\w.@-][\w.@ -]{0,63}")


@app.command()
def create(
    scope: Annotated[str, typer.Option(help=f"{', '.join(SCOPES)}; each may do what those before it may.")],
    name: Annotated[str, typer.Option(help="Whose it is, as records and logs will call it.")],
    expires: Annotated[
        str | None, typer.Option(help="The last day it is good, YYYY-MM-DD (UTC); else it stays good.")
    ] = None,
) -> None:
    """Make a key and print it, this once: what is stored is its hash.

    To replace a key, make one of the same name, hand it out, and revoke the old one.
    """
    if scope not in SCOPES:
        raise typer.BadParameter(f"is one of {', '.join(SCOPES)}", param_hint="--scope")
    if not _NAME.fullmatch(name) or name in (LOOPBACK, COMMAND_LINE.caller):
        raise typer.BadParameter("1 to 64 letters, digits, spaces and . @ _ -", param_hint="--name")
    now = dt.datetime.now(dt.UTC)
    expires_at = None if expires is None else _parse_expiry(expires, now)
    key = build_key()
    with open_store(read_settings()) as database, database.write() as connection:
        key_id = insert_key(
            connection,
            name=name,
            scope=scope,
            sha256=hash_key(key),
            created_at=now,
            expires_at=expires_at,
        )
        details = {"id": key_id, "name": name, "scope": scope}
        insert_event(connection, action="key created", **COMMAND_LINE._asdict(), details=details)
        store = database.address
    console.print(key)
    notes.print(
        f"key {key_id}, {name}, scope {scope}; it is shown this once. From now on, every request to a "
        f"service on {store} needs one."
    )


@app.command("list")
def list_keys() -> None:
    """List the keys there are and were; none shows itself."""
    table = Table("id", "name", "scope", "created", "expires", "state", box=None)
    with open_store(read_settings()) as database, database.read() as connection:
        keys = read_keys(connection)
    for key in keys:
        state = _describe_state(key, dt.datetime.now(dt.UTC))
        table.add_row(str(key.id), key.name, key.scope, _show(key.created_at), _show(key.expires_at), state)
    console.print(table if keys else "there are no keys: only requests from this machine itself are answered")


@app.command()
def revoke(key_id: Annotated[int, typer.Argument(help="The key's id, as `keys list` shows it.")]) -> None:
    """Put an end to a key. Servers that run notice within two seconds."""
    with open_store(read_settings()) as database, database.write() as connection:
        revoked = revoke_key(connection, key_id, dt.datetime.now(dt.UTC))
        if revoked:
            insert_event(connection, action="key revoked", **COMMAND_LINE._asdict(), details={"id": key_id})
    if not revoked:
        notes.print(f"there is no key {key_id} that is not revoked; keys list shows them")
        raise typer.Exit(1)
    notes.print(f"key {key_id} is revoked; servers that run notice within {LOOK_AGAIN:.0f} seconds")


def _parse_expiry(text: str, now: dt.datetime) -> dt.datetime:
    try:
        end = dt.datetime.combine(parse_iso_date(text), dt.time.min, dt.UTC) + dt.timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint="--expires") from None
    if end <= now:
        raise typer.BadParameter("lies in the past", param_hint="--expires")
    return end


def _describe_state(key: StoredKey, now: dt.datetime) -> str:
    if is_good(key, now):
        return "good"
    return "expired" if key.revoked_at is None else f"revoked {_show(key.revoked_at)}"


def _show(time: dt.datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"
