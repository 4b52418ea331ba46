# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which records a value includes, and the reasons why other records are excluded."""

from dataclasses import dataclass, field
from typing import NamedTuple

from odoo.exceptions import AccessError, UserError

from ..definitions.cell_records import open_by_reason, open_records, visible_ids
from ..engine import formula as engine
from ..refresh.records import REASONS
from .filters import Filters
from .missing import MissingValues
from .snapshots import early_snapshots, early_text

#: Reasons of records that a value includes.
INCLUDED = ("included", "cancelled")
#: Reasons that only readers of all values may count, and readers of KPIs open to the company.
OF_OTHERS = ("others", "no_company")


@dataclass
class Reason:
    """Records that are included or excluded for the same reason.

    :param visible: how many of them the reader may open
    """

    reason: str
    text: str
    count: int
    visible: int


@dataclass
class Explanation:
    """The records dated in the period, for one aggregate KPI.

    The counts of ``included`` (a :class:`Reason`), ``excluded`` and ``others`` add up to ``total``.

    :param role: whether it is the numerator or the denominator of a rate, in words
    :param period: the period in words, where it is not the one that is shown
    :param stored: number of records when the value was computed
    :param included: ``None`` where the records cannot be counted any more
    :param zero: those of the included records that count 0
    :param others: records that are not of the chosen team, salesperson or segment
    :param note: why ``stored`` and ``included`` differ or cannot be compared
    """

    kpi_id: int
    period_id: int
    name: str
    role: str
    period: str
    value_text: str
    stored: int
    total: int = 0
    visible: int = 0
    included: Reason | None = None
    zero: Reason | None = None
    excluded: list[Reason] = field(default_factory=list)
    others: Reason | None = None
    note: str = ""


class Part(NamedTuple):
    """An aggregate KPI behind a KPI, in the period in which it is used."""

    kpi: object
    period: object


def explain(context, kpi):
    """An :class:`Explanation` for each aggregate KPI behind a KPI.

    KPIs whose value the reader may not see are left out. Records of other people are counted
    only where the reader may see the total of the company.
    """
    return [
        _explain_part(context, part, role) for part, role in readable_parts(context, kpi).items()
    ]


def open_part(context, kpi, part_id, period_id, reason):
    """An action with those records of one :class:`Explanation` that the reader may open.

    :param reason: that of a :class:`Reason`; ``all``: all records of the explanation
    :raise AccessError: where the reader sees no such number of records
    """
    env = context.env
    for part, role in readable_parts(context, kpi).items():
        if (part.kpi.id, part.period.id) != (part_id, period_id):
            continue
        found = _explain_part(context, part, role)
        rows = [found.included, found.zero, *found.excluded, found.others]
        if reason == "all" and found.included:
            reasons = [name for name in REASONS if _may_count(context, part.kpi, name)]
            text = env._("Total in this period")
        elif row := next((row for row in rows if row and row.reason == reason), None):
            reasons, text = INCLUDED if reason == "included" else [reason], row.text
        else:
            break
        name = f"{part.kpi.name} · {part.period.display_name} · {text}"
        cell = context.cell._asdict()
        return open_by_reason(part.kpi, part.period, cell, context.now, reasons, name)
    raise AccessError(env._("%s: you may not open these records.", kpi.name))


def records_action(kpi, period, cell, name):
    """The action behind the number of records of a value or goal in a list.

    A formula opens the details of the cell, in which the records of each component are apart:
    numerator and denominator of a rate. *Unassigned*, which has no details, opens one list.

    :param cell: dict with ``level`` and, as ids, ``team_id``, ``user_id``, ``segment_id``
    """
    chosen = Filters.of_cell(period, cell)
    if kpi.kind != "formula" or not chosen:
        return open_records(kpi, period, cell, name)
    return {
        "type": "ir.actions.client",
        "tag": "crm_kpi.detail",
        "name": name,
        "params": {"kpi_id": kpi.id, "filters": chosen.to_dict(), "tab": "records"},
    }


def readable_parts(context, kpi):
    """Dict of each :class:`Part` behind a KPI that the reader may see to its role, in words."""
    env, cell = context.env, context.cell._asdict()
    roles = {}
    # superuser: KPIs are counted only after the rights on their values were checked
    _collect(kpi.sudo(), context.period, "", roles)
    words = {
        "numerator": env._("Numerator"),
        "denominator": env._("Denominator"),
        "both": env._("Numerator and denominator"),
    }
    result = {}
    values = env["crm.kpi.value"]
    for (aggregate, period), role in roles.items():
        readable = aggregate.with_env(env)._filtered_access("read")
        if readable and readable._has_figures() and values._may_read(readable, period, cell):
            result[Part(readable, period)] = words.get(role, "")
    return result


