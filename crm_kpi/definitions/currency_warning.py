# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Warning about amounts in a currency without a rate: they count one to one."""

from typing import NamedTuple

from odoo.tools import SQL

from ..refresh.fact_query import FactQuery
from ..refresh.failures import DEFINITION_ERRORS

#: Fields with the rate that a document was made with.
RATE_FIELDS = ("currency_rate", "invoice_currency_rate")


class Amounts(NamedTuple):
    """Records whose amounts a KPI adds up: those of a source that its filter accepts.

    :param path: the amount; ``None``: amounts of the record itself
    """

    source: object
    domain: str
    path: str | None


def currency_warning(kpis):
    """Warning when amounts behind KPIs are in a currency without a rate.

    :param kpis: aggregate KPIs
    """
    env = kpis.env
    env.flush_all()
    unrated = {}
    for amounts in _amounts(kpis):
        try:
            with env.cr.savepoint():
                for record_id, currency_id in _unrated_records(amounts):
                    unrated[amounts.source.model, record_id] = currency_id
        except DEFINITION_ERRORS:
            continue  # the KPI shows why its source cannot be used
    if not unrated:
        return False
    # superuser: only names of currencies
    currencies = env["res.currency"].sudo().browse(sorted(set(unrated.values())))
    return env._(
        "Amounts in %(currencies)s that count one to one, because there was no exchange rate: "
        "%(count)s. Enter the rate of their dates. Documents keep the rate that they were made "
        "with: set the dates of orders again, and reset invoices to draft and post them again.",
        count=len(unrated),
        currencies=", ".join(currencies.mapped("name")),
    )


def _amounts(kpis):
    """Yield the :class:`Amounts` behind KPIs."""
    for kpi in kpis.filtered(lambda kpi: kpi.kind == "aggregate" and _adds_amounts(kpi)):
        if kpi.source_id.kind == "cohort":
            # the rows of customers, costs and balances are made from events
            for base in kpi.source_id.base_source_ids:
                yield Amounts(base, "[]", None)
        else:
            yield Amounts(kpi.source_id, kpi.domain, kpi.value_field)


def _adds_amounts(kpi):
    if kpi.source_id.model not in kpi.env or not kpi.value_field:
        return False
    if kpi.value_field.startswith("@"):
        return False
    field = _field(kpi.env[kpi.source_id.model], kpi.value_field)
    return field is not None and field.type == "monetary"


def _field(model, path):
    """The field at the end of a path; ``None`` where there is none, because it was deleted."""
    *links, name = path.split(".")
    for link in links:
        field = model._fields.get(link)
        if field is None or not field.comodel_name:
            return None
        model = model.env[field.comodel_name]
    return model._fields.get(name)


def _unrated_records(amounts):
    """``(record id, currency id)`` of the records of the company without a rate."""
    source, company = amounts.source, amounts.source.env.company
    facts = FactQuery(source, company)
    facts.restrict_to_company()
    facts.query.add_where(facts.condition(source._parse_domain(amounts.domain)))
    if amounts.path == "kpi_deal_amount":
        document, model = _join_orders(facts), source.env["sale.order"]
    else:
        model = source.env[_field(facts.model, amounts.path or "id").model_name]
        document = (amounts.path or "").rpartition(".")[0]
    currency = _column(facts, document, model, "currency_id")
    if currency is None:
        return []
    facts.query.add_where(
        SQL(
            "%(currency)s <> %(own)s AND %(at_par)s AND %(not_fixed)s",
            currency=currency,
            own=company.currency_id.id,
            at_par=_no_rate(currency, company)
            if _is_converted(facts, amounts.path)
            else _counts_at_par(facts, document, model),
            not_fixed=_not_fixed(currency, company),
        )
    )
    return source.env.execute_query(facts.query.select(SQL.identifier(facts.table, "id"), currency))


def _join_orders(facts):
    """Join the confirmed orders that the amount of a deal is made of; return their alias."""
    condition = SQL(
        "deal_order.opportunity_id = %s AND deal_order.state = 'sale'",
        SQL.identifier(facts.table, "id"),
    )
    facts.query.add_join("JOIN", "deal_order", "sale_order", condition)
    return "deal_order"


def _column(facts, document, model, name):
    """SQL of a stored field of a document; ``None`` where the model has none.

    :param document: path to it, the alias of a joined table, or ``""``: the record itself
    """
    field = model._fields.get(name)
    if field is None or not field.store:
        return None
    if document == "deal_order":
        return SQL.identifier(document, name)
    return facts.path(".".join(filter(None, [document, name])))


def _is_converted(facts, path):
    """Whether the KPI converts the amount at the rate of its day, not the document."""
    if not path:
        return False
    field = _field(facts.model, path)
    return field.get_currency_field(facts.model.env[field.model_name]) == "currency_id"


def _counts_at_par(facts, document, model):
    """Whether the amount in the currency of the company is the one of the document."""
    balance, amount = (
        _column(facts, document, model, name) for name in ("balance", "amount_currency")
    )
    if balance and amount:
        return SQL("%s = %s AND %s <> 0", balance, amount, balance)
    if model._name == "sale.order.line":
        document, model = ".".join(filter(None, [document, "order_id"])), model.env["sale.order"]
    for name in RATE_FIELDS:
        if (rate := _column(facts, document, model, name)) is not None:
            return SQL("COALESCE(NULLIF(%s, 0), 1) = 1", rate)
    # the amount is converted at the rate of its day
    return _no_rate(_column(facts, document, model, "currency_id"), facts.company)


def _no_rate(currency, company):
    return SQL("NOT EXISTS (%s)", _rates(currency, company))


def _not_fixed(currency, company):
    """Whether the currency has no rate, or another one than 1."""
    rates = _rates(currency, company)
    return SQL("(NOT EXISTS (%s) OR EXISTS (%s AND rate.rate <> 1))", rates, rates)


def _rates(currency, company):
    return SQL(
        """SELECT FROM res_currency_rate rate
            WHERE rate.currency_id = %s AND COALESCE(rate.company_id, %s) = %s""",
        currency,
        company.root_id.id,
        company.root_id.id,
    )
