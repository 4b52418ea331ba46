# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CrmKpiScopeMixin(models.AbstractModel):
    """Records of a company that users can assign to a team, a salesperson or a segment."""

    _name = "crm.kpi.scope.mixin"
    _description = "KPI: assigned to a team, salesperson or segment"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    team_id = fields.Many2one(
        "crm.team",
        "Sales Team",
        check_company=True,
        index="btree_not_null",
        compute="_compute_team_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    user_id = fields.Many2one(
        "res.users",
        "Salesperson",
        check_company=True,
        index="btree_not_null",
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    segment_id = fields.Many2one(
        "crm.kpi.segment",
        index="btree_not_null",
        domain="[('set_id.company_id', 'in', [False, company_id])]",
    )

    @api.depends("user_id")
    def _compute_team_id(self):
        for record in self:
            team = record.user_id.sale_team_id
            # do not propose a team that the company check would refuse
            if team and team.company_id in (record.company_id, self.env["res.company"]):
                record.team_id = team
            else:
                record.team_id = record.team_id

    @api.constrains("segment_id", "company_id")
    def _check_segment_company(self):
        for record in self:
            owner = record.segment_id.set_id.company_id
            if owner and owner != record.company_id:
                raise ValidationError(
                    self.env._(
                        "Segment: “%(segment)s” belongs to %(owner)s. Choose one of "
                        "%(company)s, or change the company.",
                        segment=record.segment_id.name,
                        owner=owner.name,
                        company=record.company_id.name,
                    )
                )
