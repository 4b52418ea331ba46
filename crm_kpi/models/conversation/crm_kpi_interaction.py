# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ...fields import NullableFloat

CHANNELS = [
    ("email", "Email"),
    ("sms", "SMS"),
    ("letter", "Letter"),
    ("call", "Call"),
    ("meeting", "Meeting"),
    ("whatsapp", "WhatsApp"),
    ("brochure", "Brochure"),
]
# so many new rows at once make the statistics of the table useless
MANY = 5_000
DIRECTIONS = [("out", "Outgoing"), ("in", "Incoming"), ("both", "Both ways")]


class CrmKpiInteraction(models.Model):
    """One exchange with a customer or prospect: a message that counts.

    A row is a ``mail.message`` on a lead, order, ticket, invoice or contact that some human
    wrote to, or received from, the other side. Internal notes, logs, tracking, robots and templates have
    no row. The rows are derived in sets by SQL and written by nobody else.
    """

    _name = "crm.kpi.interaction"
    _description = "KPI Interaction"
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
    user_id = fields.Many2one(
        "res.users", "Author", readonly=True, help="The employee who wrote, called or met."
    )
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index="btree_not_null")
    is_request = fields.Boolean(
        "Request", readonly=True, help="The incoming message that created the record."
    )
    is_attempt = fields.Boolean(
        "Attempt",
        readonly=True,
        help="The first outgoing message of its channel on that day, while the record was open: "
        "three mails on one day are one attempt, a mail and a call are two.",
    )
    is_turn = fields.Boolean(
        "Customer's turn",
        readonly=True,
        help="An incoming message that is the first after our last one: from here on the "
        "customer waits for an answer.",
    )
    reply_date = fields.Datetime("Answered on", readonly=True)
    reply_user_id = fields.Many2one("res.users", "Answered by", readonly=True)
    reply_hours = NullableFloat(
        "Hours to answer",
        readonly=True,
        aggregator="avg",
        help="Hours from the customer's turn to the answer; empty while unanswered.",
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
        """Open the lead, order, ticket …, under the rights of the viewer."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id).get_formview_action()

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        """Derive the dirty records of every model that has interactions.

        A source of KPIs on interactions is thereby up to date, whatever sources there are.
        """
        return sum(model._kpi_derive() for model in self._kpi_models())

    @api.model
    def _kpi_mark_all_dirty(self):
        """Have every message classed anew."""
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
    def _kpi_is_contact_sql(self, alias):
        """Condition over rows: the sides were in contact. An invoice by post is a letter that
        was sent, and says nothing to the customer."""
        return SQL(
            "NOT (%(row)s.channel = 'letter' AND %(row)s.res_model = 'account.move')",
            row=SQL.identifier(alias),
        )

    @api.model
    def _kpi_mark_partners(self, partner_ids):
        """Mark the records of these commercial partners' rows: their customer may be another."""
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

    @api.model
    def _kpi_refresh_interactions(self, model, ids):
        """Bring the rows of the records ``ids`` of ``model`` in line with their messages.

        One statement: rows of messages that are gone (or do not count any more) are deleted,
        new ones inserted, changed ones updated and equal ones left alone. Records that do not
        exist any more lose their rows.

        :param model: empty recordset of a model with ``crm.kpi.interaction.mixin``
        """
        if not ids:
            return
        # before and after: a message that is gone, or on a record that changed hands
        rows = SQL("res_model = %s AND res_id = ANY(%s)", model._name, list(ids))
        self._kpi_mark_customers(rows)
        want = self._kpi_interactions_sql(model, ids)
        columns = [SQL.identifier(name) for name in self._kpi_interaction_columns(model)]
        self.env.cr.execute(
            SQL(
                """
                WITH want AS MATERIALIZED (%(want)s),
                gone AS (
                    DELETE FROM crm_kpi_interaction i
                     WHERE i.res_model = %(model)s
                       AND i.res_id = ANY(%(ids)s)
                       AND NOT EXISTS (SELECT FROM want WHERE want.message_id = i.message_id)
                )
                INSERT INTO crm_kpi_interaction AS i
                            (message_id, %(columns)s,
                             create_uid, create_date, write_uid, write_date)
                     SELECT message_id, %(columns)s,
                            %(uid)s, clock_timestamp() AT TIME ZONE 'UTC',
                            %(uid)s, clock_timestamp() AT TIME ZONE 'UTC'
                       FROM want
                ON CONFLICT (message_id) DO UPDATE
                        SET (%(columns)s, write_date)
                          = ROW(%(excluded)s, excluded.write_date)
                      WHERE ROW(%(old)s) IS DISTINCT FROM ROW(%(excluded)s)
                """,
                want=want,
                model=model._name,
                ids=list(ids),
                columns=SQL(", ").join(columns),
                excluded=SQL(", ").join(SQL("excluded.%s", col) for col in columns),
                old=SQL(", ").join(SQL("i.%s", col) for col in columns),
                uid=SUPERUSER_ID,
            )
        )
        if self.env.cr.rowcount >= MANY:
            # the planner knows nothing yet of what this transaction has put into the table
            self.env.cr.execute("ANALYZE crm_kpi_interaction")
        self._kpi_mark_customers(rows)

    @api.model
    def _kpi_interaction_columns(self, model):
        """Names of the stored columns of a row, without ``message_id``."""
        return [
            "res_model",
            "res_id",
            "date",
            "day",
            "channel",
            "direction",
            "user_id",
            "is_request",
            "is_attempt",
            "is_turn",
            "reply_date",
            "reply_user_id",
            "reply_hours",
            *model._kpi_interaction_values(),
        ]

    @api.model
    def _kpi_message_sql(self):
        """What apps know of a message ``m``: whether it does not count, and its true date."""
        return {"ignored": SQL("FALSE"), "date": SQL("COALESCE(m.date, m.create_date)")}

    @api.model
    def _kpi_interactions_sql(self, model, ids):
        """Query of the interactions (conventions G12 of the KPI catalogue) of records.

        Columns: ``message_id`` and those of :meth:`_kpi_interaction_columns`.
        """
        # superuser: messages are classed for everybody, by time zones and kinds of users
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        public_users = (
            self.env["res.users"]
            .sudo()
            .with_context(active_test=False)
            .search([("group_ids", "in", self.env.ref("base.group_public").ids)])
        )
        creation = [
            self.env["ir.model.data"]._xmlid_to_res_id(xmlid)
            for xmlid in model._kpi_response_creation_subtypes
        ]
        values = model._kpi_interaction_values()
        names = [SQL.identifier(name) for name in values]
        message = self._kpi_message_sql()
        return SQL(
            """
    WITH staff AS (
        -- archived employees too: their old answers stay answers
        SELECT DISTINCT ON (partner_id) partner_id, id AS user_id
          FROM res_users
         WHERE share IS NOT TRUE AND id <> %(root)s
      ORDER BY partner_id, active DESC, id
    ), bots AS (
        SELECT partner_id FROM res_users WHERE id = %(root)s OR id = ANY(%(public)s::int[])
    ), zones AS (
        SELECT unnest(%(company_ids)s::int[]) AS company_id, unnest(%(zones)s::text[]) AS tz,
               unnest(%(robots)s::text[]) AS automatic
    ), rec AS MATERIALIZED (
        SELECT r.id AS rec_id, r.create_date AS rec_create_date, %(values)s, %(closed)s
          FROM %(table)s AS r
         WHERE r.id = ANY(%(ids)s) AND %(record_counts)s
    ), message AS (
        SELECT m.id AS message_id, m.res_id, m.create_date, m.subject, s.user_id,
               CASE WHEN m.message_type = 'email' AND m.date > m.create_date + interval '1 day'
                    THEN m.create_date
                    ELSE %(date)s END AS date,
               CASE WHEN m.message_type IN
                         ('user_notification', 'out_of_office', 'auto_comment', 'tracking')
                      OR b.partner_id IS NOT NULL
                      OR %(ignored)s
                    THEN NULL
                    WHEN s.partner_id IS NOT NULL
                    THEN CASE WHEN a.kpi_touch IS NOT NULL THEN 'out'
                              WHEN m.mail_activity_type_id IS NOT NULL
                              THEN CASE a.category WHEN 'phonecall' THEN 'out'
                                                   WHEN 'meeting' THEN 'both' END
                              WHEN m.message_type IN ('sms', 'snailmail', 'whatsapp_message')
                              THEN 'out'
                              WHEN m.message_type = 'email_outgoing' AND %(mass_mail)s
                              THEN 'out'
                              WHEN m.message_type IN ('comment', 'email')
                               AND m.subtype_id IS NOT NULL
                               AND st.internal IS NOT TRUE
                               AND m.is_internal IS NOT TRUE
                               AND m.subtype_id <> ALL(%(creation)s::int[])
                              THEN 'out' END
                    WHEN m.message_type = 'email'
                      OR m.message_type = 'comment'
                         AND (m.author_id IS NOT NULL OR m.author_guest_id IS NOT NULL)
                    THEN 'in' END AS direction,
               CASE WHEN a.kpi_touch IS NOT NULL THEN a.kpi_touch
                    WHEN m.mail_activity_type_id IS NOT NULL AND a.category = 'phonecall'
                    THEN 'call'
                    WHEN m.mail_activity_type_id IS NOT NULL AND a.category = 'meeting'
                    THEN 'meeting'
                    WHEN m.message_type = 'sms' THEN 'sms'
                    WHEN m.message_type = 'snailmail' THEN 'letter'
                    WHEN m.message_type = 'whatsapp_message' THEN 'whatsapp'
                    ELSE 'email' END AS channel,
               m.subtype_id = ANY(%(creation)s::int[]) AS is_creation
          FROM mail_message m
     LEFT JOIN mail_message_subtype st ON st.id = m.subtype_id
     LEFT JOIN mail_activity_type a ON a.id = m.mail_activity_type_id
     LEFT JOIN staff s ON s.partner_id = m.author_id
     LEFT JOIN bots b ON b.partner_id = m.author_id
         WHERE m.model = %(model)s AND m.res_id = ANY(%(ids)s)
    ), counted AS (
        SELECT message.*, rec.*,
               (message.date AT TIME ZONE 'UTC'
                AT TIME ZONE COALESCE(zones.tz, 'UTC'))::date AS day,
               message.direction = 'out' AND message.date < rec.closed_from AS tried,
               count(*) FILTER (WHERE message.direction <> 'in')
                   OVER (PARTITION BY message.res_id
                         ORDER BY message.date, message.message_id) AS outs,
               lag(message.direction)
                   OVER (PARTITION BY message.res_id
                         ORDER BY message.date, message.message_id) AS previous,
               row_number()
                   OVER (PARTITION BY message.res_id, message.direction
                         ORDER BY message.date, message.message_id) AS nth
          FROM message
          JOIN rec ON rec.rec_id = message.res_id
     LEFT JOIN zones ON zones.company_id = rec.company_id
         WHERE message.direction IS NOT NULL
           AND (message.direction = 'in' AND message.subject ~* zones.automatic) IS NOT TRUE
    )
    SELECT c.message_id, %(model)s AS res_model, c.res_id, c.date, c.day, c.channel,
           c.direction, c.user_id,
           c.direction = 'in' AND c.nth = 1
               AND (COALESCE(c.is_creation, FALSE)
                    OR c.create_date <= c.rec_create_date
                    OR c.date <= c.rec_create_date) AS is_request,
           c.tried AND row_number() OVER (PARTITION BY c.res_id, c.day, c.channel, c.tried
                                          ORDER BY c.date, c.message_id) = 1 AS is_attempt,
           turn.yes AS is_turn,
           reply.date AS reply_date,
           reply.user_id AS reply_user_id,
           EXTRACT(EPOCH FROM reply.date - c.date)::float8 / 3600 AS reply_hours,
           %(names)s
      FROM counted c
CROSS JOIN LATERAL (SELECT c.direction = 'in' AND c.previous IS DISTINCT FROM 'in' AS yes) turn
 LEFT JOIN counted reply
        ON turn.yes AND reply.res_id = c.res_id
       AND reply.direction <> 'in' AND reply.outs = c.outs + 1
            """,
            root=SUPERUSER_ID,
            public=public_users.ids,
            company_ids=companies.ids,
            zones=[company._kpi_tz() for company in companies],
            robots=[company._kpi_auto_reply_pattern() for company in companies],
            ignored=message["ignored"],
            date=message["date"],
            values=SQL(", ").join(
                SQL("%s AS %s", value, SQL.identifier(name)) for name, value in values.items()
            ),
            closed=SQL("%s AS closed_from", model._kpi_interaction_closed_sql()),
            table=SQL.identifier(model._table),
            ids=list(ids),
            record_counts=model._kpi_interaction_record_sql(),
            mass_mail=model._kpi_response_mass_mail_is_out,
            creation=[id_ for id_ in creation if id_],
            model=model._name,
            names=SQL(", ").join(SQL("c.%s", name) for name in names),
        )


class CrmKpiInteractionMixin(models.AbstractModel):
    """A model whose messages with customers become ``crm.kpi.interaction`` rows.

    The names of its fields are told by the class attributes below.
    """

    _name = "crm.kpi.interaction.mixin"
    _inherit = ["crm.kpi.fact.mixin"]
    _description = "KPI: model with interactions"

    #: marks the model for ``mail.message``
    _kpi_has_interactions = True
    #: many2one fields; an empty name where the model has none
    _kpi_response_user_field = "user_id"
    _kpi_response_team_field = "team_id"
    _kpi_response_company_field = "company_id"
    _kpi_response_partner_field = "partner_id"
    #: the lead of the record: "id" for the lead itself
    _kpi_response_lead_field = ""
    #: external ids of the subtypes of the message that only says "created"
    _kpi_response_creation_subtypes = ()
    #: whether mails sent in mass from the list (``email_outgoing``) are the rep's own
    _kpi_response_mass_mail_is_out = False
    #: datetime fields: the record was open before the first of them
    _kpi_response_closed_fields = ()

    @api.model
    def _kpi_column(self, name):
        """The column ``name`` of the record, which queries of the KPIs call ``r``."""
        return SQL("r.%s", SQL.identifier(name)) if name else SQL("NULL::int")

    @api.model
    def _kpi_company_sql(self):
        """Company of the record: its own, else its team's, else its user's."""
        parts = [self._kpi_column(self._kpi_response_company_field)]
        if not self._fields[self._kpi_response_company_field].required:
            for name in (self._kpi_response_team_field, self._kpi_response_user_field):
                comodel = name and self.env[self._fields[name].comodel_name]
                if name and "company_id" in comodel._fields:
                    parts.append(
                        SQL(
                            "(SELECT x.company_id FROM %s x WHERE x.id = %s)",
                            SQL.identifier(comodel._table),
                            self._kpi_column(name),
                        )
                    )
        return SQL("COALESCE(%s)", SQL(", ").join(parts))

    @api.model
    def _kpi_interaction_values(self):
        """``{column of crm.kpi.interaction: SQL over the record r}`` of the record's own."""
        team = self._kpi_response_team_field
        is_sales_team = team and self._fields[team].comodel_name == "crm.team"
        return {
            "company_id": self._kpi_company_sql(),
            "team_id": self._kpi_column(team if is_sales_team else ""),
            "partner_id": SQL(
                "(SELECT COALESCE(p.commercial_partner_id, p.id) FROM res_partner p"
                " WHERE p.id = %s)",
                self._kpi_column(self._kpi_response_partner_field),
            ),
            "lead_id": self._kpi_column(self._kpi_response_lead_field),
        }

    @api.model
    def _kpi_interaction_record_sql(self):
        """Condition over the record ``r``: its messages can be interactions at all."""
        return SQL("TRUE")

    @api.model
    def _kpi_interaction_closed_sql(self):
        """The moment from which on the record was not open any more, else infinity."""
        return SQL(
            "COALESCE(LEAST(%s), 'infinity'::timestamp)",
            SQL(", ").join(
                [SQL("NULL::timestamp")]
                + [
                    self._kpi_column(name)
                    for name in self._kpi_response_closed_fields
                    if name in self._fields
                ]
            ),
        )

    @api.model
    def _kpi_trigger_fields(self):
        names = {
            self._kpi_response_user_field,
            self._kpi_response_team_field,
            self._kpi_response_company_field,
            self._kpi_response_partner_field,
            self._kpi_response_lead_field,
        }
        return super()._kpi_trigger_fields() | (names - {"", "id"})

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self.env["crm.kpi.interaction"]._kpi_refresh_interactions(self, ids)
        return result


class CrmKpiCorrespondenceMixin(models.AbstractModel):
    """A model with interactions of which most records never have any.

    Contacts and invoices are made and written by the thousand. Only those with messages are
    marked, so that the others cost nothing.
    """

    _name = "crm.kpi.correspondence.mixin"
    _inherit = ["crm.kpi.interaction.mixin"]
    _description = "KPI: model with occasional interactions"

    @api.model
    def _kpi_concerned(self, ids):
        # a new message marks its record by itself; here, what the rows say of it may change
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT res_id FROM crm_kpi_interaction"
                " WHERE res_model = %s AND res_id = ANY(%s)",
                self._name,
                list(ids),
            )
        )
        return [res_id for (res_id,) in rows]

    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark every record with a message that may count (back-fill, changed settings)."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO crm_kpi_dirty (res_model, res_id)
                     SELECT DISTINCT m.model, m.res_id
                       FROM mail_message m
                      WHERE m.model = %s AND m.res_id IS NOT NULL
                        AND m.message_type NOT IN
                            ('user_notification', 'auto_comment', 'out_of_office')
                        AND (m.message_type <> 'notification'
                             OR m.mail_activity_type_id IS NOT NULL)
                """,
                self._name,
            )
        )
