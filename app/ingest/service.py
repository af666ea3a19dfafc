"""An upload's way: bytes, parsed rows, checked, one transaction, a report."""

import codecs
import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy import Connection

from app.access.callers import COMMAND_LINE, Caller
from app.config import Settings
from app.database import Database
from app.errors import InvalidRequestError
from app.ingest.content import Budget
from app.ingest.origin import Given, Origin
from app.ingest.parsing import parse_chart_file, parse_entries, reject_repeated_days
from app.ingest.rows import LISTED, ParsedFile, describe_rejection
from app.ingest.schemas import ChartUpload, FileReport, IngestReport, OnError, RejectedRow
from app.ingest.storing import count_changes, plan_changes, store_upload
from app.observability.metrics import count_rejected, count_stored
from app.repository.audit import insert_event
from app.repository.chart_change import ChartChange
from app.repository.regions import read_regions
from app.uploads import Upload, load_json


@dataclass(frozen=True)
class IngestOptions:
    """What a request asks for, beside its files."""

    region: str | None = None
    date: dt.date | None = None
    on_error: OnError = "reject"
    dry_run: bool = False
    replace: bool = False


def _read_regions(database: Database) -> list[str]:
    with database.read() as connection:
        return [state.code for state in read_regions(connection)]


@dataclass(frozen=True)
class IngestService:
    """Takes charts in; one call is one upload, one transaction.

    Attributes:
        now: The time in UTC; a chart day after today's is in the future.
        caller: Whose uploads they are on record as.
        read_regions: Which regions the store has, asked for where nobody says what a file is of.
    """

    database: Database
    settings: Settings
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    caller: Caller = COMMAND_LINE
    read_regions: Callable[[Database], Sequence[str]] = _read_regions

    def with_default_region(self, region: str | None) -> "IngestService":
        """The same, taking files that don't say to be of ``region`` (None: as the settings say)."""
        if region is None:
            return self
        return replace(self, settings=self.settings.model_copy(update={"default_region": region}))

    def ingest_files(self, uploads: Sequence[Upload], options: IngestOptions) -> IngestReport:
        """Take in chart files.

        Raises:
            UnsupportedFormatError: one of them is no daily chart.
            InvalidRequestError: rows are bad (and ``on_error`` is reject), or sources contradict each other.
            ConflictError: a chart would be cut short.
            TooLargeError: over a limit.
        """
        return self.store_files(self.parse_files(uploads, options), options)

    def parse_files(self, uploads: Sequence[Upload], options: IngestOptions) -> list[ParsedFile]:
        """Read chart files, the first half of ``ingest_files``.

        Raises:
            UnsupportedFormatError: as ``ingest_files``; so are the others.
        """
        given, budget = self._given(options), self._budget()
        return [
            replace(parse_chart_file(upload.name, upload.data, given, budget), size=len(upload.data))
            for upload in uploads
        ]

    def ingest_json(self, upload: Upload, options: IngestOptions) -> IngestReport:
        """Take in a chart given as JSON (``ChartUpload``).

        Raises:
            RequestValidationError: the body is not of that form.
            InvalidRequestError: as ``ingest_files``; so are the others.
        """
        try:
            body = ChartUpload.model_validate_json(upload.data.removeprefix(codecs.BOM_UTF8))
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None
        load_json(
            upload.name, upload.data
        )  # for its refusal of keys that come twice, of which one would be lost
        said = Origin(body.region, body.date)
        file = parse_entries(upload.name, body.entries, said, self._given(options), self._budget())
        digest = hashlib.sha256(upload.data).hexdigest()
        return self.store_files([replace(file, sha256=digest, size=len(upload.data))], options)

    def _given(self, options: IngestOptions) -> Given:
        return Given(
            today=self.now().date(),
            region=options.region,
            date=options.date,
            default_region=self.settings.default_region,
            known_regions=lambda: self.read_regions(self.database),
        )

    def _budget(self) -> Budget:
        return Budget(unpacked=self.settings.max_unpacked_bytes, rows=self.settings.max_upload_rows)

    def store_files(self, files: Sequence[ParsedFile], options: IngestOptions) -> IngestReport:
        """Check files that were read, and store them, the second half of ``ingest_files``.

        Raises:
            InvalidRequestError: as ``ingest_files``; so are the others.
        """
        files = reject_repeated_days(files)
        if not options.dry_run:
            count_rejected(rejection for file in files for rejection in file.rejected)
        if options.on_error == "reject":
            _refuse_rejected(files)
        if options.dry_run:
            with self.database.read() as connection:
                plan = plan_changes(connection, files, replace=options.replace)
            return build_report(None, files, plan.changes)
        with self.database.write() as connection:
            batch_id, changes = store_upload(
                connection, files, replace=options.replace, received_at=self.now()
            )
            report = build_report(batch_id, files, changes)
            self._record(connection, report, files)
        count_stored(count_changes(changes))
        return report

    def _record(self, connection: Connection, report: IngestReport, files: Sequence[ParsedFile]) -> None:
        counts = ("inserted", "updated", "unchanged", "removed", "rejected")
        insert_event(
            connection,
            action="ingest",
            **self.caller._asdict(),
            batch_id=report.batch_id,
            files=[{"name": file.name, "sha256": file.sha256, "size": file.size} for file in files],
            details={count: getattr(report, count) for count in counts},
        )


def _refuse_rejected(files: Sequence[ParsedFile]) -> None:
    count = sum(len(file.rejected) for file in files)
    if not count:
        return
    listed = list_rejected(files)
    first = listed[0]
    detail = (
        f"{count} row{'s are' if count > 1 else ' is'} bad and nothing was stored; the first is line "
        f"{first['line']} of {first['file']}: {first['problem']}. Mend the rows, or send on_error=skip to "
        "store the others."
    )
    errors = [(f"{row['file']}:{row['line']}:{row['field']}", str(row["problem"])) for row in listed]
    raise InvalidRequestError(detail, errors=errors, extra={"rejected": count, "rejected_rows": listed})


def list_rejected(files: Sequence[ParsedFile]) -> list[dict[str, str | int]]:
    """Return the first rejected rows as an answer lists them."""
    rejected = ((file.name, rejection) for file in files for rejection in file.rejected)
    return [describe_rejection(name, rejection) for name, rejection in islice(rejected, LISTED)]


def build_report(
    batch_id: int | None, files: Sequence[ParsedFile], changes: Sequence[ChartChange]
) -> IngestReport:
    """Return the answer to an upload; without a batch it was a dry run."""
    return IngestReport(
        batch_id=batch_id,
        dry_run=batch_id is None,
        **count_changes(changes),
        rejected=sum(len(file.rejected) for file in files),
        files=[_report_file(file, changes) for file in files],
        rejected_rows=[RejectedRow.model_validate(row) for row in list_rejected(files)],
    )


def _report_file(file: ParsedFile, changes: Sequence[ChartChange]) -> FileReport:
    regions = sorted({region for region, _ in file.charts})
    return FileReport(
        name=file.name,
        format=file.format,
        region=regions[0] if len(regions) == 1 else None,
        regions=regions,
        dates=sorted({date for _, date in file.charts}),
        rows=file.count,
        # A day is one file's alone (reject_repeated_days).
        **count_changes([change for change in changes if change.key in file.charts]),
        rejected=len(file.rejected),
        skipped=file.skipped,
    )
