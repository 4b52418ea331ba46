# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ...conversations import interactions
from ...fields import NullableFloat, UncheckedMany2one
from ...refresh.values import delete_orphans

CHANNELS = [
    ("email", "Email"),
    ("sms", "SMS"),
    ("letter", "Letter"),
    ("call", "Call"),
    ("meeting", "Meeting"),
    ("whatsapp", "WhatsApp"),
    ("brochure", "Brochure"),
]
DIRECTIONS = [("out", "Outgoing"), ("in", "Incoming"), ("both", "Both ways")]
#: Number of stored rows from which the statistics of the table are renewed.
ANALYZE_FROM = 5_000


class CrmKpiInteraction(models.Model):
    """One exchange with a customer or prospect: a message that counts.

    A row is a ``mail.message`` on a record of a model with ``crm.kpi.interaction.mixin`` that a
    person wrote to, or received from, the other side (see :mod:`crm_kpi.conversations`). Only
    :meth:`_kpi_refresh_interactions` writes rows.
    """

    _name = "crm.kpi.interaction"
    _description = "KPI Interaction"
    _kpi_measurable = True
    _order = "date desc, id desc"
    _rec_name = "res_model"

    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    lead_id = fields.Many2one("crm.lead", readonly=True, index="btree_not_null", ondelete="cascade")
    message_id = fields.Many2one("mail.message", required=True, readonly=True, ondelete="cascade")
    date = fields.Datetime(required=True, readonly=True)
    day = fields.Date(
        readonly=True, help="The day of the date in the KPI time zone of the company."
    )
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    direction = fields.Selection(DIRECTIONS, required=True, readonly=True)
    user_id = UncheckedMany2one(
        "res.users", "Author", readonly=True, help="The employee who wrote, called or met."
    )
    team_id = UncheckedMany2one("crm.team", "Sales Team", readonly=True)
    company_id = UncheckedMany2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index="btree_not_null")
    is_request = fields.Boolean(
        "Request", readonly=True, help="The incoming message that created the record."
    )
    is_attempt = fields.Boolean(
        "Attempt",
        readonly=True,
        help="The first outgoing message of its channel on a day, while the record was open: "
        "three mails on one day are one attempt, a mail and a call are two.",
    )
    is_turn = fields.Boolean(
        "Customer's turn",
        readonly=True,
        help="The first incoming message after our last one. The customer waits for an answer "
        "from here on.",
    )
    reply_date = fields.Datetime("Answered on", readonly=True)
    reply_user_id = UncheckedMany2one("res.users", "Answered by", readonly=True)
    reply_hours = NullableFloat(
        "Hours to answer",
        readonly=True,
        aggregator="avg",
        help="Hours from the customer's turn to the answer. Empty while unanswered.",
    )
    turn_user_id = UncheckedMany2one(
        "res.users",
        "Turn credited to",
        readonly=True,
        help="Of a customer's turn: the author of the answer; while unanswered, the user who is "
        "responsible for the record.",
    )

    _message_uniq = models.UniqueIndex("(message_id)", "A message is one interaction.")
    _record_idx = models.Index("(res_model, res_id, date, message_id)")
    _date_idx = models.Index("(date)")

    @api.depends("channel", "direction", "date")
    def _compute_display_name(self):
        channels = dict(self._fields["channel"]._description_selection(self.env))
        directions = dict(self._fields["direction"]._description_selection(self.env))
        for interaction in self:
            interaction.display_name = (
                f"{channels.get(interaction.channel)} – {directions.get(interaction.direction)}"
            )

    def action_open_record(self):
        """Open the record of the message, under the rights of the user."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id).get_formview_action()

    @api.autovacuum
    def _gc_orphans(self):
        """Empty what was written while another transaction deleted the user or team."""
        return delete_orphans(self.env, self), 0

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        """Derive the dirty records of every model that has interactions.

        Sources of KPIs on interactions call this before they are read.
        """
        return sum(model._kpi_derive() for model in self._kpi_models())

    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark the records of all messages."""
        for model in self._kpi_models():
            model._kpi_mark_all_dirty()

    @api.model
    def _kpi_models(self):
        """Empty recordsets of the models whose messages are interactions."""
        return [
            self.env[name]
            for name, model in self.env.registry.items()
            if getattr(model, "_kpi_has_interactions", False) and not model._abstract
        ]

    @api.model
    def _kpi_refresh_interactions(self, model, ids):
        """Make the rows of the records ``ids`` of ``model`` equal to their messages.

        Records that do not exist any more lose their rows. The customers of rows that change
        are marked, before and after.

        :param model: empty recordset of a model with ``crm.kpi.interaction.mixin``
        """
        if not ids:
            return
        records = model._kpi_interaction_records(ids)
        query = interactions.interactions(records, self._kpi_messages())
        [[changes]] = self.env.execute_query(interactions.store_interactions(records, query))
        if changes >= ANALYZE_FROM:
            self.env.cr.execute("ANALYZE crm_kpi_interaction")

    @api.model
    def _kpi_messages(self):
        """How messages are read: settings of all companies, and what apps know of a message."""
        # superuser: the rows are the same for all users, so all companies and users are read
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        users = self.env["res.users"].sudo().with_context(active_test=False)
        message = self._kpi_message_sql()
        return interactions.Messages(
            ignored=message["ignored"],
            date=message["date"],
            public_users=users.search(
                [("group_ids", "in", self.env.ref("base.group_public").ids)]
            ).ids,
            companies=[
                interactions.Company(
                    company.id, company._kpi_tz(), company._kpi_auto_reply_pattern()
                )
                for company in companies
            ],
        )

    @api.model
    def _kpi_message_sql(self):
        """Conditions over a message ``m`` that apps extend: ``ignored``, and its ``date``."""
        return {"ignored": SQL("FALSE"), "date": SQL("COALESCE(m.date, m.create_date)")}

    @api.model
    def _kpi_is_contact_sql(self, alias):
        """Condition over rows: the customer was contacted.

        An invoice sent by post counts as a letter, but is no contact.
        """
        return SQL(
            "NOT (%(row)s.channel = 'letter' AND %(row)s.res_model = 'account.move')",
            row=SQL.identifier(alias),
        )

    # ------------------------------------------------------------------
    # marking
    # ------------------------------------------------------------------
    @api.model
    def _kpi_mark_partners(self, partner_ids):
        """Mark the records of these commercial partners' rows: their customer may change."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT res_model, res_id
                       FROM crm_kpi_interaction
                      WHERE partner_id = ANY(%s)
                """,
                list(partner_ids),
            )
        )

    @api.model
    def _kpi_mark_companies(self, company_ids):
        """Mark the records of these companies' rows: their local days change."""
        self.flush_model(["company_id", "res_model", "res_id"])
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT res_model, res_id
                       FROM crm_kpi_interaction
                      WHERE company_id = ANY(%s)
                """,
                list(company_ids),
            )
        )

    @api.model
    def _kpi_mark_customers(self, where):
        """Mark the customers of some rows.

        :param SQL where: condition of the rows
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT 'crm.kpi.customer', partner_id
                       FROM crm_kpi_interaction
                      WHERE partner_id IS NOT NULL AND %s
                """,
                where,
            )
        )
