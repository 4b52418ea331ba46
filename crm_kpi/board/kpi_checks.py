# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks of KPIs: whether a KPI gives the expected value for known data.

Values are computed as the preview computes them, from all records, by the definition as it is now.
Nothing is stored.
"""

import ast
import time
from datetime import timedelta
from typing import NamedTuple

from odoo.exceptions import UserError
from odoo.fields import Datetime
from odoo.tools import SQL

from ..definitions import measurable
from ..definitions.filter_words import filter_text
from ..definitions.words import format_value, shown_digits
from ..engine import periods as calendar
from ..engine.cells import cells
from ..refresh.by_segment import SetRow, facts_by_segment
from ..refresh.failures import told_to_reader
from . import given_values
from .preview import TooSlow, limited
from .preview_values import NOTHING, Key, Number, PreviewValues

#: Seconds that PostgreSQL may take for a check while a user waits, and in a refresh.
SECONDS, SECONDS_IN_REFRESH = 8, 60


class Outcome(NamedTuple):
    """What came of a check.

    :param result: ``passed``, ``failed`` or ``error``
    :param value: what the KPI gave, ``None`` for no value
    :param error: why it could not be computed, in words
    """

    result: str
    value: float | None = None
    error: str = ""


def outcome(check, seconds=SECONDS):
    """The :class:`Outcome` of a check now.

    :param check: in an environment of the superuser
    """
    try:
        value = compute(check, seconds)
    except UserError as error:
        return Outcome("error", error=str(error))
    return Outcome("passed" if is_expected(check, value) else "failed", value)


def compute(check, seconds=SECONDS):
    """What the KPI gives for the data of a check, ``None`` for no value.

    :raise UserError: why it cannot be computed, in words
    """
    # before the savepoints, which are rolled back
    check.env.flush_all()
    with told_to_reader(check.env):
        if check.basis == "components":
            return _of_components(check)
        return _of_records(check, seconds)


def _of_components(check):
    if check.kpi_id.kind != "formula":
        raise UserError(
            check.env._(
                "Data: this KPI has no components. Change the check to the records of a period."
            )
        )
    return given_values.evaluate(check.kpi_id, given_values.read(check.env, check.component_values))


# --- FROM RECORDS ---


def _of_records(check, seconds):
    env, company = check.env, company_of(check)
    _check_computable(check.kpi_id)
    kpi = _filtered(check).with_company(company)
    try:
        with limited(env, time.monotonic() + seconds):
            # it may not exist: refreshes do not keep each day and each past
            period = _period(check, company)
            env.flush_all()
            return _value(check, kpi, company, period)
    except TooSlow as error:
        raise UserError(
            env._(
                "It took more than %s seconds, because there are many records. Choose a shorter "
                "period.",
                seconds,
            )
        ) from error
    finally:
        # a period that was made for the check is gone, and nothing else is pending
        env.transaction.clear()


def company_of(check):
    """The company whose records are counted."""
    return check.company_id or check.kpi_id.company_id or check.env.company


def _filtered(check):
    """The KPI, with the filter of the check in addition to its own."""
    kpi = check.kpi_id
    extra = check.domain or "[]"
    if kpi.kind == "formula" or extra == "[]":
        return kpi
    # the KPI may have got another source since the filter was saved
    label = check._fields["domain"]._description_string(check.env)
    model = check.env[kpi.source_id.model]
    measurable.check_domain(model, kpi.source_id._usable_domain(extra, label), label)
    # conditions one after the other are joined by "and"
    own, added = (ast.literal_eval(text.strip()) for text in (kpi.domain or "[]", extra))
    return kpi.new({"domain": repr([*own, *added])}, origin=kpi)


def _check_computable(kpi):
    sources = kpi._aggregates_behind().source_id
    for source in sources:
        if source.needs_approval:
            raise UserError(
                kpi.env._("A system administrator must approve the source “%s” first.", source.name)
            )
        if source.model not in kpi.env:
            raise UserError(kpi.env._("The app that brings %s is not installed.", source.model))


def _period(check, company):
    """The period of a check; made where missing."""
    periods = check.env["crm.kpi.period"].with_company(company)
    if check.period_kind != "custom":
        return periods._current(check.period_kind, company, check.date_from)
    days = days_of(check)
    return periods._on("custom", [days]) or periods._create_spans("custom", [days])


def days_of(check):
    """First day, and first day after, of the period of a check."""
    if check.period_kind == "custom":
        return check.date_from, check.date_last + timedelta(days=1)
    # superuser: every user may know on which day weeks begin
    week_start = company_of(check).sudo()._kpi_week_start()
    return calendar.bounds(check.period_kind, check.date_from, week_start)


def _value(check, kpi, company, period):
    now = Datetime.now()
    if kpi._is_stock() and not period.utc_from <= now < period.utc_to:
        raise UserError(
            check.env._(
                "Day: values of other periods than the current one cannot be computed, "
                "because Odoo does not keep the earlier state of these records. Choose a day in "
                "the current period, or another KPI."
            )
        )
    numbers = CheckValues(check, company, now).numbers(kpi, period, period.browse())
    return numbers.get(Key(period.id), NOTHING).value


class CheckValues(PreviewValues):
    """The values of one cell, in place of those of the company; none of them is a stored one."""

    def __init__(self, check, company, now):
        super().__init__(check.env, company, check.segment_id.set_id, now)
        self.segment = check.segment_id
        self.cell = {
            name: check[name].id for name in ("team_id", "user_id", "segment_id") if check[name]
        }

    def _select(self, kpi, periods, _levels):
        # without a reader: all records count, as in a refresh
        plan = kpi.source_id._plan(self.company, periods, self.now, kpi)
        owners = [
            SQL("%s = %s", SQL.identifier(name), record_id)
            for name, record_id in self.cell.items()
            if name != "segment_id"
        ]
        by_segment, level = None, "company"
        if self.segment:
            unknown = self.segment_set.unknown_segment_id
            sets = [SetRow(self.segment_set.id, unknown.id or None)]
            by_segment, level = facts_by_segment(plan, sets, self.company.id), "segment"
            if by_segment is None:
                raise UserError(
                    self.env._(
                        "Segment: the records of the source “%s” belong to no segments. Remove the "
                        "segment from the check.",
                        kpi.source_id.name,
                    )
                )
        rows = self.env.execute_query(
            SQL(
                """WITH facts AS (SELECT * FROM (%s) AS fact WHERE %s)
                   SELECT period_id, value, record_count FROM (%s) AS cell
                    WHERE level = %s AND segment_id IS NOT DISTINCT FROM %s""",
                plan.facts(),
                SQL(" AND ").join(owners or [SQL("TRUE")]),
                cells(plan, by_segment),
                level,
                self.segment.id or None,
            )
        )
        return {Key(period_id): Number(value, count) for period_id, value, count in rows}

    def _stored_or_computed(self, kpi, periods, split):
        return self.numbers(kpi, periods, split)

    def _of_component(self, part, component, periods, split):
        if part.is_sum and self.segment:
            return {}  # as in a refresh: nothing is added within segments
        return super()._of_component(part, component, periods, split)

    def _targets(self, kpi, periods):
        scope = "_".join(name.removesuffix("_id") for name in self.cell) or "company"
        domain = [("kpi_id", "=", kpi.id), ("period_id", "in", periods.ids), ("scope", "=", scope)]
        domain += [(name, "=", record_id) for name, record_id in self.cell.items()]
        goals = self.env["crm.kpi.goal"].search(domain)
        return {Key(goal.period_id.id): Number(goal.target, 0) for goal in goals}


# --- THE EXPECTED VALUE ---


def is_expected(check, value):
    """Whether a value is the expected one, as exactly as the KPI shows values."""
    if value is None or check.no_value:
        return value is None and check.no_value
    kpi, currency = check.kpi_id, check.currency_id
    scale = 100 if kpi.unit == "percent" else 1
    digits = kpi.digits
    if kpi.unit == "money":
        digits = currency.decimal_places if kpi.digits else 0
    shown = max(shown_digits(number * scale, digits) for number in (value, check.expected))
    if abs(value - check.expected) * scale < 0.5 * 10**-shown:
        return True
    return value_text(check, value) == value_text(check, check.expected)


# --- WORDS ---


def value_text(check, value):
    if value is None:
        return check.env._("no value")
    return format_value(check.kpi_id, value, check.currency_id)


def expected_text(check):
    return value_text(check, None if check.no_value else check.expected)


def outcome_text(check, found):
    """What came of a check, in words."""
    env = check.env
    if found.result == "error":
        return env._("Could not be computed: %s", found.error)
    if found.result == "failed":
        return env._(
            "Got %(got)s instead of %(expected)s.",
            got=value_text(check, found.value),
            expected=expected_text(check),
        )
    return env._("Got %s.", value_text(check, found.value))


def problem_text(check, found, is_readable=True):
    """Why a KPI cannot be published, in words, with the remedy.

    :param is_readable: whether the user may read the check
    """
    env = check.env
    names = {"kpi": check.kpi_id.name, "check": check.name}
    if not is_readable:
        return env._(
            "%(kpi)s: the check “%(check)s” does not pass. Select its company to see it, or ask "
            "another KPI administrator.",
            **names,
        )
    if found.result == "error":
        return env._(
            "%(kpi)s: the check “%(check)s” could not be computed: %(reason)s Correct the check, or "
            "delete it.",
            reason=found.error,
            **names,
        )
    return env._(
        "%(kpi)s: the check “%(check)s” got %(got)s instead of %(expected)s. Correct the "
        "definition, or the check if it expects a wrong value.",
        got=value_text(check, found.value),
        expected=expected_text(check),
        **names,
    )


def data_text(check):
    """The data of a check in words, for example *March 2026 · Ann · Expected Revenue > 100*."""
    kpi = check.kpi_id
    if check.basis == "components":
        return given_values.in_words(kpi, check.component_values, check.currency_id)
    texts = [_period_text(check)]
    texts += [check[name].name for name in ("team_id", "user_id", "segment_id") if check[name]]
    if kpi.source_id:
        texts.append(filter_text(kpi.source_id, check.domain))
    return " · ".join(text for text in texts if text)


def _period_text(check):
    is_custom = check.period_kind == "custom"
    if not check.period_kind or not check.date_from or (is_custom and not check.date_last):
        return ""
    first, after = days_of(check)
    period = check.env["crm.kpi.period"].new(
        {
            "company_id": company_of(check).id,
            "kind": check.period_kind,
            "date_from": first,
            "date_to": after,
        }
    )
    return period.display_name
