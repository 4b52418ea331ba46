# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat


class CrmKpiProfile(models.Model):
    """What is filled in on a customer's contact: one row per company and profile.

    A profile is a commercial partner; the addresses and persons below it are none, nor are our
    own companies and people. It belongs to its company, else to that of whoever created it,
    else to that of its salesperson; a customer belongs to the companies with orders as well.

    Nothing is stored, so that writing a contact costs nothing and another idea of what is to be
    filled in holds at once.
    """

    _name = "crm.kpi.profile"
    _description = "Customer profile"
    _auto = False
    _order = "completeness, partner_id"
    _rec_name = "partner_id"
    _depends = {
        "crm.kpi.customer": ["company_id", "order_count", "partner_id"],
        "crm.team.member": ["active", "crm_team_id", "user_id"],
        "res.company": ["partner_id"],
        "res.partner": ["active", "commercial_partner_id", "company_id", "type", "user_id"],
        "res.users": ["company_id", "partner_id", "share"],
    }

    partner_id = fields.Many2one("res.partner", "Customer", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    create_date = fields.Datetime("Created on", readonly=True)
    creator_id = fields.Many2one(
        "res.users",
        "Created by",
        readonly=True,
        help="The employee who created the contact, else its salesperson.",
    )
    creator_team_id = fields.Many2one("crm.team", "Team of the creator", readonly=True)
    user_id = fields.Many2one(
        "res.users", "Salesperson", readonly=True, help="Salesperson of the customer."
    )
    team_id = fields.Many2one(
        "crm.team", "Sales Team", readonly=True, help="Team of the salesperson."
    )
    is_own = fields.Boolean(
        "Own profile",
        readonly=True,
        help="The contact belongs to the company, or was created for it.",
    )
    is_customer = fields.Boolean("Customer with orders", readonly=True)
    is_archived = fields.Boolean("Archived", readonly=True)
    filled = fields.Integer("Items filled in", readonly=True)
    asked = fields.Integer("Items asked for", readonly=True)
    completeness = NullableFloat(
        readonly=True,
        aggregator="avg",
        help="Share of what is asked for that is filled in.",
    )
    is_complete = fields.Boolean(
        "Complete", readonly=True, help="At least four fifths of what is asked for are filled in."
    )
    missing = fields.Char(compute="_compute_missing")

    @api.depends("partner_id", "company_id")
    def _compute_missing(self):
        items = self.env["crm.kpi.profile.item"]._items()
        for profile in self:
            # superuser: names of empty fields, of a profile that the user may read
            partner = profile.partner_id.sudo()
            profile.missing = partner._kpi_profile(items, profile.company_id)[2]

    @property
    def _table_query(self):
        # what the items ask for can be any field
        self.env["res.partner"].flush_model()
        items = self.env["crm.kpi.profile.item"]._items()
        filled, asked = (
            SQL(" + ").join([SQL("0"), *(SQL("(%s)::int", part) for part in parts)])
            for parts in (
                [
                    SQL("(%s) AND %s", item._asked_sql(), item._filled_in_sql(names))
                    for item, names in items
                ],
                [item._asked_sql() for item, _names in items],
            )
        )
        # superuser: whether there is more than one company is no secret
        only = self.env["res.company"].sudo().with_context(active_test=False).search([], limit=2)
        return SQL(
            """
            SELECT (x.company_id::bigint << 31) | p.id AS id,
                   p.id AS partner_id, x.company_id, p.create_date,
                   o.creator_id, c.team_id AS creator_team_id, o.user_id, m.team_id,
                   x.is_own, x.is_customer, p.active IS NOT TRUE AS is_archived,
                   f.filled, f.asked,
                   f.filled::float8 / NULLIF(f.asked, 0) AS completeness,
                   -- in whole numbers: four of five are enough
                   f.asked > 0 AND 5 * f.filled >= 4 * f.asked AS is_complete
              FROM res_partner p
         LEFT JOIN res_users u
                ON u.id = p.create_uid AND u.share IS NOT TRUE AND u.id <> %(root)s
         LEFT JOIN res_users s ON s.id = p.user_id
        CROSS JOIN LATERAL (
                SELECT NULLIF(p.user_id, %(root)s) AS user_id,
                       COALESCE(u.id, NULLIF(p.user_id, %(root)s)) AS creator_id,
                       COALESCE(p.company_id, u.company_id, s.company_id, %(only)s) AS company_id
             ) o
             -- what follows is looked up by partner and by user: nobody can tell the planner how
             -- many partners are profiles, and with one in mind it would compare all with all
        CROSS JOIN LATERAL (
                SELECT company_id, bool_or(own) AS is_own, bool_or(NOT own) AS is_customer
                  FROM (SELECT o.company_id, TRUE AS own WHERE o.company_id IS NOT NULL
                         UNION ALL
                        SELECT k.company_id, FALSE FROM crm_kpi_customer k
                         WHERE k.partner_id = p.id AND k.order_count > 0) AS known
              GROUP BY company_id
             ) x
         LEFT JOIN LATERAL (%(creator_team)s) c ON TRUE
         LEFT JOIN LATERAL (%(team)s) m ON TRUE
        CROSS JOIN LATERAL (SELECT %(filled)s AS filled, %(asked)s AS asked) f
             WHERE p.commercial_partner_id = p.id
               AND COALESCE(p.type, 'contact') = 'contact'
               AND p.id NOT IN (%(internal)s)
            """,
            root=SUPERUSER_ID,
            only=only.id if len(only) == 1 else None,
            internal=self.env["sale.order"]._kpi_internal_partners(),
            creator_team=_team_of(SQL("o.creator_id")),
            team=_team_of(SQL("o.user_id")),
            filled=filled,
            asked=asked,
        )

    def action_open_partner(self):
        self.ensure_one()
        return self.partner_id.get_formview_action()


def _team_of(user):
    """SQL of the team of a user in the company x.company_id, the first one joined."""
    return SQL(
        """SELECT t.id AS team_id
             FROM crm_team_member b
             JOIN crm_team t ON t.id = b.crm_team_id AND t.active
                  AND (t.company_id IS NULL OR t.company_id = x.company_id)
            WHERE b.user_id = %s AND b.active
            ORDER BY b.id LIMIT 1""",
        user,
    )
