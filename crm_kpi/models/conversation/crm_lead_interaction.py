# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ...conversations import attempts

# for leads whose company cannot be told
DEFAULT_ATTEMPTS = 5
DEFAULT_GRACE_DAYS = 2


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "crm.kpi.response.mixin"]

    _kpi_response_lead_field = "id"
    _kpi_response_creation_subtypes = ("crm.mt_lead_create",)
    _kpi_response_mass_mail_is_out = True
    _kpi_response_closed_fields = ("kpi_won_date", "kpi_lost_date")
    _kpi_response_target_field = "kpi_lead_response_target_hours"

    kpi_first_attempt_date = fields.Datetime(
        "First attempt",
        readonly=True,
        copy=False,
        help="The first mail, call, meeting, text or letter to the prospect.",
    )
    kpi_first_attempt_user_id = fields.Many2one(
        "res.users", "First attempt by", readonly=True, copy=False
    )
    kpi_last_attempt_date = fields.Datetime("Last attempt", readonly=True, copy=False)
    kpi_first_reply_date = fields.Datetime(
        "First reply",
        readonly=True,
        copy=False,
        help="The first sign of the prospect: a message, a meeting, a signed quotation.",
    )
    kpi_last_reply_date = fields.Datetime("Last reply", readonly=True, copy=False)
    kpi_last_interaction_date = fields.Datetime(
        "Last interaction",
        readonly=True,
        copy=False,
        help="The last exchange on the lead and its quotations and orders.",
    )
    kpi_attempt_count = fields.Integer(
        "Attempts",
        readonly=True,
        copy=False,
        help="Days and channels with an outgoing message: three mails on one day are one "
        "attempt, a mail and a call are two.",
    )
    kpi_attempts_since_reply = fields.Integer(
        "Attempts since the last reply", readonly=True, copy=False
    )
    kpi_unresponsive = fields.Boolean(
        "Unresponsive",
        readonly=True,
        copy=False,
        help="Open, and so many attempts in a row without an answer as the company's settings "
        "say, the last of them some days ago.",
    )
    kpi_first_action_date = fields.Datetime(
        "First action",
        readonly=True,
        copy=False,
        help="The first thing the prospect did after the first attempt: a reply, a meeting, "
        "a quotation, the conversion, the deal.",
    )

    _kpi_unresponsive_idx = models.Index("(id) WHERE kpi_unresponsive")
    _kpi_attempts_idx = models.Index(
        "(kpi_attempts_since_reply, kpi_last_attempt_date) WHERE active AND won_status = 'pending'"
    )

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "active",
            "date_conversion",
            "probability",
            "stage_id",
            "type",
        }

    @api.model
    def _kpi_open_sql(self):
        return SQL("r.active AND r.won_status = 'pending'")

    @api.model
    def _kpi_unresponsive_sql(self):
        """Condition over the lead ``r`` and its company ``x``, by the stored columns."""
        return SQL(
            """
            COALESCE(%s
                 AND r.kpi_attempts_since_reply >= COALESCE(x.kpi_unresponsive_attempts, %s)
                 AND r.kpi_last_attempt_date <= %s
                     - COALESCE(x.kpi_unresponsive_grace_days, %s) * interval '1 day', FALSE)
            """,
            self._kpi_open_sql(),
            DEFAULT_ATTEMPTS,
            fields.Datetime.now(),
            DEFAULT_GRACE_DAYS,
        )

    @api.model
    def _kpi_stale_ids(self):
        # the grace after the last attempt has run out, or the lead was closed since
        least = self.env.execute_query(
            SQL(
                "SELECT LEAST(min(kpi_unresponsive_attempts), %s) FROM res_company",
                DEFAULT_ATTEMPTS,
            )
        )[0][0]
        condition = self._kpi_unresponsive_sql()
        company = self._kpi_company_sql()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT r.id
                  FROM crm_lead r LEFT JOIN res_company x ON x.id = %(company)s
                 WHERE r.active AND r.won_status = 'pending'
                   AND r.kpi_attempts_since_reply >= %(least)s
                   AND r.kpi_unresponsive IS NOT TRUE AND %(condition)s
             UNION
                SELECT r.id
                  FROM crm_lead r LEFT JOIN res_company x ON x.id = %(company)s
                 WHERE r.kpi_unresponsive AND NOT %(condition)s
                """,
                company=company,
                least=least,
                condition=condition,
            )
        )
        return sorted({*super()._kpi_stale_ids(), *(id_ for (id_,) in rows)})

    @api.model
    def _kpi_derive_records(self, ids):
        # their orders' messages count for the last interaction; the order itself may not have
        # been derived yet
        orders = self.env["sale.order"]
        order_ids = self.env.execute_query(
            SQL("SELECT id FROM sale_order WHERE opportunity_id = ANY(%s)", list(ids))
        )
        self.env["crm.kpi.interaction"]._kpi_refresh_interactions(
            orders, [id_ for (id_,) in order_ids]
        )
        result = super()._kpi_derive_records(ids)
        self._kpi_derive_attempts(ids)
        return result

    @api.model
    def _kpi_derive_attempts(self, ids):
        """Attempts, replies and first action of the leads ``ids``."""
        self._kpi_update(list(attempts.COLUMNS), attempts.attempts(ids))
        self._kpi_update(
            ["kpi_unresponsive"],
            SQL(
                """
                SELECT r.id, %s AS kpi_unresponsive
                  FROM crm_lead r LEFT JOIN res_company x ON x.id = %s
                 WHERE r.id = ANY(%s)
                """,
                self._kpi_unresponsive_sql(),
                self._kpi_company_sql(),
                list(ids),
            ),
        )
