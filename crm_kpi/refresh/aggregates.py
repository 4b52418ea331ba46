# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Computes the aggregate KPIs of a source in a company: one statement for all that is due."""

import logging

import psycopg2

from ..engine.cells import NO_CELLS, cells
from .by_segment import facts_by_segment, owners_of, segment_sets
from .cohort_rows import ROWS
from .counted import CountedRecords
from .due import DueValues
from .fact_plan import FactPlan
from .failures import confined, error_text, note_failure, note_success, skipped
from .fingerprints import fingerprints, record_count
from .scope import active_people, crossed_levels, kpis_to_refresh
from .store import changed_cells
from .target import Target
from .values import Stored, note_computed, store_cells
from .withheld import may_be_withheld

_logger = logging.getLogger(__name__)


def claim(source):
    """Lock a source for this transaction; false when another one computes it right now."""
    # superuser: a lock, nothing is read. New KPIs of the source do not wait for it
    return bool(source.sudo().try_lock_for_update(allow_referencing=True))


def first_block(due, records, limit):
    """What to compute first: the latest periods with together not more records than a limit.

    :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
    :param records: as in :meth:`~.due.DueValues.find`
    :return: the part of ``due`` of these periods, at least of one
    """
    chosen, total = set(), 0
    periods = {period for _kpi, period in due}
    for period in sorted(periods, key=lambda one: (one.utc_to, one.id), reverse=True):
        total += record_count(records.get(period.id, "0"))
        if chosen and total > limit:
            break
        chosen.add(period)
    return {key: found for key, found in due.items() if key[1] in chosen}


