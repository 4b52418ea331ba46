# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...customers import definitions
from ...fields import NullableFloat


class CrmKpiProfile(models.Model):
    """What is filled in on a customer's contact: one row per company and profile.

    A profile is a commercial partner that may be a customer; addresses and persons below it are
    no profiles. It belongs to its company, else to the company of the user who created it, else
    to that of its salesperson. A customer also belongs to the companies with orders.

    Nothing is stored, so that writing a contact costs nothing and changed profile items count
    at once.
    """

    _name = "crm.kpi.profile"
    _description = "Customer profile"
    _kpi_measurable = True
    _auto = False
    _order = "completeness, partner_id"
    _rec_name = "partner_id"
    #: Columns that the dates of the rows come from.
    _kpi_dated_by = {"create_date": ("res.partner", "create_date")}
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
        help="Employee who created the contact, else the salesperson.",
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
        help="The contact belongs to the company, or was created in it.",
    )
    is_customer = fields.Boolean("Customer with orders", readonly=True)
    is_archived = fields.Boolean("Archived", readonly=True)
    filled = fields.Integer("Items filled in", readonly=True)
    asked = fields.Integer("Items required", readonly=True)
    completeness = NullableFloat(
        readonly=True,
        aggregator="avg",
        help="Share of the required items that are filled in.",
    )
    is_complete = fields.Boolean(
        "Complete", readonly=True, help="At least four fifths of the required items are filled in."
    )
    missing = fields.Char(compute="_compute_missing")

    @api.depends("partner_id", "company_id")
    def _compute_missing(self):
        items = self.env["crm.kpi.profile.item"]._items()
        for profile in self:
            # superuser: only names of empty fields, of a profile that the user may read
            partner = profile.partner_id.sudo()
            profile.missing = partner._kpi_profile(items, profile.company_id)[2]

    @property
    def _table_query(self):
        # items may require any field
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
        # superuser: only whether the database has more than one company
        only = self.env["res.company"].sudo().with_context(active_test=False).search([], limit=2)
        return SQL(
            """
            SELECT (x.company_id::bigint << 31) | p.id AS id,
                   p.id AS partner_id, x.company_id, p.create_date,
                   owner.creator_id, creator_team.team_id AS creator_team_id,
                   owner.user_id, team.team_id,
                   x.is_own, x.is_customer, p.active IS NOT TRUE AS is_archived,
                   item.filled, item.asked,
                   item.filled::float8 / NULLIF(item.asked, 0) AS completeness,
                   -- in whole numbers: four of five are enough
                   item.asked > 0 AND 5 * item.filled >= 4 * item.asked AS is_complete
              FROM res_partner p
         LEFT JOIN res_users creator ON creator.id = p.create_uid AND %(internal)s
         LEFT JOIN res_users salesperson ON salesperson.id = p.user_id
        CROSS JOIN LATERAL (
                SELECT NULLIF(p.user_id, %(root)s) AS user_id,
                       COALESCE(creator.id, NULLIF(p.user_id, %(root)s)) AS creator_id,
                       COALESCE(p.company_id, creator.company_id, salesperson.company_id,
                                %(only)s) AS company_id
             ) AS owner
             -- What follows is looked up by partner and by user: PostgreSQL cannot know how many
             -- partners are profiles; it would expect one and compare all with all.
        CROSS JOIN LATERAL (%(companies)s) AS x
         LEFT JOIN LATERAL (%(creator_team)s) AS creator_team ON TRUE
         LEFT JOIN LATERAL (%(team)s) AS team ON TRUE
        CROSS JOIN LATERAL (SELECT %(filled)s AS filled, %(asked)s AS asked) AS item
             WHERE p.commercial_partner_id = p.id
               AND COALESCE(p.type, 'contact') = 'contact'
               AND %(external)s
            """,
            root=SUPERUSER_ID,
            internal=definitions.is_internal_user("creator"),
            only=only.id if len(only) == 1 else None,
            companies=_companies_of_profile(),
            external=definitions.is_external(self.env, SQL("p.id")),
            creator_team=_team_of(SQL("owner.creator_id")),
            team=_team_of(SQL("owner.user_id")),
            filled=filled,
            asked=asked,
        )

    def action_open_partner(self):
        self.ensure_one()
        return self.partner_id.get_formview_action()


def _companies_of_profile():
    """SQL (company_id, is_own, is_customer) of the companies to which a profile ``p`` belongs."""
    return SQL(
        """
        SELECT company_id, bool_or(own) AS is_own, bool_or(NOT own) AS is_customer
          FROM (SELECT owner.company_id, TRUE AS own WHERE owner.company_id IS NOT NULL
                 UNION ALL
                SELECT customer.company_id, FALSE
                  FROM crm_kpi_customer customer
                 WHERE customer.partner_id = p.id AND customer.order_count > 0) AS known
      GROUP BY company_id
        """
    )


def _team_of(user):
    """SQL (team_id) of the first team that a user joined in the company ``x.company_id``."""
    return SQL(
        """
        SELECT team.id AS team_id
          FROM crm_team_member member
          JOIN crm_team team
            ON team.id = member.crm_team_id AND team.active
           AND (team.company_id IS NULL OR team.company_id = x.company_id)
         WHERE member.user_id = %s AND member.active
      ORDER BY member.id
         LIMIT 1
        """,
        user,
    )
