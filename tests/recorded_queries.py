"""The SQL that a store is sent, recorded, and how the store says it goes about it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

from app.database import Base

# A line of SQLite's plan: SEARCH tracks USING INDEX sqlite_autoindex_tracks_1 (track_id=?)
_STEP = re.compile(r"(?:SCAN|SEARCH) (?P<table>\w+)(?:.*\((?P<narrowed_by>.*)\))?")


class Query(NamedTuple):
    """A statement as the driver gets it; of many sets of parameters the first."""

    statement: str
    parameters: Any


class Step(NamedTuple):
    """A table that a query reads, and the conditions by which an index narrows that down: none in a scan."""

    table: str
    narrowed_by: str


@contextmanager
def recorded_queries(engine: Engine) -> Iterator[list[Query]]:
    """What is sent meanwhile, begin and end of transactions aside."""
    queries: list[Query] = []

    def record(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        # Keys are looked at by the clock, whatever is asked: all of them, so no index helps.
        if not statement.startswith("BEGIN") and "FROM api_keys" not in statement:
            queries.append(Query(statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield queries
    finally:
        event.remove(engine, "before_cursor_execute", record)


def explain(connection: Connection, query: Query) -> list[Step]:
    """The steps of ``query`` through tables of ours."""
    if connection.dialect.name == "sqlite":
        steps = _explain_on_sqlite(connection, query)
    else:
        explained = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query.statement}", query.parameters)
        steps = list(_walk(explained.scalar_one()[0]["Plan"]))
    return [step for step in steps if step.table in Base.metadata.tables]


def _explain_on_sqlite(connection: Connection, query: Query) -> list[Step]:
    if query.statement.startswith("INSERT"):
        return []  # by the primary key; its plan shows scans for foreign keys, which do not run
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.statement}", query.parameters)
    matches = [_STEP.match(row[3]) for row in plan]
    return [Step(match["table"], match["narrowed_by"] or "") for match in matches if match]


def _walk(node: dict[str, Any]) -> Iterator[Step]:
    # What is changed is found by the nodes below; an upsert finds what is there by the primary key.
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        conditions = [node[name] for name in ("Index Cond", "Recheck Cond") if name in node]
        yield Step(node["Relation Name"], " ".join(conditions))
    for inner in node.get("Plans", ()):
        yield from _walk(inner)
