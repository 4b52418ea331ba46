# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Counts and sums of segments without records: 0, although no value is stored."""


class EmptySegments:
    """The zeros of some cells by segment, read once for all of them.

    :param segment_sets: the sets of the segments
    :param domain: the cells, as a domain of ``crm.kpi.value``
    """

    def __init__(self, kpis, periods, segment_sets, domain):
        self.kpis = kpis.filtered(lambda kpi: kpi._zero_when_empty)
        pairs = [("kpi_id", "in", self.kpis.ids), ("period_id", "in", periods.ids)]
        # superuser: only in which periods the segments of a set were computed, and which cells
        # have a value, withheld ones included
        values = kpis.env["crm.kpi.value"].sudo()
        of_sets = [
            *pairs,
            ("level", "=", "segment"),
            ("segment_id.set_id", "in", segment_sets.ids),
        ]
        groups = values._read_group(of_sets, ["segment_id.set_id", "kpi_id", "period_id"])
        self.computed = [(found.id, kpi, period) for found, kpi, period in groups]
        query = values._search([*pairs, *domain])
        columns = ("kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
        self.stored = set(
            kpis.env.execute_query(
                query.select(*(values._field_to_sql(query.table, name, query) for name in columns))
            )
        )

    def values(self, context):
        """Values of the chosen cell of a context by ``(KPI id, period id)``; not stored.

        Values that the reader may not see are missing.
        """
        cell, set_id = context.cell, context.segment.set_id.id
        key = tuple(part or None for part in cell)
        absent = [
            (kpi, period)
            for found_id, kpi, period in self.computed
            if found_id == set_id
            and (cell.level == "segment" or kpi.cross_levels)
            and (kpi.id, period.id, *key) not in self.stored
            and kpi._is_reliable(period)
        ]
        absent_ids = {kpi.id for kpi, _period in absent}
        readable = self.kpis.filtered(
            lambda kpi: kpi.id in absent_ids and context.may_read_value(kpi)
        )
        model = context.env["crm.kpi.value"]
        return {
            (kpi.id, period.id): model.new(
                {
                    "kpi_id": kpi.id,
                    "period_id": period.id,
                    **cell._asdict(),
                    "value": 0.0,
                    "record_count": 0,
                    "version": kpi.version,
                }
            )
            for kpi, period in absent
            if kpi in readable
        }
