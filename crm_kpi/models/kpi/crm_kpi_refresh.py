# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The refresh: what is due, one statement per source, formulas after their components.

All of it runs as superuser, hence every ``sudo()`` below: values are computed for everybody
and all companies, nothing is returned to the user, and who may read which value is for the
record rules.
"""

import logging
import re
from datetime import date, timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...engine import formula as engine
from ...engine import periods as calendar
from ...engine import scan
from ..board.ir_websocket import BUS_CHANNEL

_logger = logging.getLogger(__name__)

#: Parameter with the step at which the scheduled refresh goes on.
NEXT_STEP = "crm_kpi.refresh_next_step"
#: First retry after a failure; doubled with each further one, at most a day.
RETRY = timedelta(minutes=5)
#: Days and weeks are kept so long; longer periods stay for good.
SHORT_PERIODS_KEPT = timedelta(weeks=26)
#: A record dated earlier than this is a slip of the pen, not history.
EARLIEST = timedelta(days=365 * 20)
#: A date in a filter that moves with time: 'now', 'today -1m', '-7d', '=monday'.
RELATIVE_DATE = re.compile(r"""\b(now|today)\b|['"]([+-]\d|=(\d|\w+day))""")


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _refresh(self, periods=None, kpis=None):
        """Compute all that is due and store it.

        Due is a KPI in a period whose records or definition changed since it was last
        computed. An error in one KPI is noted on it and does not stop the others.

        :param periods: only these periods; default all that exist, and those that the
            calendar and the history of the records ask for
        :param kpis: only these KPIs (and the components of their formulas), also those
            that wait for a retry; default all published ones
        :return: number of cells written
        """
        if self.env["crm.kpi.backfill"]._is_pending():
            _logger.info("KPI refresh: waits until the history has been read")
            return 0
        if kpis is not None:
            # superuser: when the engine tries again is its own note
            kpis.sudo().filtered("next_try").write({"next_try": False})
        return sum(work() or 0 for _name, work in self._refresh_steps(periods, kpis))

    @api.model
    def _cron_refresh(self):
        """The same in steps that are committed one by one, as far as the time allows.

        The next run goes on where this one had to stop: beginning anew each time, it would
        never come to the last steps of a large database.
        """
        cron = self.env["ir.cron"]
        # superuser: bookkeeping of the scheduled action, which runs as superuser anyway
        memory = self.env["ir.config_parameter"].sudo()
        history = self.env["crm.kpi.backfill"].sudo()
        try:
            history._continue(between=lambda: cron._commit_progress(1, remaining=1))
        except psycopg2.OperationalError:
            _logger.info("KPI history: busy elsewhere, left to the next run")
            return
        if history._is_pending():
            return
        steps = list(self._refresh_steps(None, None))
        names = [name for name, _work in steps]
        begin = memory.get_param(NEXT_STEP)
        steps = steps[names.index(begin) if begin in names else 0 :]
        cron._commit_progress(remaining=len(steps))
        for index, (name, work) in enumerate(steps, start=1):
            try:
                with self.env.cr.savepoint():
                    work()
            except psycopg2.OperationalError:
                _logger.info("KPI refresh: %s is busy elsewhere, left to the next run", name)
            except Exception:
                # one step must not keep the others from being done
                _logger.exception("KPI refresh: %s failed", name)
            if not cron._commit_progress(1) and index < len(steps):
                memory.set_param(NEXT_STEP, steps[index][0])
                break
        else:
            if begin:
                memory.set_param(NEXT_STEP, False)

    def _refresh_steps(self, periods, kpis):
        """The work of a refresh as ``(name, callable)``, in the order it must be done."""
        # superuser: values are computed for everybody and all companies; who may read which
        # is for the record rules
        self = self.sudo()
        now = fields.Datetime.now()
        companies = self.env["res.company"].search([])
        if periods is not None:
            companies = periods.company_id
        yield "derive", self._refresh_derived
        yield "segments", self._refresh_segments
        for company in companies:
            scope = self.with_company(company)
            written = []
            for name, work in scope._company_steps(periods, kpis, now):
                yield (
                    f"{name} of {company.name}",
                    lambda work=work, written=written: written.append(work() or 0) or written[-1],
                )
            yield (
                f"boards of {company.name}",
                lambda scope=scope, written=written: any(written) and scope._announce(),
            )

    def _company_steps(self, periods, kpis, now):
        """The steps of the current company."""
        yield "periods", lambda: self._refresh_periods(now)
        counted = {}  # of the events behind cohorts: several sources follow from the same ones
        for source in self._refreshed(kpis, self.env.company).source_id.sorted():
            yield (
                source.code,
                lambda source=source: self._refresh_source(
                    source, self._due_periods(periods), kpis, now, counted
                ),
            )
        yield "formulas", lambda: self._refresh_formulas(self._due_periods(periods), kpis, now)
        yield "goals", lambda: self._refresh_goals(now)

    @api.model
    def _announce(self):
        """Tell the open boards of the company that there is something new; not what it is."""
        self.env["bus.bus"]._sendone((self.env.company, BUS_CHANNEL), "crm_kpi/refreshed", {})

    # --- BEFORE THE SCAN ---

    @api.model
    def _refresh_derived(self):
        """Derive what comes from conversations and histories, for dirty records."""
        self.env.flush_all()
        by_model = {}
        for source in self.env["crm.kpi.source"].sudo().search([]):
            if hasattr(self.env.get(source.model), "_kpi_derive"):
                by_model.setdefault(source.model, []).append(source.id)
        for model, source_ids in by_model.items():
            try:
                with self.env.cr.savepoint():
                    # superuser: facts are derived for everybody and read under record rules
                    self.env[model].sudo()._kpi_derive()
            except psycopg2.OperationalError:
                raise
            except (psycopg2.Error, ValueError, KeyError, AttributeError) as error:
                # the marks are back in the queue; other models go on
                self.sudo().search([("source_id", "in", source_ids)])._note_failure(
                    self.env._(
                        "%(model)s could not be derived: %(error)s",
                        model=self.env[model]._description,
                        error=error,
                    ),
                    everywhere=True,
                )

    @api.model
    def _refresh_segments(self):
        """Update who belongs to which segment; what that touches is checked anew."""
        self.env.flush_all()
        changed_from = self.env["crm.kpi.segment.set"].sudo()._update_members()
        if changed_from:
            self.env.execute_query(
                SQL(
                    """UPDATE crm_kpi_computation c SET fingerprint = NULL
                         FROM crm_kpi_period p
                        WHERE p.id = c.period_id AND p.date_to > %s AND p.state <> 'locked'
                    RETURNING 1""",
                    max(changed_from, date(1900, 1, 1)),
                )
            )

    @api.model
    def _refresh_periods(self, now):
        """Periods of the whole history, and the short ones that run now, with their states."""
        company = self.env.company
        period_model = self.env["crm.kpi.period"].sudo()
        today = calendar.local_day(now, company._kpi_tz())
        first = company.kpi_history_start
        if not first:
            sources = self._refreshed(None, company).source_id
            days = [
                day
                for source in sources | sources.base_source_ids
                if (day := source._first_day(company, today - EARLIEST))
            ]
            first = min(days, default=today)
        first = min(first, calendar.shift("month", calendar.start_of("month", today), -1))
        tomorrow = today + timedelta(days=1)
        period_model._ensure(first, tomorrow, ("month", "quarter", "year"))
        period_model._ensure_fiscal_years(first, tomorrow)
        for kind in ("day", "week"):
            previous = calendar.shift(kind, calendar.start_of(kind, today), -1)
            period_model._ensure(previous, tomorrow, (kind,))
        period_model.search(
            [("company_id", "=", company.id), ("state", "!=", "locked")]
        )._update_states()
        period_model._ensure_same_parts(now)

    @api.model
    def _due_periods(self, periods):
        domain = [("company_id", "=", self.env.company.id), ("state", "!=", "future")]
        if periods is not None:
            periods = periods.exists()  # parts that are compared with come and go
            domain.append(("id", "in", periods.ids))
            periods.filtered(lambda p: p.state != "locked")._update_states()
        return self.env["crm.kpi.period"].sudo().search(domain)

    @api.model
    def _refreshed(self, kpis, company):
        """The KPIs that a refresh of a company is about, with the components they need."""
        domain = [("state", "=", "published"), ("company_id", "in", [False, company.id])]
        if kpis is None:
            domain += ["|", ("next_try", "=", False), ("next_try", "<=", fields.Datetime.now())]
            chosen = self.sudo().search(domain)
        else:
            chosen = kpis.with_env(self.env).sudo().filtered_domain(domain)
        return chosen._with_components()

    def _with_components(self):
        result = self
        while missing := result.component_ids - result:
            result |= missing
        return result

    def _crossed_ids(self, company):
        """Ids of the KPIs to compute at the crossed levels: asked for, by goals, by formulas."""
        # superuser, here and below: values are computed for everybody's goals and KPIs
        goals = (
            self.env["crm.kpi.goal"]
            .sudo()
            ._read_group(
                [
                    ("company_id", "=", company.id),
                    ("scope", "in", ["team_segment", "user_segment"]),
                ],
                ["kpi_id"],
            )
        )
        # of all KPIs: a formula's components are computed with their own sources
        asked = self.sudo().search(
            [
                ("cross_levels", "=", True),
                ("state", "=", "published"),
                ("company_id", "in", [False, company.id]),
            ]
        )
        wanted = asked | self.browse(kpi.id for (kpi,) in goals)
        return frozenset(wanted._with_components().ids)

    # --- AGGREGATES ---

    @api.model
    def _refresh_source(self, source, periods, kpis, now, counted):
        """Compute the KPIs of one source in one company: one statement.

        :param counted: as in :meth:`~.crm_kpi_source.CrmKpiSource._fingerprints`
        """
        company = self.env.company
        mine = self._refreshed(kpis, company).filtered(lambda k: k.source_id == source)
        if source.kind == "snapshot" and not source.rebuildable:
            periods = periods.filtered(lambda p: p.state == "open")
        if not mine or not periods or self._claimed_elsewhere(source):
            return 0
        if source.model not in self.env:
            mine._note_failure(self.env._("The app that brings %s is not installed.", source.model))
            return 0
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                prints = source._fingerprints(company, periods, now, counted)
        except (psycopg2.Error, ValueError, KeyError, AttributeError) as error:
            mine._note_failure(str(error))
            return 0
        cross_levels = mine._crossed_ids(company)
        targets = mine._due(periods, prints, cross_levels, now)
        if not targets:
            mine.filtered("last_error")._note_success(now)
            return 0
        return mine._compute_aggregates(source, targets, cross_levels, now)

    def _claimed_elsewhere(self, source):
        """Whether another worker computes this source right now; claims it otherwise."""
        # superuser: a lock, nothing is read
        return not source.sudo().try_lock_for_update()

    def _due(self, periods, prints, cross_levels, now):
        """``(kpi, period) -> (fingerprint, locked)`` of what has to be computed."""
        known = {
            (kpi_id, period_id): (fingerprint, version, computed_at)
            for kpi_id, period_id, fingerprint, version, computed_at in self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id, fingerprint, version, computed_at
                         FROM crm_kpi_computation
                        WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)""",
                    self.ids,
                    periods.ids,
                )
            )
        }
        due = {}
        for kpi in self:
            waits = timedelta(days=max(kpi._with_components().mapped("maturity_days")))
            for period in periods:
                if kpi.complete_only and period.state == "open":
                    continue
                before = known.get((kpi.id, period.id))
                # what is observed for some days after the period is not final before
                final = before is not None and before[2] >= period.utc_to + waits
                locked = period.state == "locked" and final
                salt = kpi._salt(period, kpi.id in cross_levels, locked, now)
                fingerprint = f"{prints.get(period.id, '0')}|{salt}"
                # of what was stored before the lock, the second part does not matter any more
                known_print = (before and before[0]) or ""
                if locked and known_print.rpartition("|")[0] == fingerprint.rpartition("|")[0]:
                    continue
                if known_print != fingerprint:
                    due[kpi, period] = (fingerprint, locked)
                elif not locked and before[1] != kpi.version:
                    due[kpi, period] = (fingerprint, False)
        return due

    def _salt(self, period, cross_levels, locked, now):
        """What a value depends on beside the records, as the end of its fingerprint.

        In two parts: what always counts, and what counts until the period is locked.
        """
        company = period.company_id
        parts = [f"L{company.kpi_inactivity_days}"] if self.source_id.kind == "cohort" else []
        if not self._is_reliable(period):
            parts.append("untold")
        if cross_levels:
            parts.append("x")
        return f"{':'.join(parts)}|{'' if locked else self._salt_of_time(period, now)}"

    def _salt_of_time(self, period, now):
        """What a value depends on until its period is locked: settings, and the hour."""
        company, parts = period.company_id, []
        if least := self._least_cell(company):
            parts.append(f"m{least}")
        if period.state == "open":
            parts.append("open")
        horizon = period.utc_to + timedelta(days=self.maturity_days)
        relative = RELATIVE_DATE.search(f"{self.domain} {self.source_id.domain}")
        ages = relative or self.source_id.kind in ("snapshot", "cohort")
        if (self.maturity_days and now < horizon) or (ages and period.state == "open"):
            # time alone changes it: at most one computation an hour
            parts.append(f"{now:%Y%m%d%H}")
        elif relative:
            # what was not yet due when the period ended becomes due afterwards
            parts.append(f"{now:%Y%m%d}")
        return ":".join(parts)

    def _compute_aggregates(self, source, targets, cross_levels, now):
        company = self.env.company
        periods = self.env["crm.kpi.period"].union(*{period for _kpi, period in targets})
        plan, errors = source._plan(company, periods.sorted(), now, self, cross_levels)
        for kpi, error in errors.items():
            kpi._note_failure(error)
        working = self.filtered(lambda kpi: kpi not in errors)
        if not working:
            return 0
        try:
            with self.env.cr.savepoint():
                written = working._write_aggregates(source, plan, targets, now)
        except psycopg2.OperationalError:
            raise
        except psycopg2.Error as error:
            if len(working) == 1:
                working._note_failure(str(error))
                return 0
            # one of them is broken: find it, and let the others go on
            return sum(
                kpi._compute_aggregates(
                    source, {k: v for k, v in targets.items() if k[0] == kpi}, cross_levels, now
                )
                for kpi in working
                if any(target[0] == kpi for target in targets)
            )
        working._note_success(now)
        return written

    def _write_aggregates(self, source, plan, targets, now):
        company = self.env.company
        kept = {key: value for key, value in targets.items() if key[0] in self}
        if not kept:
            return 0
        sets = self.env["crm.kpi.source"]._sets_by_unknown(company)
        rows, untold = [], []
        for (kpi, period), (_fingerprint, locked) in kept.items():
            key = (kpi.id, period.id, kpi.version, locked)
            if kpi._is_reliable(period):
                zero, running = kpi._zero_when_empty, period.state == "open"
                rows.append((*key, zero, running, kpi._least_cell(company)))
            else:
                untold.append((*key, False, False, 0))
        result = 0
        if rows:
            result += self._store(
                scan.write(
                    scan.cells(plan, sets, company.id),
                    rows,
                    company.id,
                    now,
                    facts=plan.facts(),
                    active_people=self._active_people(source, company),
                )
            )
        if untold:
            result += self._store(scan.write(scan.NO_CELLS, untold, company.id, now))
        self._note_computed(kept, now)
        return result

    def _store(self, statement):
        self._know_values()
        [[gone, restated, stored]] = self.env.execute_query(statement)
        self.env["crm.kpi.value"].invalidate_model()
        self.env["crm.kpi.restatement"].invalidate_model()
        if gone or restated or stored:
            _logger.debug("KPI cells: %s stored, %s gone, %s restated", stored, gone, restated)
        return gone + restated + stored

    @api.model
    def _know_values(self):
        """Let the planner know how many values there are by now.

        A first refresh, or the loading of demo data, writes all of them in one transaction,
        in which nobody else renews the statistics: they would still tell of an empty table.
        """
        [[known, pages]] = self.env.execute_query(
            SQL(
                """SELECT relpages, pg_relation_size(oid) / current_setting('block_size')::int
                     FROM pg_class WHERE oid = 'crm_kpi_value'::regclass"""
            )
        )
        if pages > 2 * known + 50:
            self.env.cr.execute("ANALYZE crm_kpi_value")

    @api.model
    def _active_people(self, source, company):
        """Active salespeople and teams: they read 0, not nothing, in a running period."""
        if not source.user_field:
            return ((), ())
        # superuser: values are computed for all, whoever asks
        members = (
            self.env["crm.team.member"]
            .sudo()
            .search(["|", ("company_id", "=", False), ("company_id", "=", company.id)])
        )
        members = members.filtered(lambda m: company in m.user_id.company_ids)
        if source.team_field:
            return (tuple(members.user_id.ids), tuple(members.crm_team_id.ids))
        return (tuple(members.user_id.ids), ())

    def _note_computed(self, targets, now):
        self.env.execute_query(
            SQL(
                """INSERT INTO crm_kpi_computation AS c
                          (kpi_id, period_id, fingerprint, version, computed_at, revision)
                   SELECT t.*, %s, 1 FROM unnest(%s::int4[], %s::int4[], %s::text[], %s::int4[]) AS t
                       ON CONFLICT (kpi_id, period_id) DO UPDATE
                      SET fingerprint = EXCLUDED.fingerprint, computed_at = EXCLUDED.computed_at,
                          version = EXCLUDED.version, revision = c.revision + 1
                   RETURNING 1""",
                now,
                [kpi.id for kpi, _period in targets],
                [period.id for _kpi, period in targets],
                [fingerprint for fingerprint, _locked in targets.values()],
                [kpi.version for kpi, _period in targets],
            )
        )
        self.env["crm.kpi.computation"].invalidate_model()

    # --- FORMULAS ---

    @api.model
    def _refresh_formulas(self, periods, kpis, now):
        """Compute the formulas whose components changed, each after those it uses."""
        company = self.env.company
        mine = self._refreshed(kpis, company).filtered(lambda k: k.kind == "formula")
        formulas = {}
        for kpi in mine:
            try:
                formulas[kpi.code] = engine.parse(kpi.formula)
            except engine.FormulaError as error:
                kpi._note_failure(self._formula_message(error))
        order, cycle = engine.evaluation_order(formulas)
        by_code = {kpi.code: kpi for kpi in mine}
        for code in cycle:
            by_code[code]._note_failure(self.env._("Formula: %s depends on itself.", code))
        cross_levels = mine._crossed_ids(company)
        written = 0
        for kpi in (by_code[code] for code in order):
            try:
                with self.env.cr.savepoint():
                    written += kpi._refresh_formula(formulas[kpi.code], periods, cross_levels, now)
                kpi._note_success(now)
            except psycopg2.OperationalError:
                raise
            except (psycopg2.Error, UserError) as error:
                kpi._note_failure(str(error))
        return written

    def _refresh_formula(self, formula, periods, cross_levels, now):
        company = self.env.company
        components = {kpi.code: kpi for kpi in self._by_code(formula.codes)}
        missing = [code for code in formula.codes if code not in components]
        if missing:
            raise UserError(self.env._("Formula: there is no KPI %s.", ", ".join(missing)))
        shifts = {component.shift for component in formula.components}
        previous = periods._previous() if "previous" in shifts else {}
        last_year = periods._previous(years=1) if "last_year" in shifts else {}
        sources = {"": {p: p for p in periods}, "target": {p: p for p in periods},
                   "previous": previous, "last_year": last_year}  # fmt: skip
        prints, revisions = self._component_prints(formula, components, periods, sources)
        targets = self._due(periods, prints, cross_levels, now)
        if not targets:
            return 0
        lookups = [(0, 0, 0, 0)]  # keeps the arrays typed where nothing can be looked up
        for slot, component in enumerate(formula.components, start=1):
            for _kpi, period in targets:
                source = sources[component.shift].get(period)
                kpi = components[component.code]
                if source and component.shift == "target":
                    lookups.append((period.id, -slot, kpi.id, source.id))
                elif source and (kpi.id, source.id) in revisions and kpi._is_reliable(source):
                    lookups.append((period.id, slot, kpi.id, source.id))
        wanted = [period for _kpi, period in targets]
        constants = {period.id: period._formula_constants() for period in wanted}
        zeros = [
            components[c.code]._zero_when_empty and c.shift != "target" for c in formula.components
        ]
        cells = scan.formula_cells(
            formula, self.id, zeros, self.id in cross_levels, lookups, constants
        )
        least = self._least_cell(company)
        rows = [
            (self.id, period.id, self.version, locked, False, period.state == "open", least)
            for (_kpi, period), (_fingerprint, locked) in targets.items()
        ]
        written = self._store(scan.write(cells, rows, company.id, now))
        self._note_computed(targets, now)
        return written

    def _component_prints(self, formula, components, periods, sources):
        """Fingerprint of a formula: how often its components were computed, and their goals.

        :return: ``(prints, revisions)``: text by id of the period; how often by ids of the
            component and its period, without those that were never computed
        """
        used = [components[code].id for code in formula.codes]
        around = set(periods.ids)
        for mapping in sources.values():
            around |= {period.id for period in mapping.values()}
        stamps = {
            (kpi_id, period_id): revision
            for kpi_id, period_id, revision in self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id, revision FROM crm_kpi_computation
                        WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)""",
                    used,
                    list(around),
                )
            )
        }
        goals = {}
        if any(component.shift == "target" for component in formula.components):
            goals = {
                (kpi_id, period_id): stamp
                for kpi_id, period_id, stamp in self.env.execute_query(
                    SQL(
                        """SELECT kpi_id, period_id, count(*) || ':' || max(write_date)
                             FROM crm_kpi_goal WHERE active AND kpi_id = ANY(%s)
                            GROUP BY kpi_id, period_id""",
                        used,
                    )
                )
            }
        settings = self.env.company._kpi_constants()
        prints = {}
        for period in periods:
            parts = [f"{name}={settings[name]}" for name in formula.settings]
            for component in formula.components:
                source = sources[component.shift].get(period)
                key = (components[component.code].id, source.id if source else 0)
                parts.append(str((goals if component.shift == "target" else stamps).get(key)))
            prints[period.id] = "/".join(parts)
        return prints, stamps

    # --- AFTERWARDS ---

    @api.model
    def _refresh_goals(self, now):
        # superuser: a goal's value and status are computed, never typed
        self.env["crm.kpi.goal"].sudo()._refresh(self.env.company)

    def _note_failure(self, error, everywhere=False):
        """Keep the reason on the KPI and try again later, each time after a longer while.

        :param everywhere: whether it fails for all companies, not for the current one only
        """
        now = fields.Datetime.now()
        for kpi in self:
            # a refresh of several companies fails once
            waiting = kpi.next_try and kpi.next_try > now
            count = kpi.failure_count + (0 if waiting else 1)
            delay = min(RETRY * 2 ** min(count - 1, 9), timedelta(days=1))
            message = re.sub(r"\s*\n(LINE|\s*\^).*", "", str(error), flags=re.DOTALL).strip()
            kpi.write(
                {
                    "failure_count": count,
                    "failed_company_id": not everywhere and self.env.company.id,
                    "last_error": message,
                    "next_try": now + delay,
                }
            )
            _logger.warning("KPI %s could not be computed: %s", kpi.code, message)

    def _note_success(self, now):
        # what failed in this very refresh waits for its retry; what fails in one company is
        # not cured by working in another, or it would be tried for ever without a longer while
        here = self.env.company
        cured = self.filtered(
            lambda kpi: (
                kpi.last_error
                and not (kpi.next_try and kpi.next_try > now)
                and (kpi.failed_company_id == here or not kpi.failed_company_id.active)
            )
        )
        cured.write(
            {
                "failure_count": 0,
                "failed_company_id": False,
                "last_error": False,
                "next_try": False,
            }
        )
        self.env.execute_query(
            SQL(
                "UPDATE crm_kpi SET last_refresh = %s WHERE id = ANY(%s) RETURNING 1", now, self.ids
            )
        )
        self.invalidate_recordset(["last_refresh"])

    @api.autovacuum
    def _gc_short_periods(self):
        """Days and weeks long past: nobody reads them, months and longer stay."""
        limit = fields.Date.today() - SHORT_PERIODS_KEPT
        old = self.env["crm.kpi.period"].search(
            [("kind", "in", ["day", "week"]), ("date_to", "<", limit)], limit=1000
        )
        kept = self.env["crm.kpi.goal"].search([("period_id", "in", old.ids)]).period_id
        gone = old - kept
        gone.write({"state": "provisional"})
        gone.unlink()
        return len(gone), len(old) == 1000 and bool(gone)
