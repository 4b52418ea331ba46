# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The steps of a refresh. The scheduled refresh commits each of them."""

import logging
from datetime import date
from functools import partial

from odoo import fields
from odoo.tools import SQL

from .aggregates import Aggregates, claim
from .announce import announce
from .cohort_rows import ROWS, CohortRows
from .cohorts import CohortChanges
from .fact_plan import FactPlan
from .failures import confined
from .formulas import Formulas
from .periods import refresh_periods
from .scope import kpis_to_refresh, periods_to_refresh, published_kpis
from .withheld import withhold

_logger = logging.getLogger(__name__)

#: What the scheduled refresh computes before it commits: about as many records of a source, each
#: counted once per period, or formulas for as long.
BLOCK_RECORDS, BLOCK_SECONDS = 500_000, 60
#: Checks of KPIs that the scheduled refresh runs before it commits.
BLOCK_CHECKS = 10
#: Seconds from which a formula is a line of its own in the log.
SLOW_PART = 0.1


class Step:
    """A part of a refresh.

    :attr name: unique in a refresh; by it the scheduled refresh resumes where it stopped
    :attr title: what an administrator reads when the step fails
    :attr company: whose values it computes; ``None``: those of all companies
    :attr skipped: what was left out, as texts
    :attr in_blocks: whether a run does a part of the work only, of about a minute
    :attr is_finished: whether the last run has done all the work; otherwise it must run again
    :attr is_shared: whether a second worker may run it, at the same time as other such steps
    :attr has_failed: whether the last run failed; the reason is noted elsewhere
    """

    name = ""
    company = None
    skipped = ()
    in_blocks = False
    is_finished = True
    is_shared = False
    has_failed = False

    def __init__(self, env):
        self.env = env

    @property
    def title(self):
        return self.name

    def run(self):
        """Do the work.

        :return: number of cells written
        """
        raise NotImplementedError

    def seconds_of_parts(self):
        """Seconds of the slow parts of the last run: dict by title."""
        return {}

    def _skip(self, texts):
        """Note what another transaction computes right now."""
        self.skipped = list(texts)
        _logger.warning("KPI refresh: %s: busy elsewhere: %s", self.name, ", ".join(self.skipped))


class DefinitionsStep(Step):
    """Compile each aggregate KPI once, without a query of its records.

    A definition that cannot be used any more fails now, not when one of its periods is due.

    :param kpis: as in :class:`~.refresh.Refresh`
    """

    name = "definitions"

    def __init__(self, env, kpis=None):
        super().__init__(env)
        self.kpis = kpis

    @property
    def title(self):
        return self.env._("Definitions")

    def run(self):
        # superuser: definitions of all users are compiled, nothing is read. Any period will do
        period = self.env["crm.kpi.period"].sudo().search([], limit=1)
        if not period:
            return 0  # nothing was computed yet: all is due
        for source, kpis in published_kpis(self.env, self.kpis).grouped("source_id").items():
            if source.model in self.env:  # otherwise the step of the source says so
                self._compile(source, kpis, period)
        return 0

    def _compile(self, source, kpis, period):
        plan = None
        with confined(kpis, everywhere=True):
            plan = FactPlan(source, period.company_id, period, fields.Datetime.now())
        for kpi in kpis if plan else ():
            with confined(kpi, everywhere=True):
                plan.add(kpi)


class DeriveStep(Step):
    """Derive what comes from conversations and histories, for records that changed."""

    name = "derive"

    @property
    def title(self):
        return self.env._("Dates and owners of records")

    def run(self):
        self.env.flush_all()
        self.env["res.company"]._kpi_follow_time_zones()
        # superuser: facts are derived for all users and read under record rules
        sources = self.env["crm.kpi.source"].sudo().search([])
        for model, of_model in sources.grouped("model").items():
            if hasattr(self.env.get(model), "_kpi_derive"):
                kpis = self.env["crm.kpi"].sudo().search([("source_id", "in", of_model.ids)])
                with confined(kpis, partial(self._failure_text, model), everywhere=True):
                    self.env[model].sudo()._kpi_derive()
        return 0

    def _failure_text(self, model, error):
        return self.env._(
            "%(model)s could not be derived: %(error)s",
            model=self.env[model]._description,
            error=error,
        )


