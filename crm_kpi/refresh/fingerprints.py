# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Count and write dates of the records of a source, per period.

A record that is added, changed, moved or deleted changes the fingerprint of its periods.
"""

from datetime import date, datetime, time, timedelta
from itertools import accumulate

from odoo.tools import SQL

from ..engine import periods as calendar
from .fact_plan import FactPlan
from .fact_query import FactQuery
from .past import history_model


def fingerprints(source, company, periods, now, counted=None):
    """Count, and sum of the write dates, of the facts' records.

    :param counted: dict that keeps what was counted for one source for the next ones; changes
        in the meantime are seen by the next refresh
    :return: dict of period id to a text; periods without records may be missing
    """
    if source.kind == "cohort":
        return _of_history(source, company, periods, now, {} if counted is None else counted)
    dated = source.date_end_field or history_model(source.env[source.model]) is not None
    if source.kind == "snapshot" and source.rebuildable and dated:
        return _of_open_records(source, company, periods, now)
    facts = FactPlan(source, company, periods, now, in_pieces=True)
    plan = facts.plan()
    rows = source.env.execute_query(
        SQL(
            """SELECT p.%(time)s, count(*), COALESCE(sum(%(stamp)s), 0)::text,
                      count(*) FILTER (WHERE %(ahead)s)
                 FROM %(tables)s %(join)s
                WHERE p.%(time)s IS NOT NULL AND %(where)s GROUP BY p.%(time)s""",
            time=plan.time,
            stamp=facts.facts.write_stamp(),
            ahead=plan.ahead or SQL("FALSE"),
            tables=plan.from_clause,
            join=plan.period_join,
            where=facts.facts.where,
        )
    )
    # as text, because a decimal number would lose its last digits
    counted = {time: (count, int(stamp), ahead) for time, count, stamp, ahead in rows}
    if plan.pieces is not None:
        counted = _of_periods(counted, plan.pieces)
    # the number of records that lie ahead shrinks as time passes: they count for the pace then
    return {
        period_id: f"{count}:{stamp}:{ahead}" if ahead else f"{count}:{stamp}"
        for period_id, (count, stamp, ahead) in counted.items()
    }


def _of_periods(counted, pieces):
    """Sums of the numbers of pieces, for each period that has one."""
    result = {}
    for piece_id, period_id in pieces:
        if piece_id in counted:
            before = result.get(period_id, (0, 0, 0))
            result[period_id] = [
                one + other for one, other in zip(before, counted[piece_id], strict=True)
            ]
    return result


def record_count(fingerprint):
    """Number of records, or of the events behind a cohort, in a fingerprint.

    >>> record_count("12:638001/30:638044")
    42
    """
    return sum(int(part.partition(":")[0]) for part in fingerprint.split("/"))


def _of_open_records(source, company, periods, now):
    """Of a snapshot of the past: each record is read once, not once per period."""
    facts = FactPlan(source, company, periods, now).facts
    points = _points(facts, periods, now)
    bounds = sorted(set(points.values()))
    start, end = facts.path(source.date_field), SQL("NULL::timestamp")
    if source.date_end_field:
        end = facts.path(source.date_end_field)
    if facts.has_history:
        # GREATEST and LEAST leave out what is empty
        start = SQL("GREATEST(%s, history_from)", start)
        end = SQL("LEAST(%s, history_to)", end)
    stamp, present = facts.write_stamp(), SQL("0")
    if facts.has_history and not source.date_end_field and not source.stable_fields:
        # what a record is today changes the running periods only: all else is in its states
        present = SQL("CASE WHEN history_to IS NULL THEN %s ELSE 0 END", stamp)
        stamp = SQL("COALESCE(EXTRACT(EPOCH FROM history_from) * 1000000, 0)::bigint")
    rows = source.env.execute_query(
        SQL(
            """SELECT opened, closed, count(*), COALESCE(sum(stamp), 0),
                      COALESCE(sum(present), 0)
                 FROM (SELECT width_bucket(%(start)s::timestamp, %(bounds)s) AS opened,
                              CASE WHEN %(end)s IS NOT NULL THEN width_bucket(
                                   GREATEST(%(start)s, %(end)s)::timestamp, %(bounds)s)
                              END AS closed,
                              %(stamp)s AS stamp, %(present)s AS present
                         FROM %(tables)s WHERE %(where)s AND %(start)s IS NOT NULL) AS t
                GROUP BY opened, closed""",
            start=start,
            end=end,
            bounds=SQL("%s::timestamp[]", bounds),
            stamp=stamp,
            present=present,
            tables=facts.query.from_clause,
            where=facts.where,
        )
    )
    counts, stamps, of_today = [0] * (len(bounds) + 1), [0] * (len(bounds) + 1), 0
    for opened, closed, count, stamp, present in rows:
        counts[opened] += count
        stamps[opened] += stamp
        of_today += present
        if closed is not None:
            counts[closed] -= count
            stamps[closed] -= stamp
    counts, stamps = list(accumulate(counts)), list(accumulate(stamps))
    index = {at: position for position, at in enumerate(bounds)}
    return {
        period_id: f"{counts[index[at]]}:{stamps[index[at]] + (of_today if at == now else 0)}"
        for period_id, at in points.items()
    }


def _points(facts, periods, now):
    """When a record must be open to be in a period: dict of period id to the end, or now."""
    points = {period.id: min(period.utc_to, now) for period in periods}
    if facts.is_date("date_field"):
        for period_id, at in points.items():
            day = calendar.local_day(at - timedelta(microseconds=1), facts.timezone)
            points[period_id] = datetime.combine(day + timedelta(days=1), time.min)
    return points


def _of_history(source, company, periods, now, counted):
    """Of a cohort: all events behind it until the end of the period."""
    ends = sorted({min(period.utc_to, now) for period in periods})
    parts = []
    for base in source.base_source_ids.sorted("id"):
        if not counted.get(base.id, {}).keys() >= set(ends):
            counted[base.id] = dict(zip(ends, _counted_until(base, company, ends), strict=False))
        parts.append(counted[base.id])
    if not parts:
        return {}
    return {
        period.id: "/".join(part[min(period.utc_to, now)] for part in parts) for period in periods
    }


def _counted_until(source, company, ends):
    """Count, and sum of the write dates, of all events before each of some instants."""
    facts = FactQuery(source, company)
    if source._paths("company_field"):
        # also those without a company: the cohort may count them for any company
        owner = facts.first_of("company_field")
        facts.query.add_where(SQL("(%s IS NULL OR %s = %s)", owner, owner, company.id))
    at = facts.path(source.date_field)
    if facts.is_date("date_field"):
        at = SQL("(%s)::timestamp AT TIME ZONE %s AT TIME ZONE 'UTC'", at, facts.timezone)
    rows = source.env.execute_query(
        SQL(
            """SELECT width_bucket((%s)::timestamp, %s::timestamp[]) AS bucket, count(*), sum(%s)
                 FROM %s WHERE %s AND %s IS NOT NULL GROUP BY bucket""",
            at,
            ends,
            facts.write_stamp(),
            facts.query.from_clause,
            facts.where,
            at,
        )
    )
    counts, stamps = [0] * (len(ends) + 1), [0] * (len(ends) + 1)
    for bucket, count, stamp in rows:
        counts[bucket], stamps[bucket] = count, stamp
    return [
        f"{count}:{stamp}"
        for count, stamp in zip(accumulate(counts), accumulate(stamps), strict=True)
    ]


def first_day_bound(source, company, earliest, known):
    """A day before which a source has no event after the day ``earliest``: that of the first
    record of its table, whether or not the source counts it.

    :param known: dict that keeps the first dates of columns
    :return: ``date.max`` without records, ``date.min`` where it is not known
    """
    if not _has_first_day(source):
        return date.max
    model = source.env.get(source.model)
    column = getattr(model, "_kpi_dated_by", {}).get(source.date_field)
    model, name = (source.env[column[0]], column[1]) if column else (model, source.date_field)
    field = model._fields.get(name) if model is not None else None
    if field is None or not model._auto or not field.column_type:
        return date.min
    if field not in known:
        at = SQL.identifier(name)
        [[known[field]]] = source.env.execute_query(
            SQL(
                "SELECT min(%s) FROM %s WHERE %s > %s",
                at,
                SQL.identifier(model._table),
                at,
                earliest,
            )
        )
    return _local_day(known[field], company._kpi_tz()) or date.max


def first_day(source, company, earliest):
    """Local day of the first event after the day ``earliest``, or ``None``."""
    if not _has_first_day(source):
        return None
    facts = FactQuery(source, company)
    if facts.is_empty:
        return None
    at = facts.path(source.date_field)
    # a typing error in one date must not hide the history of the others
    facts.query.add_where(SQL("%s > %s", at, earliest))
    [[first]] = source.env.execute_query(facts.query.select(SQL("min(%s)", at)))
    return _local_day(first, facts.timezone)


def _has_first_day(source):
    return source.kind == "event" and source.model != "crm.kpi.entry" and bool(source.date_field)


def _local_day(at, timezone):
    return calendar.local_day(at, timezone) if isinstance(at, datetime) else at
