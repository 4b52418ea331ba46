# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
# Placeholder until the segment models land: remove this file and its import then.

from odoo import api, fields, models


class CrmKpiSegmentSet(models.Model):
    _name = "crm.kpi.segment.set"
    _description = "Customer Segment Set"

    name = fields.Char()
    company_id = fields.Many2one("res.company")
    unknown_segment_id = fields.Many2one("crm.kpi.segment")

    @api.model
    def _update_members(self):
        return None


class CrmKpiSegment(models.Model):
    _name = "crm.kpi.segment"
    _description = "Customer Segment"

    name = fields.Char()
    active = fields.Boolean(default=True)
    set_id = fields.Many2one("crm.kpi.segment.set", index=True)
    country_id = fields.Many2one("res.country")


class CrmKpiSegmentMember(models.Model):
    _name = "crm.kpi.segment.member"
    _description = "Customer Segment Member"

    set_id = fields.Many2one("crm.kpi.segment.set")
    segment_id = fields.Many2one("crm.kpi.segment")
    partner_id = fields.Many2one("res.partner")
    company_id = fields.Many2one("res.company")
    date_from = fields.Date()
    date_to = fields.Date()
