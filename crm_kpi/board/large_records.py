# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sums that rest on a single record, and records that are much larger than usual.

A record is much larger than usual beyond the outer fence of the records of the last twelve months:
third quartile + 3 × interquartile range (J. W. Tukey, *Exploratory Data Analysis*, 1977).
"""

from dataclasses import dataclass, field

from odoo.exceptions import UserError

from ..definitions.cell_records import openable
from ..refresh.records import record_sizes
from .explain import readable_parts

#: A record with a larger share of a sum is named.
LARGE_SHARE = 0.4
#: Fewest records of a sum: of a few records, one always has a large share.
MIN_RECORDS = 5
#: Months that the usual size is made of, and fewest records in them.
EARLIER_MONTHS = 12
MIN_EARLIER = 20
#: Interquartile ranges between the third quartile and the outer fence.
FENCE = 3
#: Most records that are compared with the usual size, and most that are named.
MAX_LARGE = 50
MAX_NAMED = 3
SUMS = ("sum", "sum_known")


@dataclass
class Caution:
    """What to know before a sum is interpreted.

    :param records: the records, as dicts of ``id`` and ``name``; those that the reader may open
    """

    text: str
    model: str
    records: list[dict] = field(default_factory=list)


def has_sums(kpi):
    """Whether :func:`cautions` can find something for a KPI."""
    # superuser: only how the components are aggregated
    return any(_is_sum(part) for part in kpi.sudo()._aggregates_behind())


def _is_sum(kpi):
    return kpi.kind == "aggregate" and kpi.aggregator in SUMS


def cautions(context, kpi):
    """The :class:`Caution` of each sum behind a KPI in the chosen period and cell.

    Sums that the reader may not see are left out, and so are records that the reader may not open.
    """
    result = []
    for part in readable_parts(context, kpi):
        # superuser: which records were counted does not depend on the reader
        counted = part.kpi.sudo()
        is_past = part.period.utc_to <= context.now
        if (
            part.period == context.period
            and _is_sum(counted)
            and not context.is_withheld(counted)
            and not (is_past and counted._is_stock())
        ):
            result += _cautions_of_sum(context, part.kpi, counted)
    return result


def _cautions_of_sum(context, kpi, counted):
    env, period = context.env, context.period
    try:
        sizes = record_sizes(
            counted.source_id,
            counted,
            period.sudo(),
            _earlier_months(counted, period.sudo()),
            context.cell._asdict(),
            MAX_LARGE,
        )
    except UserError:
        return []  # the explanation says why the records cannot be read
    fence = _fence(sizes)
    dominant = [
        record_id
        for record_id, value in sizes.largest[:1]
        if sizes.count >= MIN_RECORDS and sizes.total > 0 and value > LARGE_SHARE * sizes.total
    ]
    unusual = [record_id for record_id, value in sizes.largest if fence and value > fence]
    if not dominant and not unusual:
        return []
    records = openable(kpi, period, dominant + unusual)
    names = {record.id: record.display_name for record in records}
    result = []

    def add(text, ids):
        named = [{"id": one, "name": names[one]} for one in ids[:MAX_NAMED]]
        result.append(Caution(text, records._name, named))

    if dominant and dominant[0] in names:
        share = f"{sizes.largest[0][1] / sizes.total * 100:.0f}\u00a0%"
        add(
            env._(
                "%(kpi)s: one of %(count)s records makes %(share)s of it",
                kpi=kpi.name,
                count=sizes.count,
                share=share,
            ),
            dominant,
        )
    if visible := [one for one in unusual if one in names]:
        limit = context.format_value(kpi, fence)
        text = (
            env._("%(kpi)s: larger than usual (more than %(limit)s)", kpi=kpi.name, limit=limit)
            if len(visible) <= MAX_NAMED
            else env._(
                "%(kpi)s: %(count)s records are larger than usual (more than %(limit)s), the "
                "largest",
                kpi=kpi.name,
                count=len(visible),
                limit=limit,
            )
        )
        add(text, visible)
    return result


def _fence(sizes):
    """The size beyond which a record is much larger than usual; ``None`` where it is not known."""
    if sizes.earlier < MIN_EARLIER or sizes.q1 == sizes.q3:
        return None
    return sizes.q3 + FENCE * (sizes.q3 - sizes.q1)


def _earlier_months(kpi, period):
    """The months before a period; none for a KPI whose earlier records are not known any more."""
    if kpi.source_id.kind != "event":
        return period.browse()
    return period.search(
        [
            ("company_id", "=", period.company_id.id),
            ("kind", "=", "month"),
            ("date_to", "<=", period.date_from),
        ],
        order="date_from desc",
        limit=EARLIER_MONTHS,
    )
