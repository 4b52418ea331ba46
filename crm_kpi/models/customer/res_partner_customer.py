# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the current company knows of a customer, on its contacts."""

from odoo import api, fields, models
from odoo.fields import Domain

from ...fields import NullableFloat
from .crm_kpi_customer import RFM_CLASSES, SHAPES, STATUSES

GROUP = "crm_kpi.group_kpi_user"
#: fields of the contact: what they show of the customer's row
SHOWN = {
    "kpi_currency_id": "currency_id",
    "kpi_first_order_date": "first_order_date",
    "kpi_last_order_date": "last_order_date",
    "kpi_order_count": "order_count",
    "kpi_ltv_to_date": "ltv_to_date",
    "kpi_revenue_12m": "revenue_12m",
    "kpi_own_gap_days": "own_gap_days",
    "kpi_rfm_class": "rfm_class",
    "kpi_rfm_scores": "rfm_scores",
    "kpi_last_interaction_date": "last_interaction_date",
    "kpi_referral_count": "referral_count",
}


class ResPartner(models.Model):
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    kpi_customer_ids = fields.One2many("crm.kpi.customer", "partner_id", groups=GROUP)
    kpi_customer_id = fields.Many2one(
        "crm.kpi.customer",
        "Customer value",
        compute="_compute_kpi_customer",
        search="_search_kpi_customer_id",
        groups=GROUP,
        help="What the current company knows of the customer that the contact belongs to.",
    )
    kpi_customer_status = fields.Selection(
        STATUSES,
        "Customer status",
        compute="_compute_kpi_customer",
        search="_search_kpi_customer_status",
        groups=GROUP,
    )
    kpi_customer_status_text = fields.Char(
        "Standing as customer", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_customer_value_text = fields.Char(
        "Lifetime value (text)", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_currency_id = fields.Many2one(
        "res.currency", "KPI currency", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_first_order_date = fields.Datetime(
        "First order", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_last_order_date = fields.Datetime(
        "Last order", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_order_count = fields.Integer(
        "Confirmed orders",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Number of confirmed orders of more than zero.",
    )
    kpi_ltv_to_date = fields.Monetary(
        "Lifetime value",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="What the customer ordered so far, less what was credited of it.",
    )
    kpi_revenue_12m = fields.Monetary(
        "Revenue of 12 months",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_customer",
        groups=GROUP,
    )
    kpi_own_gap_days = NullableFloat(
        "Usual gap (days)",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Median number of days from one day with an order to the next.",
    )
    kpi_rfm_class = fields.Selection(
        RFM_CLASSES,
        "RFM class",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="What recency, frequency and monetary value of the orders say together.",
    )
    kpi_rfm_scores = fields.Char("R–F–M", compute="_compute_kpi_customer", groups=GROUP)
    kpi_last_interaction_date = fields.Datetime(
        "Last contact",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="The latest message, call or meeting with anybody there.",
    )
    kpi_referral_count = fields.Integer(
        "Referrals made", compute="_compute_kpi_customer", groups=GROUP
    )

    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid", "lang")
    def _compute_kpi_customer(self):
        # superuser: to tell a customer that the viewer may not see from no customer at all
        rows = (
            self.env["crm.kpi.customer"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.env.company.id),
                    ("partner_id", "in", self.commercial_partner_id.ids),
                ]
            )
        )
        visible = rows.with_env(self.env)._filtered_access("read")
        by_partner = {row.partner_id.id: row for row in visible}
        known = set(rows.partner_id.ids)
        internal = self._kpi_internal_ids()
        labels = dict(
            self.env["crm.kpi.customer"]._fields["status"]._description_selection(self.env)
        )
        for partner in self:
            customer_id = partner.commercial_partner_id._origin.id
            row = by_partner.get(customer_id, visible.browse())
            status = row.status
            if customer_id and customer_id not in known and customer_id not in internal:
                status = "prospect"
            partner.kpi_customer_id = row
            partner.kpi_customer_status = status
            partner.kpi_customer_status_text = status and f"{SHAPES[status]} {labels[status]}"
            partner.kpi_customer_value_text = row._value_text() if row.order_count else False
            for name, source in SHOWN.items():
                partner[name] = row[source]

    @api.model
    def _kpi_internal_ids(self):
        """Ids of the contacts that are no customers."""
        return {
            partner_id
            for (partner_id,) in self.env.execute_query(
                self.env["sale.order"]._kpi_internal_partners()
            )
        }

    @api.model
    def _search_kpi_customer_id(self, operator, value):
        if operator not in ("any", "in"):
            return NotImplemented
        field = "commercial_partner_id.kpi_customer_ids"
        here = Domain("company_id", "=", self.env.company.id)
        if operator == "any":
            return Domain(field, "any", here & Domain(value))
        ids = [id_ for id_ in value if id_]
        found = Domain(field, "any", here & Domain("id", "in", ids))
        return found if len(ids) == len(value) else found | ~Domain(field, "any", here)

    @api.model
    def _search_kpi_customer_status(self, operator, value):
        if operator != "in":
            return NotImplemented
        statuses = [status for status in value if status]
        found = Domain("kpi_customer_id", "any", Domain("status", "in", statuses))
        if "prospect" in statuses:
            # any!: a customer of somebody else is no prospect
            found |= ~Domain(
                "commercial_partner_id.kpi_customer_ids",
                "any!",
                Domain("company_id", "=", self.env.company.id),
            ) & Domain("commercial_partner_id", "not in", sorted(self._kpi_internal_ids()))
        return found

    def action_open_kpi_customer(self):
        self.ensure_one()
        return self.kpi_customer_id.get_formview_action()

    def action_open_kpi_referrals(self):
        self.ensure_one()
        return self.kpi_customer_id.action_open_referrals()
