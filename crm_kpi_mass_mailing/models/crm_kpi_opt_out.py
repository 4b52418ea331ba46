# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

# Odoo blocks an address after N bounces in N weeks, if the first and the last are more than a
# week apart.
BOUNCES = 5
BOUNCE_WEEKS = 13


class CrmKpiOptOut(models.Model):
    """An address left a mailing list, or was put on the blocklist.

    The event is kept, because Odoo deletes its date when the address is added again.
    """

    _name = "crm.kpi.opt.out"
    _description = "KPI: opt-out"
    _kpi_measurable = True
    _inherit = ["crm.kpi.fact.mixin"]
    _order = "date desc, id desc"
    _rec_name = "email"

    date = fields.Datetime(required=True, readonly=True)
    email = fields.Char(required=True, readonly=True, index=True)
    kind = fields.Selection(
        [("list", "Left a mailing list"), ("block", "Blocked all mailings")],
        required=True,
        readonly=True,
    )
    list_id = fields.Many2one("mailing.list", "Mailing List", readonly=True, ondelete="set null")
    by_bounce = fields.Boolean(
        "Blocked after bounces",
        readonly=True,
        help="Odoo blocked the address because mails to it bounced. This was not requested by the "
        "recipient, so it does not count.",
    )
    # --- by the last mailing the address got before ---
    mailing_id = fields.Many2one(
        "mailing.mailing",
        "Last mailing before",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The last mailing to the address before it left or was blocked.",
    )
    user_id = fields.Many2one(
        "res.users",
        "Sent by",
        readonly=True,
        help="Sender of that mailing. The opt-out counts for them.",
    )
    team_id = fields.Many2one(
        "crm.team", "Sales Team", readonly=True, help="The sender's sales team at that time."
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, ondelete="set null", index="btree_not_null"
    )
    company_id = fields.Many2one("res.company", readonly=True)

    # ------------------------------------------------------------------
    # noting
    # ------------------------------------------------------------------
    @api.model
    def _note(self, rows):
        """Keep events: dicts with date, email, kind and list_id."""
        # superuser: called by the code that handles the event, with values of its own; a visitor
        # of the website who causes the event may not write here
        return self.sudo().create([row for row in rows if row["email"]])

    @api.model
    def _kpi_backfill(self):
        """Events before the installation that Odoo has kept."""
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """
                INSERT INTO crm_kpi_opt_out
                       (date, email, kind, list_id, create_uid, write_uid, create_date, write_date)
                SELECT e.*, %(uid)s, %(uid)s, %(now)s, %(now)s
                  FROM (SELECT s.opt_out_datetime AS date, c.email_normalized AS email,
                               'list' AS kind, s.list_id
                          FROM mailing_subscription s
                          JOIN mailing_contact c ON c.id = s.contact_id
                         WHERE s.opt_out AND s.opt_out_datetime IS NOT NULL
                           AND c.email_normalized IS NOT NULL
                     UNION ALL
                        SELECT create_date, email, 'block', NULL
                          FROM mail_blacklist WHERE active) AS e
                 WHERE NOT EXISTS (
                       SELECT FROM crm_kpi_opt_out o
                        WHERE o.email = e.email AND o.kind = e.kind
                          AND o.list_id IS NOT DISTINCT FROM e.list_id AND o.date >= e.date)
             RETURNING id
                """,
                uid=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        self._kpi_mark_all_dirty()

    # ------------------------------------------------------------------
    # deriving
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        # opt-outs read the facts of mailings
        self.env["mailing.trace"]._kpi_derive()
        return super()._kpi_derive()

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_update(
            ["mailing_id", "user_id", "team_id", "partner_id", "company_id", "by_bounce"],
            SQL(
                """
                SELECT o.id, t.mass_mailing_id AS mailing_id, t.kpi_user_id AS user_id,
                       t.kpi_team_id AS team_id, p.id AS partner_id,
                       COALESCE(t.kpi_company_id, p.company_id) AS company_id,
                       o.kind = 'block' AND b.hard AS by_bounce
                  FROM crm_kpi_opt_out o
             LEFT JOIN LATERAL (
                       SELECT * FROM mailing_trace t
                        WHERE t.kpi_email = o.email AND t.sent_datetime <= o.date
                          AND t.kpi_delivered AND t.is_test_trace IS NOT TRUE
                     ORDER BY t.sent_datetime DESC, t.id DESC LIMIT 1) t ON TRUE
             LEFT JOIN LATERAL (
                       SELECT id FROM res_partner
                        WHERE email_normalized = o.email ORDER BY active DESC, id LIMIT 1) known
                    ON t.kpi_partner_id IS NULL
             LEFT JOIN res_partner p ON p.id = COALESCE(t.kpi_partner_id, known.id)
            CROSS JOIN LATERAL (
                       SELECT COALESCE(count(*) >= %(bounces)s AND max(write_date)
                                       > min(write_date) + interval '1 week', FALSE) AS hard
                         FROM mailing_trace
                        WHERE kpi_email = o.email AND trace_status = 'bounce'
                          AND write_date > o.date - %(weeks)s * interval '1 week'
                          -- the last bounce and the block are of one transaction
                          AND write_date <= o.date + interval '1 second') b
                 WHERE o.id = ANY(%(ids)s)
                """,
                bounces=BOUNCES,
                weeks=BOUNCE_WEEKS,
                ids=list(ids),
            ),
        )
        return result
