# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Types of fields that profile items may name.
FILLABLE = ("char", "text", "many2one", "selection", "date", "datetime")


class CrmKpiProfileItem(models.Model):
    """One item of a complete customer profile, such as the country, or an email or a phone."""

    _name = "crm.kpi.profile.item"
    _description = "KPI: item of a complete profile"
    _kpi_measurable = True
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    applies_to = fields.Selection(
        [("all", "All customers"), ("company", "Companies"), ("person", "Individuals")],
        required=True,
        default="all",
    )
    field_names = fields.Char(
        "Fields",
        required=True,
        help="Names of fields of contacts, separated by commas: email, phone.",
    )
    match = fields.Selection(
        [("all", "All of them"), ("any", "One of them")],
        "Filled in",
        required=True,
        default="all",
        help="Whether all of the fields must be filled in, or one of them.",
    )
    company_id = fields.Many2one(
        "res.company",
        index="btree_not_null",
        ondelete="cascade",
        help="Only for customers of this company. Empty: in all companies.",
    )

    @api.constrains("field_names")
    def _check_field_names(self):
        partner_fields = self.env["res.partner"]._fields
        for item in self:
            for name in item._names():
                field = partner_fields.get(name)
                if (
                    field is None
                    or not field.store
                    or field.type not in FILLABLE
                    or field.translate
                    or field.company_dependent
                ):
                    raise ValidationError(
                        self.env._(
                            "Fields of “%(item)s”: %(field)s cannot be used. Enter names of stored "
                            "text, selection, date or many2one fields of contacts, separated by "
                            "commas. Fields that differ by language or company cannot be used.",
                            item=item.name,
                            field=name,
                        )
                    )

    def _names(self):
        self.ensure_one()
        return [name.strip() for name in (self.field_names or "").split(",") if name.strip()]

    @api.model
    def _items(self):
        """Pairs of the items in use and the names of their fields that still exist."""
        partner_fields = self.env["res.partner"]._fields
        found = [
            (item, [name for name in item._names() if name in partner_fields])
            # superuser: every user may know the items. The engine reads archived records too,
            # hence active_test.
            for item in self.sudo().with_context(active_test=True).search([])
        ]
        return [(item, names) for item, names in found if names]

    def _asked_of(self, partner, company):
        """Whether a profile must have this item."""
        self.ensure_one()
        return self.applies_to in ("all", "company" if partner.is_company else "person") and (
            self.company_id in (self.env["res.company"], company)
        )

    def _asked_sql(self):
        """The same in SQL, for the contact ``p`` as a customer of the company ``x.company_id``."""
        self.ensure_one()
        parts = [SQL("TRUE")]
        if self.applies_to == "company":
            parts.append(SQL("COALESCE(p.is_company, FALSE)"))
        elif self.applies_to == "person":
            parts.append(SQL("p.is_company IS NOT TRUE"))
        if self.company_id:
            parts.append(SQL("x.company_id = %s", self.company_id.id))
        return SQL(" AND ").join(parts)

    def _filled_in(self, partner, names):
        """Whether a contact has this item."""
        self.ensure_one()
        values = [
            value.strip(" ") if isinstance(value, str) else value
            for value in (partner[name] for name in names)
        ]
        return (all if self.match == "all" else any)(map(bool, values))

    def _filled_in_sql(self, names):
        """The same in SQL, for the contact ``p``."""
        self.ensure_one()
        parts = []
        for name in names:
            column = SQL.identifier("p", name)
            if self.env["res.partner"]._fields[name].type in ("char", "text", "selection"):
                column = SQL("NULLIF(btrim(%s), '')", column)
            parts.append(SQL("%s IS NOT NULL", column))
        return SQL("(%s)", SQL(" AND " if self.match == "all" else " OR ").join(parts))
