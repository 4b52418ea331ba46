# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finds whose values of closed periods a changed record concerns, now and before the change.

A record that changed last year is read with all others of its month, quarter and year. But only
its team, salesperson and segments have other values than before, besides the company. A refresh
keeps the owners of the records that it has counted in closed periods. Their difference from those
of today tells which records changed, and whose cells have to be computed again.

The column ``content`` of ``crm.kpi.computation`` is set while a value was computed with the
segments of today. The kept records of a period are those of a value when their fingerprint is the
one that the value was computed from.
"""

from datetime import timedelta

from odoo.tools import SQL

from ..engine import periods as calendar
from ..engine.cells import windows_join
from ..sql import unnest
from .by_segment import facts_by_segment, owners_of, segment_sets
from .cache_key import CacheKey
from .due import RELATIVE_DATE
from .fact_periods import event_windows
from .fact_plan import FactPlan
from .fingerprints import record_count
from .planner import MANY, planned_for
from .rates import is_converted
from .store import among
from .withheld import Table

#: Changed records of which the owners are looked up. More belong to most of the owners.
FEW = 200
#: KPIs of a source from which all of their cells take longer than a comparison of the records.
MANY_KPIS = 10
#: Temporary table of the records that changed: as they were (``change`` is -1), and as they are (1).
CHANGES = SQL.identifier("crm_kpi_counted_change")
_TABLE = SQL.identifier("crm_kpi_counted_record")
#: What is kept of a record.
COLUMNS = ("record_id", "stamp", "at", "user_id", "team_id", "partner_id", "country_id")
_COLUMNS = SQL(", ").join(map(SQL.identifier, COLUMNS))


class CountedRecords:
    """The records of a source that values of closed periods have counted in a company.

    :param now: naive UTC
    """

    def __init__(self, source, company, now):
        self.source = source
        self.company = company
        self.now = now
        self.env = company.env
        self.is_kept = False
        #: SQL condition of the rows of the source and company.
        self.own = SQL("source_id = %s AND company_id = %s", source.id, company.id)

    def narrow(self, due, records):
        """Keep the records of the closed periods that are due, and find whose cells differ.

        :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
        :param records: as in :meth:`~.due.DueValues.find`, of all periods
        :return: the part of ``due`` of which no other cells than those of the company and of the
            :class:`~..engine.cells.Owners` can differ, and these
        """
        closed = {key: found for key, found in due.items() if key[1].utc_to <= self.now}
        kpis = {kpi for kpi, _period in closed}
        if len(kpis) < MANY_KPIS or not self._are_many(records):
            return {}, None
        periods = self.env["crm.kpi.period"].union(*{period for _kpi, period in closed})
        builder = FactPlan(self.source, self.company, periods.sorted(), self.now)
        kept = self._fingerprints(builder.facts, periods)
        self._keep(builder, periods)
        self.is_kept = True
        based = self._based(closed)
        narrowed = {
            (kpi, period): found
            for (kpi, period), found in closed.items()
            if found.only_records
            and based.get((kpi.id, period.id)) == kept.get(period.id, "0")
            and self._is_mature(kpi, period)
            and self._reads_own_fields(kpi)
        }
        owners = self._owners(builder) if narrowed else None
        return (narrowed, owners) if owners else ({}, None)

    def note(self, due):
        """Note that values were computed with the segments of today.

        :param due: dict of ``(kpi, period)`` to :class:`~.due.Due`
        """
        if not self.is_kept:
            return
        rows = [Table(kpi.id, period.id) for kpi, period in due if period.utc_to <= self.now]
        self.env.execute_query(
            SQL(
                """UPDATE crm_kpi_computation SET content = 'kept'
                    WHERE (kpi_id, period_id) IN (SELECT * FROM %s) RETURNING 1""",
                unnest(Table, rows, "computed"),
            )
        )
        self.env["crm.kpi.computation"].invalidate_model(["content"])

    def _are_many(self, records):
        """Whether all cells of a source take much longer than those of some owners."""
        source = self.source
        return (
            source.kind == "event"
            and not source.date_end_field
            and not source.segment_field
            and source._has_pieces()
            and self.env[source.model]._auto
            and max(map(record_count, records.values()), default=0) >= MANY
        )

    def _is_mature(self, kpi, period):
        """Whether no record of the period begins to count because time passes."""
        return self.now >= period.utc_to + timedelta(days=kpi.maturity_days)

    def _reads_own_fields(self, kpi):
        """Whether a record has another value only after a change of itself.

        Otherwise the cells of the company could differ by other records than those of the owners.
        """
        if "." in (kpi.value_field or "") or is_converted(kpi):
            return False
        if RELATIVE_DATE.search(kpi.domain or ""):
            return False
        fields = self.env[self.source.model]._fields
        return all(
            (field := fields.get(condition.field_expr)) is not None and not field.relational
            for condition in self.source._usable_domain(kpi.domain, "").iter_conditions()
        )

    # --- WHAT IS KEPT ---

    def _windows(self, facts, periods):
        """List of :class:`~..engine.cells.Window`."""
        return event_windows(facts, periods, self.now, facts.is_date("date_field"))

    def _kept(self, facts, periods):
        """SQL of the kept rows that are dated in the periods, for ``FROM … WHERE``."""
        windows = self._windows(facts, periods)
        return SQL(
            "%s AND at >= %s AND at < %s",
            self.own,
            min(window.start for window in windows),
            max(window.end for window in windows),
        )

    def _fingerprints(self, facts, periods):
        """As :func:`~.fingerprints.fingerprints`, of the kept records."""
        cast = "date" if facts.is_date("date_field") else "timestamp"
        tracks = calendar.tracks(self._windows(facts, periods))
        rows = self.env.execute_query(
            SQL(
                """SELECT p.period_id, count(*), sum(stamp)::text FROM %s %s
                    WHERE p.period_id IS NOT NULL AND %s GROUP BY p.period_id""",
                _TABLE,
                windows_join(SQL("at"), tracks, cast),
                self._kept(facts, periods),
            )
        )
        return {period_id: f"{count}:{stamp}" for period_id, count, stamp in rows}

    def _keep(self, builder, periods):
        """Bring the kept records that are dated in the periods up to date."""
        cr = self.env.cr
        cr.execute(SQL("DROP TABLE IF EXISTS %s", CHANGES))
        with planned_for(cr, MANY):
            cr.execute(
                SQL(
                    """CREATE TEMPORARY TABLE %(changes)s ON COMMIT DROP AS
                       WITH fresh AS MATERIALIZED (%(fresh)s), kept AS MATERIALIZED (%(kept)s)
                       SELECT -1 AS change, gone.*
                         FROM (SELECT * FROM kept EXCEPT SELECT * FROM fresh) AS gone
                        UNION ALL
                       SELECT 1, came.*
                         FROM (SELECT * FROM fresh EXCEPT SELECT * FROM kept) AS came""",
                    changes=CHANGES,
                    fresh=counted_records(builder),
                    kept=SQL(
                        "SELECT %s FROM %s WHERE %s",
                        _COLUMNS,
                        _TABLE,
                        self._kept(builder.facts, periods),
                    ),
                )
            )
            # also a record that was dated elsewhere
            cr.execute(
                SQL(
                    "DELETE FROM %s WHERE %s AND record_id IN (SELECT record_id FROM %s)",
                    _TABLE,
                    self.own,
                    CHANGES,
                )
            )
            cr.execute(
                SQL(
                    """INSERT INTO %s (source_id, company_id, %s)
                       SELECT %s, %s, %s FROM %s WHERE change = 1""",
                    _TABLE,
                    _COLUMNS,
                    self.source.id,
                    self.company.id,
                    _COLUMNS,
                    CHANGES,
                )
            )
        self.env["crm.kpi.counted.record"].invalidate_model()

    def _based(self, due):
        """The ``records`` of the cache keys: dict by ``(kpi id, period id)``, of the values that
        were computed with the segments of today."""
        rows = self.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, fingerprint FROM crm_kpi_computation AS computation
                    WHERE content IS NOT NULL AND fingerprint IS NOT NULL AND %s""",
                among(
                    "computation",
                    {kpi.id for kpi, _period in due},
                    {period.id for _kpi, period in due},
                ),
            )
        )
        return {
            (kpi_id, period_id): key.records
            for kpi_id, period_id, text in rows
            if (key := CacheKey.decode(text))
        }

    # --- WHOSE CELLS DIFFER ---

    def _owners(self, builder):
        """The :class:`~..engine.cells.Owners` of the records that changed; ``None`` where they are
        many, or where the segments of a customer that was deleted are not known any more."""
        [[changed, of_deleted]] = self.env.execute_query(
            SQL(
                """SELECT count(DISTINCT record_id),
                          count(*) FILTER (WHERE partner_id NOT IN (SELECT id FROM res_partner))
                     FROM %s""",
                CHANGES,
            )
        )
        if of_deleted or changed > FEW:
            return None
        by_segment = facts_by_segment(
            builder.plan(), segment_sets(self.company), self.company.id, SQL("f.day")
        )
        return owners_of(self.env, changed_facts(builder.facts), by_segment)


