# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...fields import NullableFloat

GROUP = "crm_kpi.group_kpi_user"


class ResPartner(models.Model):
    """How complete the profile of a customer is, by what the current company asks for."""

    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    kpi_completeness = NullableFloat(
        "Profile complete",
        compute="_compute_kpi_completeness",
        search="_search_kpi_completeness",
        aggregator=None,
        groups=GROUP,
        help="Share of what a profile should tell that is filled in.",
    )
    kpi_profile_missing = fields.Char(
        "Missing in the profile",
        compute="_compute_kpi_completeness",
        groups=GROUP,
        help="What is not filled in yet.",
    )

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
        """Items filled in, items asked for, and the names of those missing."""
        self.ensure_one()
        asked = [(item, names) for item, names in items if item._asked_of(self, company)]
        missing = [item.name for item, names in asked if not item._filled_in(self, names)]
        return len(asked) - len(missing), len(asked), ", ".join(missing)

    @api.model
    def _search_kpi_completeness(self, operator, value):
        if operator not in ("<", "<=", ">", ">=") or value is False:
            return NotImplemented
        profiles = self.env["crm.kpi.profile"].sudo()  # the contacts found are those he may read
        query = profiles._search(
            Domain("company_id", "=", self.env.company.id) & Domain("completeness", operator, value)
        )
        return Domain("id", "in", query.subselect(SQL.identifier(query.table, "partner_id")))