class CustomersStep(Step):
    """Derive the rows of customers, after the orders and conversations they are made from."""

    name = "customers"

    @property
    def title(self):
        return self.env._("Customers")

    def run(self):
        self.env.flush_all()
        # superuser: as in DeriveStep
        self.env["crm.kpi.customer"].sudo()._kpi_derive()
        return 0


class SegmentsStep(Step):
    """Update which customers belong to which segments; have the values since then checked."""

    name = "segments"

    @property
    def title(self):
        return self.env._("Segments of customers")

    def run(self):
        self.env.flush_all()
        # superuser: segments are the same for all users
        sets = self.env["crm.kpi.segment.set"].sudo()
        if busy := sets._busy():
            self._skip(busy.mapped("name"))
        changed_from = sets._update_members()
        if changed_from:
            changed_from = max(changed_from, date(1900, 1, 1))
            # the segments of rows that change are not those that the values were computed by
            self.env.execute_query(
                SQL(
                    """UPDATE crm_kpi_computation c SET content = NULL
                         FROM crm_kpi_period p
                        WHERE p.id = c.period_id AND p.date_to > %s AND c.content IS NOT NULL
                    RETURNING 1""",
                    changed_from,
                )
            )
            self.env.execute_query(
                SQL(
                    """UPDATE crm_kpi_computation c SET fingerprint = NULL
                         FROM crm_kpi_period p
                        WHERE p.id = c.period_id AND p.date_to > %s AND p.state <> 'locked'
                    RETURNING 1""",
                    changed_from,
                )
            )
        return 0


class ChecksStep(Step):
    """Run the checks of published KPIs that an upgrade marked."""

    name = "checks"

    @property
    def title(self):
        return self.env._("Checks of KPIs")

    def run(self):
        limit = BLOCK_CHECKS if self.in_blocks else None
        # superuser: as in DeriveStep
        self.is_finished = self.env["crm.kpi.check"].sudo()._run_due(limit)
        return 0


class CompanyRefresh:
    """What the steps of one company share.

    :param company: in the environment of the refresh
    :param periods: only these; ``None``: all that have begun
    :param kpis: only these; ``None``: all that do not wait for a retry
    """

    def __init__(self, company, periods, kpis, now):
        self.company = company
        self.periods = periods
        self.kpis = kpis
        self.now = now
        #: Cells written by the steps so far.
        self.written = 0
        #: Events behind cohorts, counted once for several sources.
        self.counted = {}

    def steps(self):
        yield PeriodsStep(self)
        sources = kpis_to_refresh(self.company, self.kpis).source_id.sorted()
        cohorts = sources.filtered(lambda source: source.kind == "cohort").grouped("model")
        for source in sources:
            if source.kind != "cohort":
                yield SourceStep(self, source)
            elif of_model := cohorts.pop(source.model, None):
                yield CohortsStep(self, of_model)
        yield FormulasStep(self)
        yield WithheldStep(self)
        yield GoalsStep(self)
        yield AnnounceStep(self)

    def due_periods(self):
        return periods_to_refresh(self.company, self.periods)


class CompanyStep(Step):
    """A step of one company."""

    label = ""

    def __init__(self, refresh):
        super().__init__(refresh.company.env)
        self.refresh = refresh
        self.company = refresh.company

    @property
    def name(self):
        return f"{self.label} of {self.company.name}"

    def run(self):
        written = self._run() or 0
        self.refresh.written += written
        return written

    def _run(self):
        raise NotImplementedError


class PeriodsStep(CompanyStep):
    label = "periods"

    @property
    def title(self):
        return self.env._("Periods")

    def _run(self):
        refresh_periods(self.refresh.company, self.refresh.now)


class SharedStep(CompanyStep):
    """Compute the aggregate KPIs of some sources, except for those that another one computes."""

    is_shared = True

    def __init__(self, refresh, sources):
        super().__init__(refresh)
        self.sources = sources

    def wait(self):
        """Wait until no other transaction computes these sources."""
        self.env.execute_query(
            SQL(
                "SELECT 1 FROM crm_kpi_source WHERE id = ANY(%s) FOR NO KEY UPDATE",
                self.sources.ids,
            )
        )


