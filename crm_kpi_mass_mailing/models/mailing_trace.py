# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .. import traces


class MailingTrace(models.Model):
    """Facts of a mail or SMS of a mailing, once it is sent.

    They are empty before, so that the derivation and the transaction that sends do not wait
    for each other.
    """

    _name = "mailing.trace"
    _inherit = ["mailing.trace", "crm.kpi.fact.mixin"]

    # Odoo reads the write dates of bounces to block an address, and shows other write dates as
    # the last change of state: a back-fill must not change them
    _kpi_touch = SQL(
        """CASE WHEN r.trace_status = 'bounce'
                  OR r.write_date < clock_timestamp() AT TIME ZONE 'UTC' - interval '1 day'
                THEN r.write_date ELSE clock_timestamp() AT TIME ZONE 'UTC' END"""
    )

    kpi_email = fields.Char(
        "Address counted",
        readonly=True,
        copy=False,
        help="The address without a name, in lower case: each address counts once.",
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
        help="Delivered, and answered or clicked. Opening does not count, because mail programs "
        "open mails automatically. Clicks within seconds after the sending do not count, because "
        "virus scanners click links.",
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
        help="Company in whose KPIs it counts: that of the sender, else of the recipient.",
    )
    kpi_campaign_cost_known = fields.Boolean(
        "Campaign with known cost",
        compute="_compute_kpi_campaign_cost_known",
        search="_search_kpi_campaign_cost_known",
        help="The campaign has a cost entry in this company, so its responses count in the campaign "
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
        query = traces.facts(ids, self._kpi_recipients_sql(ids))
        self._kpi_update(list(traces.COLUMNS), query)
        return result

    @api.model
    def _kpi_recipients_sql(self, ids):
        """Query ``(id, partner_id)`` of the traces whose record has, or is, a contact."""
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
