# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

INCOME = ("income", "income_other")
EXPENSES = ("expense", "expense_other", "expense_depreciation", "expense_direct_cost")
EQUITY = ("equity", "equity_unaffected")
#: Customer invoices, credit notes and receipts.
CUSTOMER_DOCUMENTS = ("out_invoice", "out_refund", "out_receipt")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    kpi_is_closing = fields.Boolean(
        "Closing entry",
        compute="_compute_kpi_is_closing",
        search="_search_kpi_is_closing",
        help="Line of a journal entry that closes the books: it is only between income or "
        "expenses and equity, and either against the current year's earnings or on the last day "
        "of the fiscal year.",
    )
    kpi_units = fields.Float(
        "Units (product unit)",
        compute="_compute_kpi_units",
        store=True,
        copy=False,
        help="For goods on customer invoices and credit notes: the quantity in the product's "
        "unit of measure. A pack of six counts as six.",
    )

    # ------------------------------------------------------------------
    # closing entries (Odoo does not mark them)
    # ------------------------------------------------------------------
    def _compute_kpi_is_closing(self):
        closing = self.search([("id", "in", self.ids), ("kpi_is_closing", "=", True)])
        for line in self:
            line.kpi_is_closing = line in closing

    @api.model
    def _search_kpi_is_closing(self, operator, value):
        if operator != "in":
            return NotImplemented
        types = dict(self.env["account.account"]._fields["account_type"].selection)
        others = types.keys() - {*INCOME, *EXPENSES, *EQUITY}
        closing = (
            Domain("move_type", "=", "entry")
            & Domain("line_ids", "any", [("account_id.account_type", "in", EQUITY)])
            & Domain("line_ids", "not any", [("account_id.account_type", "in", sorted(others))])
            & (
                Domain("line_ids", "any", [("account_id.account_type", "=", "equity_unaffected")])
                | self._kpi_last_days()
            )
        )
        return Domain("move_id", "any", closing)

    @api.model
    def _kpi_last_days(self):
        """Domain of the entries on the last day of the fiscal year of their company."""
        # superuser: reads two settings of all companies
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        return Domain.OR(
            Domain("company_id", "in", group.ids)
            & Domain("date.month_number", "=", int(month))
            # in February both the 28th and the 29th, for leap years
            & Domain("date.day_of_month", ">=", min(day, 28 if month == "2" else 31))
            for (month, day), group in companies.grouped(
                lambda c: (c.fiscalyear_last_month, c.fiscalyear_last_day)
            ).items()
        )

    # ------------------------------------------------------------------
    # units
    # ------------------------------------------------------------------
    @api.depends("quantity", "product_id", "product_uom_id", "display_type", "move_id.move_type")
    def _compute_kpi_units(self):
        for line in self:
            line.kpi_units = 0.0
            if (
                line.display_type == "product"
                and line.product_id.type == "consu"
                and line.move_id.move_type in CUSTOMER_DOCUMENTS
            ):
                own = line.product_id.uom_id.factor or 1.0
                line.kpi_units = line.quantity * (line.product_uom_id.factor or own) / own

    @api.model
    def _kpi_fill_units(self, first, last):
        """Units of the time before the installation, by the same rule, for a range of ids.

        :return: number of lines that changed
        """
        return len(
            self.env.execute_query(
                SQL(
                    """
                    WITH units AS (
                        SELECT l.id,
                               (l.quantity * COALESCE(u.factor, o.factor, 1)
                                / COALESCE(o.factor, 1))::float8 AS units
                          FROM account_move_line l
                          JOIN account_move m ON m.id = l.move_id AND m.move_type = ANY(%s)
                          JOIN product_product p ON p.id = l.product_id
                          JOIN product_template t ON t.id = p.product_tmpl_id AND t.type = 'consu'
                     LEFT JOIN uom_uom o ON o.id = t.uom_id
                     LEFT JOIN uom_uom u ON u.id = l.product_uom_id
                         WHERE l.display_type = 'product' AND l.id BETWEEN %s AND %s
                    )
                    UPDATE account_move_line l
                       SET kpi_units = u.units
                      FROM units u
                     WHERE u.id = l.id AND l.kpi_units IS DISTINCT FROM u.units
                 RETURNING l.id
                    """,
                    list(CUSTOMER_DOCUMENTS),
                    first,
                    last,
                )
            )
        )
