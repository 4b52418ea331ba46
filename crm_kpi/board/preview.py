# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The preview of a KPI while it is defined: what it would show, of what the user may read.

Nothing is stored: the KPI can be a record that is not saved.
"""

import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Datetime
from odoo.tools import mute_logger
from odoo.tools.misc import formatLang

from ..bounded import count_text
from ..definitions import unsaved
from ..definitions.cell_records import open_by_reason, visible_ids
from ..definitions.words import format_value
from ..refresh.planner import MANY, planned_for
from ..refresh.records import REASONS, count_all
from .breakdown import Bar
from .cards import SparklinePoint
from .context import SPARKLINE_PERIODS
from .explain import INCLUDED, Explanation, add_reasons
from .preview_records import PreviewRecord, PreviewRecords
from .preview_values import NOTHING, Key, PreviewValues

#: Closed months that are shown with their value, in addition to the running one.
CLOSED_MONTHS = 3
#: Rows of the salespeople and of the segments.
ROWS = 5
#: Records that are shown.
RECORDS = 10
#: Seconds that PostgreSQL may take for a preview.
SECONDS = 8
#: Reasons of records that the filters do not accept.
NOT_ACCEPTED = ("source", "filter", "no_company")

COMPANY = {"level": "company"}


@dataclass
class PreviewPeriod:
    """A month and its value; ``chosen``: the split and the records are of this one."""

    id: int
    label: str
    value_text: str
    running: bool
    chosen: bool


@dataclass
class PreviewComponent:
    """A KPI in a formula, with its value in the chosen month."""

    name: str
    value_text: str


@dataclass
class Preview:
    """What a KPI would show.

    :param error: why the KPI cannot be saved or computed, in words; all else is empty then
    :param hint: what to fill in before there is a preview
    :param explanation: which records of the chosen month are included, and why others are not
    :param reason: the records are those of this reason, see ``refresh.records``
    :param date_label: what the dates of the records are
    :param count_text: number of records that the filters accept, in the chosen month and in all
    :param notes: what the preview does not contain, in words
    """

    error: str = ""
    hint: str = ""
    periods: list[PreviewPeriod] = field(default_factory=list)
    sparkline: list[SparklinePoint] = field(default_factory=list)
    components: list[PreviewComponent] = field(default_factory=list)
    salespeople: list[Bar] = field(default_factory=list)
    segments: list[Bar] = field(default_factory=list)
    segment_set: str = ""
    explanation: Explanation | None = None
    reason: str = "included"
    record_model: str = ""
    records: list[PreviewRecord] = field(default_factory=list)
    date_label: str = ""
    amount_label: str = ""
    count_text: str = ""
    notes: list[str] = field(default_factory=list)


class TooSlow(UserError):
    """PostgreSQL needs more time than a preview may take."""


@contextmanager
def limited(env, deadline):
    """Run the block in what is left of the time, and undo all that it would write.

    :param deadline: of ``time.monotonic()``
    :raise TooSlow: where the time is not enough
    """
    milliseconds = max(int((deadline - time.monotonic()) * 1000), 1)
    savepoint = env.cr.savepoint(flush=False)
    try:
        # a statement that takes too long is no error for the log
        with mute_logger("odoo.sql_db"):
            env.cr.execute("SET LOCAL statement_timeout = %s", [milliseconds])
            # the rules of the reader are joined to all records of the months
            with planned_for(env.cr, MANY):
                yield
    except psycopg2.errors.QueryCanceled as error:
        text = env._(
            "The preview stopped after %s seconds, because there are many records. A published "
            "KPI is computed in the background.",
            SECONDS,
        )
        raise TooSlow(text) from error
    finally:
        savepoint.close(rollback=True)


class KpiPreview:
    """The preview of one KPI: of the records of its company, or of the current one.

    :param kpi: in the environment of the user; it can be unsaved
    :param period_id: month of the split and of the records; by default the last one that is over
    :param reason: show the records of this reason
    """

    def __init__(self, kpi, period_id=None, reason="included"):
        company = kpi.company_id or kpi.env.company
        self.kpi = kpi.with_company(company)
        self.env = self.kpi.env
        # superuser: settings of the company, which the values depend on
        self.company = company.with_env(self.env).sudo()
        self.now = Datetime.now()
        self.deadline = time.monotonic() + SECONDS
        self.segment_set = self.env["crm.kpi.segment.set"].search(
            [("company_id", "in", [False, company.id])], limit=1
        )
        self.values = PreviewValues(self.env, self.company, self.segment_set, self.now)
        months = self.env["crm.kpi.period"].search(
            [
                ("company_id", "=", company.id),
                ("kind", "=", "month"),
                ("utc_from", "<=", self.now),
            ],
            order="date_from desc",
            limit=SPARKLINE_PERIODS,
        )
        self.months = months.sorted("date_from")
        self.period = self._choose_period(period_id)
        self.reason = reason if reason in ("all", *REASONS) else "included"
        self.result = Preview(reason=self.reason)

    def _choose_period(self, period_id):
        if chosen := self.months.filtered(lambda month: month.id == period_id):
            return chosen
        over = self.months.filtered(lambda month: month.utc_to <= self.now)
        if self.kpi._is_stock() or not over:
            return self.months[-1:]  # of a stock, only the present is known
        return over[-1]

    def compute(self):
        """The :class:`Preview`.

        :raise UserError: where the definition cannot be computed
        """
        result = self.result
        if not self.months:
            result.hint = self.env._("A preview is possible after the first refresh.")
            return result
        # before the savepoints, which are rolled back
        self.env.flush_all()
        steps = [self._read_values]
        if self.kpi.kind == "formula":
            steps.append(self._read_components)
        elif self.values.has_value(self.kpi, self.period):
            steps += [self._read_reasons, self._read_records]
        result.notes += self._notes()
        try:
            for step in steps:
                with self._limited():
                    step()
        except TooSlow as error:
            result.notes.append(str(error))
        return result

    def open_records(self):
        """Action that opens the records of the chosen month and reason, in a list."""
        if not self.months:
            raise UserError(self.env._("A preview is possible after the first refresh."))
        name = f"{self.kpi.name or self.env._('Preview')} · {self.period.display_name}"
        self.env.flush_all()
        with self._limited():
            return open_by_reason(
                self.kpi, self.period, COMPANY, self.now, self._reasons, name, reader=self.env
            )

    def _limited(self):
        return limited(self.env, self.deadline)

    def _notes(self):
        env, notes = self.env, []
        if self.kpi.source_id.needs_approval:
            notes.append(
                env._(
                    "A system administrator must approve the source “%s” first",
                    self.kpi.source_id.name,
                )
            )
        if self.kpi._is_stock():
            notes.append(
                env._(
                    "Values of earlier months cannot be computed, because Odoo does not keep the "
                    "earlier state of these records. They follow month by month."
                )
            )
        elif not self.values.has_value(self.kpi, self.period) and self.kpi.needs_history:
            notes.append(env._("Customers of earlier periods are not known yet."))
        return notes

    # --- VALUES ---

    def _read_values(self):
        result = self.result
        numbers = self.values.numbers(self.kpi, self.months, self.period)
        for month in self.months:
            value = numbers.get(Key(month.id), NOTHING).value
            result.sparkline.append(
                SparklinePoint(
                    label=month.display_name,
                    value=value,
                    value_text=self._text(self.kpi, value),
                    running=month.utc_to > self.now,
                )
            )
        points = list(zip(self.months, result.sparkline, strict=True))
        shown = CLOSED_MONTHS + points[-1][1].running
        result.periods = [
            PreviewPeriod(
                month.id, point.label, point.value_text, point.running, month == self.period
            )
            for month, point in points[-shown:]
        ]
        result.salespeople = self._bars(numbers, "user")
        result.segments = self._bars(numbers, "segment")
        result.segment_set = self.segment_set.name or ""

    def _text(self, kpi, value):
        return format_value(kpi, value, self.company.currency_id)

    def _bars(self, numbers, level):
        """The best rows of a level in the chosen month, as :class:`~.breakdown.Bar`."""
        # the values of small segments are withheld on boards, too
        least = self.kpi._least_cell(self.company) if level == "segment" else 0
        rows = [
            (key.record_id, number)
            for key, number in numbers.items()
            if key.level == level and number.value is not None and number.record_count >= least
        ]
        rows.sort(key=lambda row: row[1].value, reverse=self.kpi.direction != "decrease")
        longest = max((abs(number.value) for _id, number in rows), default=0) or 1
        # superuser: names of salespeople and segments only
        model = self.env["res.users" if level == "user" else "crm.kpi.segment"].sudo()
        return [
            Bar(
                record_id=record_id or None,
                name=model.browse(record_id or ()).name or self.env._("Unassigned"),
                value=number.value,
                value_text=self._text(self.kpi, number.value),
                record_count=number.record_count,
                share=max(number.value, 0) / longest,
                mine=level == "user" and record_id == self.env.uid,
            )
            for record_id, number in rows[:ROWS]
        ]

    def _read_components(self):
        """Set the values of the components of a formula in the chosen month."""
        found = self.values.components(self.kpi, self.period, self.period.browse())
        for part, (component, numbers) in found.items():
            name = part.in_words(component.name, self.env._)
            value = numbers.get(Key(self.period.id), NOTHING).value
            self.result.components.append(PreviewComponent(name, self._text(component, value)))

    # --- RECORDS ---

    @property
    def _reasons(self):
        """The reasons of the records that are shown."""
        if self.reason == "all":
            return REASONS
        return INCLUDED if self.reason == "included" else [self.reason]

    def _read_reasons(self):
        """Set which records of the chosen month are included, and why others are not."""
        kpi, source, result = self.kpi, self.kpi.source_id, self.result
        # superuser: the period only; the records are those that the user may read
        period = self.period.sudo()
        visible = visible_ids(kpi, period)
        counts = source._reasons(kpi, period, COMPANY, self.now, visible, reader=self.env)
        [value_text] = [
            point.value_text
            for month, point in zip(self.months, result.sparkline, strict=True)
            if month == self.period
        ]
        result.explanation = Explanation(
            kpi_id=kpi._origin.id or 0,
            period_id=period.id,
            name=kpi.name or "",
            role="",
            period=period.display_name,
            value_text=value_text,
            stored=0,
        )
        add_reasons(result.explanation, self.env, kpi, counts)
        accepted = sum(found.count for name, found in counts.items() if name not in NOT_ACCEPTED)
        names = {
            "count": formatLang(self.env, accepted, digits=0),
            "period": period.display_name,
        }
        of_all_time = count_all(source, kpi, self.company, self.env)
        if of_all_time is None:
            result.count_text = self.env._("%(count)s in %(period)s", **names)
        else:
            names["all"] = count_text(self.env, of_all_time)
            result.count_text = self.env._("%(count)s in %(period)s, %(all)s in all", **names)

    def _read_records(self):
        """Set the first records of the chosen month that the user may open."""
        kpi, result = self.kpi, self.result
        columns = PreviewRecords(kpi, self.company)
        result.record_model = columns.model
        result.date_label = columns.date_label
        result.amount_label = columns.amount_label
        # superuser: the period only; the records are those that the user may open
        period = self.period.sudo()
        ids = kpi.source_id._record_ids_by_reason(
            kpi,
            period,
            COMPANY,
            self.now,
            self._reasons,
            limit=RECORDS,
            visible=visible_ids(kpi, period),
            reader=self.env,
        )
        records = self.env[columns.model].with_context(
            active_test=False, crm_kpi_period_ids=period.ids
        )
        result.records = [columns.row(record) for record in records.browse(ids)]


# --- A KPI THAT IS NOT SAVED ---


def preview_unsaved(kpis, kpi_id, form, period_id, reason):
    """The :class:`Preview` of a KPI while it is edited; what saving would refuse is a sentence in it.

    The parameters are those of :func:`~..definitions.unsaved.unsaved_kpi` and :class:`KpiPreview`.
    """
    try:
        kpi = unsaved.unsaved_kpi(kpis, kpi_id, form)
        if hint := unsaved.missing_text(kpi):
            return Preview(hint=hint)
        unsaved.check_definition(kpi)
        return KpiPreview(kpi, period_id, reason).compute()
    except UserError as error:
        return Preview(error=str(error))


def open_unsaved(kpis, kpi_id, form, period_id, reason):
    """Action that opens the records of a preview; the parameters are the same."""
    kpi = unsaved.unsaved_kpi(kpis, kpi_id, form)
    unsaved.check_definition(kpi)
    return KpiPreview(kpi, period_id, reason).open_records()
