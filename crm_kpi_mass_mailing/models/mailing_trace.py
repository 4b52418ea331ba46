# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# for mailings whose company cannot be told
DEFAULT_CLICK_SECONDS = 10


class MailingTrace(models.Model):
    """Facts of a mail or text of a mailing, once it is sent.

    Before that they stay empty, so that deriving them never waits for, or disturbs, the
    transaction that is sending.
    """

    _name = "mailing.trace"
    _inherit = ["mailing.trace", "crm.kpi.fact.mixin"]

    # Odoo blocks an address by the write dates of its bounces, and shows the write date of all
    # others as the last change of state: neither may take the moment of a back-fill for news
    _kpi_touch = SQL(
        """CASE WHEN r.trace_status = 'bounce'
                  OR r.write_date < clock_timestamp() AT TIME ZONE 'UTC' - interval '1 day'
                THEN r.write_date ELSE clock_timestamp() AT TIME ZONE 'UTC' END"""
    )

    kpi_email = fields.Char(
        "Address counted",
        readonly=True,
        copy=False,
        help="The address without a name and in lower case, so that it counts once.",
    )
    kpi_delivered = fields.Boolean(
        "Delivered",
        readonly=True,
        copy=False,
        help="Sent, and neither bounced nor failed nor cancelled.",
    )
    kpi_responded = fields.Boolean(
        "Responded",
        readonly=True,
        copy=False,
        help="Delivered, and answered or clicked. Opening is no response, for mail programs open "
        "by themselves; nor is a click within seconds of the sending, which a virus scanner made.",
    )
    kpi_user_id = fields.Many2one(
        "res.users",
        "Sent by",
        readonly=True,
        copy=False,
        help="The person responsible for the mailing when it was sent.",
    )
    kpi_team_id = fields.Many2one(
        "crm.team",
        "Sent by team",
        readonly=True,
        copy=False,
        help="Sales team of this person at that time.",
    )
    kpi_partner_id = fields.Many2one(
        "res.partner",
        "Recipient",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Contact of the record the mail was sent for, else the contact with its address.",
    )
    kpi_company_id = fields.Many2one(
        "res.company",
        "Company in KPIs",
        readonly=True,
        copy=False,
        help="The company whose KPIs it counts in: that of the sender, else of the recipient.",
    )
    kpi_campaign_cost_known = fields.Boolean(
        "Campaign with known cost",
        compute="_compute_kpi_campaign_cost_known",
        search="_search_kpi_campaign_cost_known",
        help="The campaign has a cost entry in this company: its responses count for the campaign "
        "cost per response.",
    )

    _kpi_email_idx = models.Index("(kpi_email, sent_datetime) WHERE kpi_email IS NOT NULL")

    @api.depends("campaign_id", "kpi_company_id")
    def _compute_kpi_campaign_cost_known(self):
        known = self.env["crm.kpi.cost"]._campaigns_known()
        for trace in self:
            campaigns = known.get(trace.kpi_company_id.id, ())
            trace.kpi_campaign_cost_known = trace.campaign_id.id in campaigns

    @api.model
    def _search_kpi_campaign_cost_known(self, operator, value):
        if operator != "in":
            return NotImplemented
        known = self.env["crm.kpi.cost"]._campaigns_known()
        return Domain.OR(
            Domain("kpi_company_id", "=", company_id) & Domain("campaign_id", "in", list(ids))
            for company_id, ids in known.items()
        )

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "email",
            "links_click_datetime",
            "mass_mailing_id",
            "model",
            "reply_datetime",
            "res_id",
            "sent_datetime",
            "trace_status",
            "trace_type",
        }

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_update(
            [
                "kpi_email",
                "kpi_delivered",
                "kpi_responded",
                "kpi_user_id",
                "kpi_team_id",
                "kpi_partner_id",
                "kpi_company_id",
            ],
            SQL(
                """
                WITH sent AS MATERIALIZED (
                    SELECT id, %(email)s AS email
                      FROM mailing_trace
                     WHERE id = ANY(%(ids)s) AND sent_datetime IS NOT NULL
                ), recipient AS (%(recipients)s
                ), known AS (
                    -- several contacts may share an address: the oldest that is in use
                    SELECT DISTINCT ON (p.email_normalized) p.email_normalized AS email, p.id
                      FROM res_partner p
                     WHERE p.email_normalized IN (SELECT email FROM sent)
                  ORDER BY p.email_normalized, p.active DESC, p.id
                ), owned AS (
                    -- who sent it is kept from the first time
                    SELECT t.id,
                           COALESCE(t.kpi_user_id, u.id) AS user_id,
                           CASE WHEN t.kpi_user_id IS NULL THEN u.sale_team_id
                                ELSE t.kpi_team_id END AS team_id,
                           CASE WHEN t.kpi_user_id IS NULL THEN u.company_id
                                ELSE t.kpi_company_id END AS company_id,
                           COALESCE(recipient.partner_id, known.id) AS partner_id
                      FROM mailing_trace t
                      JOIN sent ON sent.id = t.id
                 LEFT JOIN mailing_mailing m ON m.id = t.mass_mailing_id
                 LEFT JOIN res_users u ON u.id = NULLIF(m.user_id, %(root)s)
                 LEFT JOIN recipient ON recipient.id = t.id
                 LEFT JOIN known ON known.email = sent.email
                )
                SELECT t.id,
                       sent.email AS kpi_email,
                       d.delivered AS kpi_delivered,
                       CASE WHEN d.delivered THEN COALESCE(
                           t.trace_status = 'reply' OR t.reply_datetime IS NOT NULL
                           OR t.links_click_datetime >= t.sent_datetime
                              + COALESCE(c.kpi_click_seconds, %(seconds)s) * interval '1 second',
                           FALSE) ELSE d.delivered END AS kpi_responded,
                       o.user_id AS kpi_user_id,
                       o.team_id AS kpi_team_id,
                       o.partner_id AS kpi_partner_id,
                       COALESCE(o.company_id, p.company_id) AS kpi_company_id
                  FROM mailing_trace t
             LEFT JOIN sent ON sent.id = t.id
             LEFT JOIN owned o ON o.id = t.id
             LEFT JOIN res_partner p ON p.id = o.partner_id
             LEFT JOIN res_company c ON c.id = COALESCE(o.company_id, p.company_id)
            CROSS JOIN LATERAL (
                       SELECT CASE WHEN sent.id IS NOT NULL THEN
                              t.trace_status IN ('sent', 'open', 'reply')
                              -- a text whose delivery report is still to come
                              OR t.trace_status = 'pending' AND t.trace_type = 'sms' END
                       ) AS d (delivered)
                 WHERE t.id = ANY(%(ids)s)
                """,
                email=self._kpi_email_sql("email"),
                recipients=self._kpi_recipients_sql(ids),
                root=SUPERUSER_ID,
                seconds=DEFAULT_CLICK_SECONDS,
                ids=list(ids),
            ),
        )
        return result

    @api.model
    def _kpi_email_sql(self, column):
        """The bare address; old or imported rows hold a name beside it."""
        return SQL(
            "lower(substring(%s from '[^<>[:space:]]+@[^<>[:space:]]+'))", SQL.identifier(column)
        )

    @api.model
    def _kpi_recipients_sql(self, ids):
        """``(id, partner_id)`` of the traces ``ids`` whose record has, or is, a contact."""
        parts = [SQL("SELECT NULL::int4 AS id, NULL::int4 AS partner_id WHERE FALSE")]
        names = self.env.execute_query(
            SQL("SELECT DISTINCT model FROM mailing_trace WHERE id = ANY(%s)", list(ids))
        )
        for (name,) in names:
            model = self.env.get(name)
            if model is None or model._abstract or not model._auto:
                continue
            field = model._fields.get("partner_id")
            if name == "res.partner":
                column = SQL("x.id")
            elif field is not None and field.store and field.comodel_name == "res.partner":
                column = SQL("x.partner_id")
            else:
                continue
            parts.append(
                SQL(
                    "SELECT t.id, %s FROM mailing_trace t JOIN %s x ON x.id = t.res_id"
                    " WHERE t.id = ANY(%s) AND t.model = %s",
                    column,
                    SQL.identifier(model._table),
                    list(ids),
                    name,
                )
            )
        return SQL(" UNION ALL ").join(parts)