def _collect(kpi, period, role, roles):
    """Add the aggregates behind a KPI to ``roles``: dict of ``(KPI, period)`` to a role."""
    if kpi.kind != "formula":
        known = roles.get((kpi, period), role)
        roles[kpi, period] = role if known == role else "both"
        return
    try:
        formula = engine.parse(kpi.formula)
    except engine.FormulaError:
        return  # the refresh reports it
    numerator, denominator = formula.fraction or ((), ())
    for component in dict.fromkeys(formula.components):
        if component.shift == "target":
            continue  # rests on no records
        read = period._lookup_periods(component.shift).get(period, ())
        part = kpi.component_ids.filtered(lambda k, code=component.code: k.code == code)
        if not part:
            continue
        sides = [component in numerator, component in denominator]
        names = {(True, False): "numerator", (False, True): "denominator", (True, True): "both"}
        # a rate in a rate: what counts is the side of the outer one
        for at in read:
            _collect(part, at, role or names.get(tuple(sides), ""), roles)


def _explain_part(context, part, role):
    # superuser: only numbers of records, after the rights on the value were checked
    env, kpi, period = context.env, part.kpi.sudo(), part.period
    row = context.values(kpi, period).get((kpi.id, period.id))
    result = Explanation(
        kpi_id=kpi.id,
        period_id=period.id,
        name=part.kpi.name,
        role=role,
        period="" if period == context.period else period.display_name,
        value_text=context.value_text(part.kpi, row),
        stored=row.record_count if row else 0,
    )
    if context.is_withheld(kpi):
        result.note = env._("Too little data in this segment to show a value")
        return result
    if kpi._is_stock() and period.utc_to <= context.now:
        result.note = env._(
            "These records were counted while the period was running. Odoo does not keep their "
            "earlier state, so they cannot be counted again."
        )
        if day := early_snapshots(kpi, period).get((kpi.id, period.id)):
            result.note = f"{early_text(env, day)}. {result.note}"
        return result
    try:
        counts = kpi.source_id._reasons(
            kpi,
            period.sudo(),
            context.cell._asdict(),
            context.now,
            visible_ids(part.kpi, period),
        )
    except UserError as error:
        result.note = str(error)
        return result
    counts = {name: found for name, found in counts.items() if _may_count(context, kpi, name)}
    add_reasons(result, env, kpi, counts, _others_text(context))
    if row and row.version != kpi.version:
        result.note = env._(
            "The value has an earlier definition; records when it was computed: %s. The records "
            "are counted by the present definition.",
            result.stored,
        )
    elif result.stored != result.included.count:
        has_value = row and row.value is not False
        missing = not has_value and MissingValues.of_board(context, part.kpi).known_reason(part.kpi)
        result.note = (
            missing.text
            if missing
            else env._(
                "Records when the value was computed: %s. Records have changed since then.",
                result.stored,
            )
        )
    return result


def _may_count(context, kpi, reason):
    return reason not in OF_OTHERS or context.sees_all or kpi.visibility == "company"


def add_reasons(result, env, kpi, counts, others_text=""):
    """Set the numbers of an :class:`Explanation` from those of each reason.

    :param others_text: whose records those outside of the chosen cell are, in words
    """
    texts = {
        "source": env._("Outside the source “%s”", kpi.source_id.name),
        "filter": env._("Outside the filter of the KPI"),
        "young": env._("Not mature yet"),
        "empty": env._("Without a value to compute from"),
        "no_company": env._("Without a company: they count in no company until they have one"),
    }
    result.total = sum(found.count for found in counts.values())
    result.visible = sum(found.visible for found in counts.values())
    included = [counts[name] for name in INCLUDED if name in counts]
    result.included = Reason(
        "included",
        env._("Included"),
        sum(found.count for found in included),
        sum(found.visible for found in included),
    )
    if "cancelled" in counts:
        text = env._("of these count 0, because all orders were cancelled")
        result.zero = Reason("cancelled", text, *counts["cancelled"])
    result.excluded = [
        Reason(name, text, *counts[name]) for name, text in texts.items() if name in counts
    ]
    if "others" in counts:
        result.others = Reason("others", others_text, *counts["others"])


def _others_text(context):
    """Whose records those outside of the chosen cell are, in words."""
    env = context.env
    match context.cell.level:
        case "user":
            return env._("Other salespeople's")
        case "team":
            return env._("Other teams'")
        case "segment":
            return env._("Customers outside the segment")
    return env._("Outside the chosen team, salesperson or segment")
