"""Reads as small as a forecast's, run on the driver's own cursor.

SQLAlchemy takes two to eight times as long to execute such a query as the database takes to answer it. So
the statement is written and compiled by SQLAlchemy, once, and only its execution goes past it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Processor = Callable[[Any], Any]
MOST_WORDINGS = 100  # of a statement: the batcher's batches, of up to 64 tracks, and some


class Prepared:
    """A statement, and what runs it.

    Args:
        statement: What to read. Lists are parameters that expand, of types that need no conversion.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}  # by dialect

    def rows(self, connection: Connection, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows as Python values.

        Args:
            connection: To the store; a statement of its own needs no transaction.
            parameters: By name.

        Raises:
            sqlalchemy.exc.DBAPIError: as from ``connection.execute``.
        """
        return list(zip(*self.columns(connection, parameters), strict=True))

    def columns(self, connection: Connection, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The columns as Python values, none at all where there is no row; otherwise as ``rows``."""
        dialect = connection.dialect
        form = self._forms.get(dialect.name)
        if form is None:
            form = self._forms[dialect.name] = _Form(self._statement, dialect)
        columns: list[tuple[Any, ...]] = list(zip(*form.fetch(connection, parameters), strict=True))
        if columns and form.results:
            for i, process in form.results.items():
                columns[i] = tuple(map(process, columns[i]))
        return columns


class _Form:
    """A statement in the words of one database."""

    def __init__(self, statement: Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        self._compiled = compiled
        self._given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._expanding = [name for name, bind in compiled.binds.items() if bind.expanding]
        self._wordings: dict[tuple[int, ...], _Wording] = {}
        self._error: type[Exception] = dialect.loaded_dbapi.Error
        self._binds = _some(
            {name: b.type.dialect_impl(dialect).bind_processor(dialect) for name, b in compiled.binds.items()}
        )
        self._types = [column.type.dialect_impl(dialect) for column in statement.selected_columns]
        self.results: dict[int, Processor] | None = None  # by column; known with the first answer

    def fetch(self, connection: Connection, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """The rows as the driver gives them."""
        driver: Any = connection.connection.driver_connection
        sql, bound = self._write(parameters)
        cursor = driver.cursor()
        context = _Context()
        for listen in connection.dispatch.before_cursor_execute:  # they hear of all other statements too
            listen(connection, cursor, sql, bound, context, False)
        try:
            cursor.execute(sql, bound)
            rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        except self._error as error:
            dialect = connection.dialect
            lost = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
            if lost:
                connection.invalidate(error)
            raise DBAPIError.instance(
                sql, None, error, self._error, connection_invalidated=lost, dialect=dialect
            ) from error
        for listen in connection.dispatch.after_cursor_execute:
            listen(connection, cursor, sql, bound, context, False)
        if self.results is None:
            self.results = self._build_processors(connection.dialect, cursor.description)
        return rows

    def _build_processors(self, dialect: Dialect, description: Any) -> dict[int, Processor]:
        return _some({i: t.result_processor(dialect, description[i][1]) for i, t in enumerate(self._types)})

    def _write(self, parameters: dict[str, Any]) -> tuple[str, Any]:
        """The SQL, and its parameters as the driver takes them."""
        values: dict[str, Any] = self._given | parameters
        for name, process in self._binds.items():
            values[name] = process(values[name])
        lists = {name: values.pop(name) for name in self._expanding}
        wording = self._word(tuple(map(len, lists.values())))
        for names, items in zip(wording.items, lists.values(), strict=True):
            values.update(zip(names, items, strict=True))
        order = wording.order
        return wording.sql, values if order is None else tuple([values[name] for name in order])

    def _word(self, lengths: tuple[int, ...]) -> "_Wording":
        """The statement for lists of these lengths; to write it takes as long as the database to answer."""
        wording = self._wordings.get(lengths)
        if wording is None:
            lists = {name: [None] * n for name, n in zip(self._expanding, lengths, strict=True)}
            others = dict.fromkeys(self._compiled.binds)
            state = self._compiled.construct_expanded_state(others | lists)
            items = [state.parameter_expansion.get(name, []) for name in self._expanding]
            wording = _Wording(state.statement, items, state.positiontup)
            if len(self._wordings) >= MOST_WORDINGS:
                self._wordings.clear()
            self._wordings[lengths] = wording
        return wording


class _Wording(NamedTuple):
    """A statement written out for lists of certain lengths.

    Attributes:
        sql: As the driver takes it.
        items: The names of each list's items.
        order: The names of all parameters in their places; None where they go by name.
    """

    sql: str
    items: list[list[str]]
    order: Sequence[str] | None


class _Context:
    """What listeners may put things on, from before a statement to after it."""


def _some(processors: Mapping[Any, Processor | None]) -> dict[Any, Processor]:
    return {key: processor for key, processor in processors.items() if processor is not None}