class Aggregates:
    """The KPIs of one source in one company.

    :param company: in the environment of the refresh
    :param now: naive UTC
    """

    def __init__(self, source, company, now):
        self.source = source
        self.company = company
        self.env = company.env
        self.now = now
        self.crossed = None
        #: Whether another transaction computes the source, so that nothing was done.
        self.is_busy = False
        #: Number of values (KPIs in periods) that are due and were left to another run.
        self.left = 0
        #: ``(kpi, period)`` of the values that were computed and whose cells are known now.
        self.computed = []
        #: ``(kpi, period)`` of all values that were computed.
        self.noted = []
        self.stored = Stored()

    def refresh(self, periods, kpis=None, counted=None, limit=None):
        """Compute what is due.

        :param kpis: only these; ``None``: all that do not wait for a retry
        :param counted: as in :func:`~.fingerprints.fingerprints`
        :param limit: number of records from which further periods are left to another run
        :return: number of cells written
        """
        own = kpis_to_refresh(self.company, kpis)
        own = own.filtered(lambda kpi: kpi.source_id == self.source)
        if all(kpi._is_stock() for kpi in own):
            # by the time, because a refresh that resumes does not update the states again
            periods = periods.filtered(lambda period: period.utc_from <= self.now < period.utc_to)
        if not own or not periods:
            return 0
        if not claim(self.source):
            self.is_busy = True
            return 0
        if self.source.model not in self.env:
            text = self.env._("The app that brings %s is not installed.", self.source.model)
            note_failure(own, text)
            return 0
        if self.source.needs_approval:
            text = self.env._(
                "The source %s reads records that its author may not read. A system administrator "
                "must approve it.",
                self.source.name,
            )
            note_failure(own, text)
            return 0
        self.env.flush_all()
        self.crossed = crossed_levels(self.company, self.now)
        due = None
        with confined(own):
            records = fingerprints(self.source, self.company, periods, self.now, counted)
            due = DueValues(own, self.crossed, self.now).find(periods, records)
        if not due:
            if due is not None:
                note_success(own.filtered("last_error"), self.now)
            return 0
        concerned = {kpi for kpi, _period in due}
        note_success(own.filtered(lambda kpi: kpi not in concerned and kpi.last_error), self.now)
        block = first_block(due, records, limit) if limit else due
        self.left = len(due) - len(block)
        return self._compute_block(own, block, records)

    def _compute_block(self, kpis, due, records):
        """Compute what is due: all cells, or those that can differ."""
        counted = CountedRecords(self.source, self.company, self.now)
        narrowed, owners = {}, None
        with skipped(self.env, f"{self.source.code}: all cells are computed"):
            narrowed, owners = counted.narrow(due, records)
        parts = [(narrowed, owners)]
        others = {key: found for key, found in due.items() if key not in narrowed}
        if self.source.kind == "cohort":
            # of closed periods often a few KPIs are due, and rows are made for each period
            for is_closed in (True, False):
                part = {
                    key: found
                    for key, found in others.items()
                    if (key[1].utc_to <= self.now) == is_closed
                }
                parts.append((part, None))
        else:
            parts.append((others, None))
        written, failed = 0, kpis.browse()
        for part, part_owners in parts:
            concerned = {kpi for kpi, _period in part}
            own = kpis.filtered(lambda kpi, concerned=concerned: kpi in concerned) - failed
            if own:
                written += self._compute(own, part, part_owners)
                failed |= own.filtered("last_error")
        counted.note(self.noted)
        return written

    def _compute(self, kpis, due, owners=None):
        """Compute and store; KPIs that fail are found and left out.

        :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
        :param owners: as in :func:`~.store.store_statement`
        """
        periods = self.env["crm.kpi.period"].union(*{period for _kpi, period in due})
        builder = None
        with confined(kpis):
            builder = self._plan_builder(periods, kpis, in_pieces=True)
        if builder is None:
            return 0
        working = kpis.browse()
        for kpi in kpis:
            with confined(kpi):
                builder.add(kpi)
                working |= kpi
        if not working:
            return 0
        try:
            with self.env.cr.savepoint():
                written = self._write(working, builder.plan(), due, owners)
        except psycopg2.OperationalError:
            raise
        except Exception as error:
            # Any exception, for the reason given in confined(). Of several KPIs, those that
            # fail are found by computing each one alone.
            if len(working) == 1:
                note_failure(working, error_text(error), error=error)
                return 0
            _logger.info("KPI refresh: %s: one KPI after the other", self.source.code)
            return sum(
                self._compute(kpi, own_due, owners)
                for kpi in working
                if (own_due := {key: value for key, value in due.items() if key[0] == kpi})
            )
        note_success(working, self.now)
        return written

    def _write(self, kpis, plan, due, owners=None):
        """Store the cells of the KPIs of a plan."""
        due = {key: value for key, value in due.items() if key[0] in kpis}
        if not due:
            return 0
        targets, unreliable = [], []
        for (kpi, period), found in due.items():
            target = self._target(kpi, period, found)
            if kpi._is_reliable(period):
                targets.append(target)
            else:
                unreliable.append(target._replace(zero_when_empty=False, running=False))
        written = 0
        if targets:
            sets = segment_sets(self.company)
            written += self._store(
                cells(plan, facts_by_segment(plan, sets, self.company.id), owners),
                targets,
                facts=plan.facts(),
                active_people=active_people(self.source, self.company),
                owners=owners,
            )
        if unreliable:
            written += self._store(NO_CELLS, unreliable, owners=owners)
        self._note(due)
        return written

    def add_changes(self, due):
        """Add the differences that :class:`~.cohort_rows.ChangedRows` make.

        :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`, of closed periods
        :return: number of cells written
        """
        self.env.flush_all()
        self.crossed = crossed_levels(self.company, self.now)
        periods = self.env["crm.kpi.period"].union(*{period for _kpi, period in due})
        kpis = self.env["crm.kpi"].union(*{kpi for kpi, _period in due})
        builder = self._plan_builder(periods, kpis, changes=True)
        for kpi in kpis:
            builder.add(kpi)
        plan = builder.plan()
        by_segment = facts_by_segment(plan, segment_sets(self.company), self.company.id)
        owners = owners_of(self.env, plan.facts(), by_segment)
        targets = [self._target(kpi, period, found) for (kpi, period), found in due.items()]
        written = self._store(
            changed_cells(cells(plan, by_segment), targets, owners),
            targets,
            facts=plan.facts(),
            owners=owners,
        )
        self._note(due)
        return written

    def _plan_builder(self, periods, kpis, **options):
        source = self.source
        if rows := source.env.context.get(ROWS):
            rows = rows.to_read(len(kpis), periods.ids)
            source = source.with_context(**{ROWS: rows})
        return FactPlan(
            source,
            self.company,
            periods.sorted(),
            self.now,
            crossed=self.crossed,
            **options,
        )

    def _note(self, due):
        note_computed(self.env, due, self.now, self.stored)
        self.noted += due
        recounted = self.stored.recounted
        self.computed += [key for key in due if (key[0].id, key[1].id) not in recounted]

    def _target(self, kpi, period, due):
        return Target(
            kpi_id=kpi.id,
            period_id=period.id,
            version=kpi.version,
            locked=due.locked,
            redefined=due.redefined,
            replaced=due.replaced,
            zero_when_empty=kpi._zero_when_empty,
            running=period.state == "open",
        )

    def _store(self, computed, targets, **options):
        stored = store_cells(
            self.env,
            targets,
            computed,
            self.company.id,
            self.now,
            may_be_withheld=may_be_withheld(self.company),
            **options,
        )
        self.stored.add(stored)
        return stored.written