class SourceStep(SharedStep):
    """Compute the aggregate KPIs of a source."""

    def __init__(self, refresh, source):
        super().__init__(refresh, source)
        self.source = source
        self.left = 0

    @property
    def label(self):
        return self.source.code

    @property
    def title(self):
        return self.source.name

    def _run(self):
        refresh = self.refresh
        aggregates = Aggregates(self.source, refresh.company, refresh.now)
        written = aggregates.refresh(
            refresh.due_periods(),
            refresh.kpis,
            refresh.counted,
            limit=BLOCK_RECORDS if self.in_blocks else None,
        )
        # a run after which as much is left as before it would not end
        self.is_finished = not aggregates.left or aggregates.left == self.left
        self.left = aggregates.left
        if aggregates.is_busy:
            self._skip([self.source.name])
        return written


class CohortsStep(SharedStep):
    """Compute the aggregate KPIs of the cohort sources that read the same model.

    Their rows are made once for all sources. Values that the changed rows tell are brought up to
    date at once; others are computed from all rows, in parts of some periods.
    """

    def __init__(self, refresh, sources):
        super().__init__(refresh, sources)
        self.label = sources[0].model
        # superuser: values of all sources depend on what is kept of the histories
        self.all_sources = self.env["crm.kpi.source"].sudo().search([("model", "=", self.label)])
        #: Periods of the parts that follow.
        self.parts = None

    @property
    def title(self):
        return ", ".join(self.sources.mapped("name"))

    def _run(self):
        # also after a failure: it is tried again by the next refresh
        self.is_finished = True
        if self.label not in self.env:
            return sum(SourceStep(self.refresh, source)._run() for source in self.sources)
        busy = self.all_sources.filtered(lambda source: not claim(source))
        if busy:
            self._skip(busy.mapped("name"))
            return 0
        changes = CohortChanges(
            self.env[self.label], self.all_sources, self.company, self.refresh.now
        )
        written = 0
        if self.parts is None:
            self.env.flush_all()
            self.parts = self._divide()
            written += changes.apply(
                self.refresh.due_periods(), self.refresh.kpis, self.refresh.counted
            )
        while self.parts:
            written += self._compute_part(changes, self.parts.pop())
            if self.in_blocks:
                self.is_finished = not self.parts
                break
        return written

    def _compute_part(self, changes, periods):
        refresh = self.refresh
        rows = CohortRows(self.env[self.label], refresh.now)
        written = 0
        for source in self.sources:
            reader = source.with_context(**{ROWS: rows})
            aggregates = Aggregates(reader, refresh.company, refresh.now)
            written += aggregates.refresh(periods, refresh.kpis, refresh.counted)
            changes.note(aggregates)
        rows.drop()
        return written

    def _divide(self):
        """The periods in lists of parts; the latest part is computed first."""
        periods = self.refresh.due_periods().sorted("date_to")
        rows = self.env[self.label]._kpi_row_count(self.refresh.company)
        size = max(1, BLOCK_RECORDS // max(1, rows))
        return [periods[start : start + size] for start in range(0, len(periods), size)]


class FormulasStep(CompanyStep):
    label = "formulas"

    def __init__(self, refresh):
        super().__init__(refresh)
        self.seconds = {}

    @property
    def title(self):
        return self.env._("Formulas")

    def _run(self):
        refresh = self.refresh
        formulas = Formulas(refresh.company, refresh.now)
        seconds = BLOCK_SECONDS if self.in_blocks else None
        written = formulas.refresh(refresh.due_periods(), refresh.kpis, seconds)
        self.is_finished = formulas.is_finished
        self.seconds = formulas.seconds
        return written

    def seconds_of_parts(self):
        return {title: seconds for title, seconds in self.seconds.items() if seconds > SLOW_PART}


class WithheldStep(CompanyStep):
    """Decide which values of small segments are withheld from readers."""

    label = "withheld values"

    @property
    def title(self):
        return self.env._("Withheld values")

    def _run(self):
        withhold(self.refresh.company, self.refresh.now)


class GoalsStep(CompanyStep):
    label = "goals"

    @property
    def title(self):
        return self.env._("Goals")

    def _run(self):
        # superuser: the value and status of a goal are computed, never entered
        self.refresh.company.env["crm.kpi.goal"].sudo()._refresh(self.refresh.company)


class AnnounceStep(CompanyStep):
    """Tell open boards of new values, if there are any."""

    label = "boards"

    @property
    def title(self):
        return self.env._("Open boards")

    def _run(self):
        if self.refresh.written:
            announce(self.refresh.company)
