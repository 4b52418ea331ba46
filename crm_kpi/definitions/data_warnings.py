# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Warnings about the data behind a KPI in the current company.

They say why a correctly computed value means little at present: all products are in one
category, customers count as lost too early, or older orders are missing.
"""

import re
from datetime import timedelta

from odoo import fields
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..engine import periods as calendar
from ..refresh.fact_query import FactQuery
from ..refresh.failures import DEFINITION_ERRORS
from .currency_warning import currency_warning

#: A larger share of the lines in one product category: comparing categories shows nothing.
ONE_CATEGORY = 0.8
#: Facts that compare product categories.
CATEGORY_FACTS = re.compile(r"cross_sell|cross_sold|upsell|upsold|expansion|expanded")
#: The days of inactivity should cover this share of the gaps between orders.
LATE_SHARE = 0.9
#: Fewer gaps do not show what is usual.
LEAST_GAPS = 20


def data_warning(kpi):
    """What is wrong with the amounts of a KPI, and the first other warning that applies.

    ``False`` for none.
    """
    behind = kpi._aggregates_behind()
    return "\n".join(filter(None, [currency_warning(behind), _first_warning(kpi, behind)])) or False


def _first_warning(kpi, behind):
    warning = False
    if any(CATEGORY_FACTS.search(f"{part.domain} {part.value_field}") for part in behind):
        warning = category_warning(kpi.env)
    # active and lost customers depend on the days of inactivity
    if not warning and "crm.kpi.customer.period" in behind.mapped("source_model"):
        warning = inactivity_warning(kpi.env)
    if not warning and any(behind.mapped("needs_history")):
        warning = history_warning(kpi.env)
    if not warning and (manual := behind.filtered(lambda part: part.kind == "manual")):
        warning = entry_warning(manual)
    return warning or company_warning(behind.source_id)


def all_warnings(kpis):
    """All that is wrong with the data behind some KPIs in the current company, as sentences."""
    env, behind = kpis.env, kpis._aggregates_behind()
    found = [
        currency_warning(behind),
        company_warning(behind.source_id.sorted()),
        category_warning(env),
        inactivity_warning(env),
        history_warning(env),
        entry_warning(behind.filtered(lambda kpi: kpi.kind == "manual")),
    ]
    return [text for text in found if text]


# --- PRODUCT CATEGORIES ---


def category_warning(env):
    """Warning when nearly all lines sold are in one product category."""
    name, share = main_category(env)
    if share <= ONE_CATEGORY:
        return False
    names = {"share": f"{round(share * 100)}\u00a0%", "category": name}
    if not name:
        return env._(
            "%(share)s of the lines sold in the last twelve months have no product category. "
            "Cross-sell and upsell compare categories: set the categories of products first.",
            **names,
        )
    return env._(
        "%(share)s of the lines sold in the last twelve months are in the product category "
        "%(category)s. Cross-sell and upsell compare categories: use more detailed categories.",
        **names,
    )


def main_category(env):
    """Name of the product category with the most lines sold in twelve months, and its share."""
    env["sale.order.line"].flush_model()
    env["sale.order"].flush_model()
    # bypasses the access rights on orders: one share shows nothing of a single order
    rows = env.execute_query(
        SQL(
            """
            SELECT l.kpi_categ_id, count(*)
              FROM sale_order o
              JOIN res_company co ON co.id = o.company_id
              JOIN sale_order_line l ON l.order_id = o.id
              JOIN product_product pp ON pp.id = l.product_id
              JOIN product_template t ON t.id = pp.product_tmpl_id
             WHERE o.company_id = %s AND o.state = 'sale' AND o.kpi_is_qualifying
               AND o.date_order >= %s AND %s
          GROUP BY l.kpi_categ_id
          ORDER BY count(*) DESC, l.kpi_categ_id
            """,
            env.company.id,
            fields.Datetime.now() - timedelta(days=365),
            env["sale.order"]._kpi_goods_condition(),
        )
    )
    if not rows:
        return False, 0.0
    category, count = rows[0]
    # superuser: only the name of a product category
    name = env["product.category"].sudo().browse(category or []).display_name
    return name, count / sum(lines for _category, lines in rows)


# --- INACTIVITY ---


def inactivity_warning(env):
    """Warning when the days of inactivity are shorter than the usual gap between orders."""
    env["sale.order"].flush_model(["company_id", "kpi_gap_days", "kpi_is_qualifying"])
    # bypasses the access rights on orders: one number of days shows nothing of a single order
    [[count, late]] = env.execute_query(
        SQL(
            """
            SELECT count(*), percentile_cont(%s) WITHIN GROUP (ORDER BY kpi_gap_days)
              FROM sale_order
             WHERE company_id = %s AND kpi_is_qualifying AND kpi_gap_days > 0
            """,
            LATE_SHARE,
            env.company.id,
        )
    )
    # superuser: a setting that every salesperson may read
    inactivity = env.company.sudo().kpi_inactivity_days
    if count < LEAST_GAPS or late <= inactivity:
        return False
    return env._(
        "One in ten orders comes more than %(late)s days after the previous one, but customers "
        "count as lost after %(days)s days. Many of them are only late. Increase the days of "
        "inactivity in the settings.",
        late=round(late),
        days=inactivity,
    )


# --- ENTRIES ---


def entry_warning(kpis):
    """Warning when manual entries lie in two months, so that no month includes them."""
    env = kpis.env
    env["crm.kpi.entry"].flush_model(["kpi_id", "company_id", "date_from", "date_to"])
    # bypasses the access rights on entries: one count shows nothing of a single entry
    [[count]] = env.execute_query(
        SQL(
            """
            SELECT count(*)
              FROM crm_kpi_entry
             WHERE kpi_id = ANY(%s) AND company_id = %s AND date_to - date_from < 28
               AND date_trunc('month', date_from) <> date_trunc('month', date_to - 1)
            """,
            kpis.ids,
            env.company.id,
        )
    )
    return count > 0 and env._(
        "Manual entries with days of two months: %s. They count in no month. Enter one value for "
        "each part, with the period Custom.",
        count,
    )


# --- COMPANY ---


def company_warning(sources):
    """Warning when records of sources belong to no company, so that no value includes them."""
    env = sources.env
    counts = [
        env._("%(count)s in “%(name)s”", count=count, name=source.name)
        for source in sources
        if (count := records_without_company(source))
    ]
    return bool(counts) and env._(
        "Records without a company: %s. They count in no company until they have a company, a team "
        "or a salesperson.",
        ", ".join(counts),
    )


def records_without_company(source):
    """Number of the records of a source that belong to no company; 0 with one company."""
    try:
        with source.env.cr.savepoint():
            facts = FactQuery(source, source.env.company)
            owner = facts.owning_company()
            if owner is None:
                return 0
            facts.query.add_where(SQL("%s IS NULL", owner))
            [[count]] = source.env.execute_query(facts.query.select(SQL("count(*)")))
            return count
    except DEFINITION_ERRORS:
        return 0  # the KPI shows why its source cannot be used


# --- HISTORY ---


def history_warning(env):
    """Warning while the current month has no value because older orders are missing."""
    company = env.company
    known_from = company._kpi_customers_known_from()
    today = calendar.local_day(fields.Datetime.now(), company._kpi_tz())
    if not known_from or calendar.start_of("month", today) >= known_from:
        return False
    return env._(
        "KPI history starts on %(start)s. Earlier orders are not known, so periods that begin "
        "before %(known_from)s have no value.",
        start=format_date(env, company.kpi_history_start),
        known_from=format_date(env, known_from),
    )
