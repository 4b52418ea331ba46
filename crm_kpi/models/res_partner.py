# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..customers import definitions, rfm
from ..fields import NullableFloat
from .customer.crm_kpi_customer import SHAPES, STATUSES

GROUP = "crm_kpi.group_kpi_user"
#: Fields of the contact, and the fields of the customer's row that they show.
SHOWN = {
    "kpi_customer_status_reason": "status_reason",
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
    """Contacts show what the current company knows of the customer, and how complete the
    profile is. Messages on contacts are interactions with the customer."""

    _name = "res.partner"
    _inherit = ["res.partner", "crm.kpi.correspondence.mixin"]

    # A contact may be shared by all companies: the company of the author of a message counts.
    _kpi_response_user_field = ""
    _kpi_response_team_field = ""
    _kpi_response_partner_field = "id"

    # ---- customer
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
        "Customer status (text)", compute="_compute_kpi_customer", groups=GROUP
    )
    kpi_customer_status_reason = fields.Char(
        "Reason of the customer status",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Why the customer is at risk or lost.",
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
        help="Number of confirmed orders with an amount above zero.",
    )
    kpi_ltv_to_date = fields.Monetary(
        "Lifetime value",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Untaxed amount of all confirmed orders, less the credit notes for them.",
    )
    kpi_revenue_12m = fields.Monetary(
        "Revenue of 12 months",
        currency_field="kpi_currency_id",
        compute="_compute_kpi_customer",
        groups=GROUP,
    )
    kpi_own_gap_days = NullableFloat(
        "Usual time between orders (days)",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Median number of days from one day with an order to the next.",
    )
    kpi_rfm_class = fields.Selection(
        rfm.CLASSES,
        "RFM class",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Class by recency, frequency and monetary value of the orders.",
    )
    kpi_rfm_scores = fields.Char("R–F–M", compute="_compute_kpi_customer", groups=GROUP)
    kpi_last_interaction_date = fields.Datetime(
        "Last contact",
        compute="_compute_kpi_customer",
        groups=GROUP,
        help="Last message, call or meeting with the customer.",
    )
    kpi_referral_count = fields.Integer(
        "Referrals made", compute="_compute_kpi_customer", groups=GROUP
    )
    # ---- profile
    kpi_completeness = NullableFloat(
        "Profile complete",
        compute="_compute_kpi_completeness",
        search="_search_kpi_completeness",
        aggregator=None,
        groups=GROUP,
        help="Share of the required profile items that are filled in.",
    )
    kpi_profile_missing = fields.Char(
        "Missing in the profile",
        compute="_compute_kpi_completeness",
        groups=GROUP,
        help="Required profile items that are not filled in yet.",
    )

    # ------------------------------------------------------------------
    # customer
    # ------------------------------------------------------------------
    @api.depends("commercial_partner_id")
    @api.depends_context("company", "uid", "lang")
    def _compute_kpi_customer(self):
        # superuser: a customer that the user may not read is not shown as a prospect
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
        """Ids of the contacts that are never customers."""
        rows = self.env.execute_query(definitions.internal_partners(self.env))
        return {partner_id for (partner_id,) in rows}

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
            # any!: a customer that the user may not read is no prospect
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

    # ------------------------------------------------------------------
    # profile
    # ------------------------------------------------------------------
    @api.depends("is_company", "parent_id", "type")
    @api.depends_context("company", "lang")
    def _compute_kpi_completeness(self):
        internal = self._kpi_internal_ids()
        items = self.env["crm.kpi.profile.item"]._items()
        for partner in self:
            filled, asked, missing = 0, 0, False
            is_profile = partner.commercial_partner_id == partner and (
                partner.type in (False, "contact")
            )
            if is_profile and partner._origin.id not in internal:
                filled, asked, missing = partner._kpi_profile(items, self.env.company)
            partner.kpi_completeness = filled / asked if asked else False
            partner.kpi_profile_missing = missing

    def _kpi_profile(self, items, company):
        """Number of items filled in, number of items required, names of the missing items."""
        self.ensure_one()
        asked = [(item, names) for item, names in items if item._asked_of(self, company)]
        missing = [item.name for item, names in asked if not item._filled_in(self, names)]
        return len(asked) - len(missing), len(asked), ", ".join(missing)

    @api.model
    def _search_kpi_completeness(self, operator, value):
        if operator not in ("<", "<=", ">", ">=") or value is False:
            return NotImplemented
        # superuser: only contacts that the user may read are returned
        profiles = self.env["crm.kpi.profile"].sudo()
        query = profiles._search(
            Domain("company_id", "=", self.env.company.id) & Domain("completeness", operator, value)
        )
        return Domain("id", "in", query.subselect(SQL.identifier(query.table, "partner_id")))

    # ------------------------------------------------------------------
    # changes
    # ------------------------------------------------------------------
    def write(self, vals):
        if "user_id" in vals:
            # the customer's salesperson
            self.env["crm.kpi.customer"]._kpi_mark_dirty(self.ids)
        if not {"parent_id", "is_company"}.intersection(vals):
            return super().write(vals)
        before = self._kpi_customers()
        # All orders of the former customers: those that stay and those that move.
        # superuser: only marks ids for the next refresh
        self.env["sale.order"].sudo()._kpi_mark_customers(set(before.values()))
        self.env["crm.kpi.interaction"].sudo()._kpi_mark_partners(set(before.values()))
        # the same contacts belong to another customer afterwards
        self.env["crm.kpi.customer"]._kpi_mark_dirty({*before, *before.values()})
        result = super().write(vals)
        after = self._kpi_customers()
        moved = [partner_id for partner_id in after if before.get(partner_id) != after[partner_id]]
        if moved:
            self.env["crm.kpi.segment.set"]._mark_moved_facts(moved)
        return result

    def _kpi_customers(self):
        """Commercial partner by id of these contacts and all below them."""
        # superuser: only ids, for the queue of the next refresh
        contacts = self.sudo().with_context(active_test=False)
        family = contacts.search([("id", "child_of", self.ids)])
        return {partner.id: partner.commercial_partner_id.id for partner in family}

    @api.model
    def _kpi_interaction_record_sql(self):
        # messages between colleagues are no contacts with a customer
        return SQL(
            "%s AND %s",
            super()._kpi_interaction_record_sql(),
            definitions.is_external(self.env, SQL("r.commercial_partner_id")),
        )
