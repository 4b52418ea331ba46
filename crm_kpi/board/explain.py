# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which records a value includes, and the reasons why other records are excluded."""

from dataclasses import dataclass, field

from odoo.exceptions import UserError

from .snapshots import early_snapshots, early_text


@dataclass
class Reason:
    """Records that are excluded for the same reason."""

    reason: str
    text: str
    count: int


@dataclass
class Explanation:
    """The records dated in the period, for one aggregate KPI.

    ``included`` and the counts of ``excluded`` add up to ``total``.

    :param stored: number of records when the value was computed
    :param included: ``None`` where the records cannot be counted any more
    :param note: why ``stored`` and ``included`` differ or cannot be compared, and which of the
        included records count 0
    """

    kpi_id: int
    name: str
    stored: int
    total: int = 0
    included: int | None = None
    excluded: list[Reason] = field(default_factory=list)
    note: str = ""


def explain(context, kpi):
    """An :class:`Explanation` for each aggregate KPI behind a KPI.

    KPIs whose value the reader may not see are left out. Records of other people are counted
    only where the reader may see the total of the company.
    """
    # superuser: KPIs are counted only after the rights on their values were checked
    aggregates = kpi.sudo()._aggregates_behind()
    readable = aggregates.with_env(context.env)._filtered_access("read")
    return [
        _explain_aggregate(context, aggregate.sudo())
        for aggregate in readable
        if aggregate._has_figures() and context.may_read_value(aggregate)
    ]


def _explain_aggregate(context, kpi):
    env, source = context.env, kpi.source_id
    row = context.values(kpi, context.period).get((kpi.id, context.period.id))
    result = Explanation(kpi.id, kpi.name, row.record_count if row else 0)
    if context.is_withheld(kpi):
        result.note = env._("Too little data in this segment to show a value")
        return result
    if kpi._is_stock() and context.elapsed.over:
        result.note = env._(
            "These records were counted while the period was running. Odoo does not keep their "
            "earlier state, so they cannot be counted again."
        )
        if day := early_snapshots(kpi, context.period).get((kpi.id, context.period.id)):
            result.note = f"{early_text(env, day)}. {result.note}"
        return result
    # superuser: returns only numbers of records, the rights were checked by the caller
    try:
        counts = source._reasons(kpi, context.period.sudo(), context.cell._asdict(), context.now)
    except UserError as error:
        result.note = str(error)
        return result
    if not context.sees_all and kpi.visibility != "company":
        counts.pop("others", None)
        counts.pop("no_company", None)
    texts = {
        "others": env._("Outside the chosen team, salesperson or segment"),
        "no_company": env._("Without a company: they count in no company until they have one"),
        "source": env._("Outside the source “%s”", source.name),
        "filter": env._("Outside the filter of the KPI"),
        "young": env._("Not mature yet"),
        "empty": env._("Without a value to compute from"),
    }
    result.total = sum(counts.values())
    result.included = counts["included"] + counts.get("cancelled", 0)
    result.excluded = [
        Reason(reason, text, counts[reason]) for reason, text in texts.items() if counts.get(reason)
    ]
    notes = []
    if cancelled := counts.get("cancelled"):
        notes.append(
            env._("%s of the included deals count 0, because all orders were cancelled.", cancelled)
        )
    if row and row.version != kpi.version:
        notes.append(
            env._(
                "The value has an earlier definition and was computed from %s records. The "
                "records are counted by the present definition.",
                result.stored,
            )
        )
    elif result.stored != result.included:
        notes.append(
            env._(
                "The value was computed from %s records. Records have changed since then.",
                result.stored,
            )
        )
    result.note = " ".join(notes)
    return result
