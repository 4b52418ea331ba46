# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Values of different versions of a definition: where they meet, and how that is said.

Locked values keep the version they were reported with, unless the history is recomputed.
"""

from itertools import pairwise

#: Kinds of periods that consist of months or quarters.
LONG_KINDS = ("quarter", "year", "custom")
PART_KINDS = ("month", "quarter", "year")


def older_text(env):
    """That a value has an earlier definition than its KPI, in words."""
    return env._("Definition changed: this value has an earlier definition")


def kpis_of_mixed_parts(context, values):
    """Ids of the KPIs of which the months or quarters in the period have other versions.

    Such parts do not add up to the value of the period.

    :param values: stored values by ``(KPI id, period id)``
    """
    period = context.period
    if period.kind not in LONG_KINDS:
        return set()
    versions = {
        kpi_id: row.version for (kpi_id, period_id), row in values.items() if period_id == period.id
    }
    parts = context.env["crm.kpi.value"]._read_group(
        [
            ("kpi_id", "in", list(versions)),
            ("period_id.company_id", "=", period.company_id.id),
            ("period_id.kind", "in", PART_KINDS),
            ("period_id.date_from", ">=", period.date_from),
            ("period_id.date_to", "<=", period.date_to),
            ("period_id", "!=", period.id),
            *context.cell_domain("level"),
        ],
        ["kpi_id"],
        ["version:min", "version:max"],
    )
    return {kpi.id for kpi, low, high in parts if not low == high == versions[kpi.id]}


def changes_of_version(rows):
    """The periods at which the version changes.

    :param rows: values in the order of time, ``None`` where there is none
    :return: list of the first period of each later version
    """
    # a 0 of no records is not stored, and has no version of its own
    known = [row for row in rows if row and row.id and row.value is not False]
    return [
        later.period_id for earlier, later in pairwise(known) if earlier.version != later.version
    ]


def change_text(env, period):
    """That the definition changed with a period, in words."""
    return env._(
        "Definition changed: values before %s have another definition", period.display_name
    )