def counted_records(builder):
    """The records of a source that are dated in some periods: SQL (:data:`COLUMNS`).

    :param builder: :class:`~.fact_plan.FactPlan` without KPIs
    """
    plan, facts = builder.plan(), builder.facts
    return SQL(
        """SELECT %s AS record_id, %s AS stamp, (%s)::timestamp AS at, NULLIF(%s, 1) AS user_id,
                  %s AS team_id, %s AS partner_id, %s AS country_id
             FROM %s WHERE %s""",
        SQL.identifier(facts.table, "id"),
        facts.write_stamp(),
        facts.path(facts.source.date_field),
        plan.user,
        plan.team,
        plan.partner or SQL("NULL::int4"),
        plan.country or SQL("NULL::int4"),
        plan.from_clause,
        plan.where_clause or SQL("TRUE"),
    )


def changed_facts(facts):
    """Facts of the records that changed, as they were and as they are.

    :return: SQL (period_id, user_id, team_id, partner_id, country_id, day)
    """
    day = SQL("at::date")
    if not facts.is_date("date_field"):
        day = SQL("((at AT TIME ZONE 'UTC') AT TIME ZONE %s)::date", facts.timezone)
    return SQL(
        """SELECT NULL::int4 AS period_id, user_id, team_id, partner_id, country_id, %s AS day
             FROM %s""",
        day,
        CHANGES,
    )
