# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi.conversations.addresses import BARE_ADDRESS
from odoo.addons.crm_kpi.fields import NullableFloat

from ..tickets import changes, facts, past, repeats, stamps, states

ADDRESS = BARE_ADDRESS.format(column="partner_email")


class HelpdeskTicket(models.Model):
    """Closings, re-openings, effort and first contact resolution of tickets.

    Stamps are written when the stage, user or team changes, also when a change of team makes
    the ORM choose another stage. The other fields are derived in sets.
    """

    _name = "helpdesk.ticket"
    _inherit = ["helpdesk.ticket", "crm.kpi.response.mixin"]

    _kpi_stamps = stamps.STAMPS
    _kpi_correctable = (stamps.CLOSED,)
    _kpi_history = "crm.kpi.ticket.state"
    _kpi_response_email_field = "partner_email"
    _kpi_response_target_field = "kpi_first_response_target_hours"
    _kpi_response_target_default = 8.0
    _kpi_response_closed_fields = ("kpi_last_closed_date",)
    _kpi_response_creation_subtypes = ("helpdesk_mgmt.hlp_tck_created",)

    # --- stamps ---
    kpi_first_closed_date = fields.Datetime(
        "First closed",
        readonly=True,
        copy=False,
        help="When the ticket first entered a closed stage.",
    )
    kpi_first_closed_user_id = fields.Many2one(
        "res.users", "First closed by", readonly=True, copy=False
    )
    kpi_first_closed_team_id = fields.Many2one(
        "helpdesk.ticket.team", "First closed by team", readonly=True, copy=False
    )
    kpi_last_closed_date = fields.Datetime(
        "Last closed",
        readonly=True,
        copy=False,
        help="When the ticket last entered a closed stage from an open one. Empty while it is "
        "open. A change between closed stages is not a new closing.",
    )
    kpi_closed_user_id = fields.Many2one(
        "res.users", "Closed by", readonly=True, copy=False, help="Assigned user at the closing."
    )
    kpi_closed_team_id = fields.Many2one(
        "helpdesk.ticket.team", "Closed by team", readonly=True, copy=False
    )
    kpi_first_resolved_date = fields.Datetime(
        "First solved",
        readonly=True,
        copy=False,
        help="When the ticket first entered a stage that means solved.",
    )
    kpi_first_resolved_user_id = fields.Many2one(
        "res.users", "First solved by", readonly=True, copy=False
    )
    kpi_reopen_count = fields.Integer("Re-openings", readonly=True, copy=False, default=0)
    kpi_first_reopen_date = fields.Datetime("First re-opened", readonly=True, copy=False)
    kpi_user_changes = fields.Integer(
        "Changes of user",
        readonly=True,
        copy=False,
        default=0,
        help="The first assignment does not count.",
    )
    kpi_team_changes = fields.Integer("Changes of team", readonly=True, copy=False, default=0)
    kpi_waiting_since = fields.Datetime(
        "Waiting since",
        readonly=True,
        copy=False,
        help="When the ticket entered the stage in which it waits for others.",
    )
    kpi_waiting_hours = fields.Float(
        "Waiting hours",
        readonly=True,
        copy=False,
        default=0.0,
        help="Clock hours in stages that wait for others, without the current wait.",
    )

    # --- derived ---
    kpi_is_resolved = fields.Boolean(
        "Solved", readonly=True, copy=False, help="The ticket is in a stage that means solved."
    )
    kpi_resolution_hours = NullableFloat(
        "Hours to solution",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours from creation to the last closing. Empty unless solved.",
    )
    kpi_resolution_hours_bh = NullableFloat(
        "Working hours to solution",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Working hours of the calendar, without public holidays, from creation to the last "
        "closing. Empty unless solved.",
    )
    kpi_resolution_net_hours = NullableFloat(
        "Hours to solution without waiting",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Hours to solution minus the waiting hours.",
    )
    kpi_first_closing_hours = NullableFloat(
        "Hours to first closing",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Clock hours from creation to the first closing, solved or not.",
    )
    kpi_reopened_14d = fields.Boolean(
        "Re-opened within 14 days",
        readonly=True,
        copy=False,
        help="Re-opened within 14 days after the first closing.",
    )
    kpi_customer_msg_count = fields.Integer(
        "Messages of the customer",
        readonly=True,
        copy=False,
        help="Incoming messages without the request itself.",
    )
    kpi_agent_msg_count = fields.Integer("Messages to the customer", readonly=True, copy=False)
    kpi_fcr = fields.Selection(
        [("yes", "Yes"), ("no", "No")],
        "Solved at first contact",
        readonly=True,
        copy=False,
        help="Solved in the same team, without a further message of the customer until 7 days "
        "after the closing, never re-opened, and without another ticket of the customer in the "
        "same category within these 7 days. Empty unless solved. A Yes may become a No until "
        "the 7 days are over.",
    )
    kpi_effort_touches = fields.Integer(
        "Effort",
        readonly=True,
        copy=False,
        help="Number of further messages of the customer, re-openings and changes of team.",
    )

    _kpi_last_closed_idx = models.Index(
        "(kpi_last_closed_date) WHERE kpi_last_closed_date IS NOT NULL"
    )
    # tickets that repeat another one of the customer, by either date
    _kpi_customer_created_idx = models.Index("(commercial_partner_id, create_date)")
    _kpi_customer_closed_idx = models.Index(
        "(commercial_partner_id, kpi_last_closed_date) WHERE kpi_last_closed_date IS NOT NULL"
    )
    _kpi_email_created_idx = models.Index(f"({ADDRESS}, create_date)")
    _kpi_email_closed_idx = models.Index(
        f"({ADDRESS}, kpi_last_closed_date)"
        " WHERE kpi_last_closed_date IS NOT NULL AND commercial_partner_id IS NULL"
    )

    # ------------------------------------------------------------------
    # names
    # ------------------------------------------------------------------
    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {"active", "stage_id", *repeats.FIELDS}

    @api.model
    def _kpi_interaction_values(self):
        return {**super()._kpi_interaction_values(), "ticket_id": SQL("r.id")}

    @api.model
    def _kpi_open_sql(self):
        return facts.is_open()

    @api.model
    def _kpi_response_candidates_sql(self, ids):
        return [*super()._kpi_response_candidates_sql(ids), facts.solutions(ids)]

    def _kpi_responsible(self):
        """User and team that the ticket counts for, see :mod:`..tickets.credit`."""
        if self.kpi_last_closed_date:
            return self.kpi_closed_user_id, self.kpi_closed_team_id
        return self.user_id, self.team_id

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    @api.model_create_multi
    def create(self, vals_list):
        tickets = super().create(vals_list)
        # superuser: agents may not be allowed to read stages
        for date, batch in (
            tickets.sudo()
            .grouped(lambda ticket: stamps.imported_closing(ticket) or ticket.create_date)
            .items()
        ):
            for stamp in self._kpi_stamps:
                stamp.note(batch, at=date)
            batch._kpi_note_states(date)
        return tickets

    def write(self, vals):
        if not repeats.FIELDS.isdisjoint(vals):
            # before: the tickets that these ones repeated until now
            self._kpi_mark_repeated()
        if states.FIELDS.isdisjoint(vals):
            return super().write(vals)
        # helpdesk_mgmt replaces the date; an import of existing tickets gives it with the stage
        closed = vals.get("closed_date") and self._kpi_may_correct() and vals["closed_date"]
        before = changes.states(self.sudo())  # superuser: as in create()
        result = super().write(vals)
        self.sudo()._kpi_note_changes(before, fields.Datetime.to_datetime(closed))
        return result

    def _kpi_note_changes(self, before, closed=None):
        """Write the counters, then the stamps, of what changed since the states ``before``.

        Only changes are stamped: a ticket that was closed before the installation and is not
        back-filled yet was not closed now.

        :param datetime closed: date of the closings, where it was given
        """
        now = fields.Datetime.now()
        for ticket, state in changes.states(self).items():
            if vals := changes.counters(ticket, before[ticket], state, now):
                ticket._kpi_stamp(vals)
        after = changes.states(self)
        for stamp in self._kpi_stamps:
            changed = self.filtered(
                lambda ticket, name=stamp.name: name in before[ticket].met ^ after[ticket].met
            )
            given = closed if stamp in stamps.CLOSINGS else None
            stamp.note(changed, at=min(given or now, now))
        self._kpi_note_states(min(closed or now, now))

    def _kpi_note_states(self, at):
        """Keep what the tickets were until now, for the backlogs of the past."""
        self.flush_recordset()
        self.env.cr.execute(states.note_states(self.ids, at))

    def _kpi_correction_values(self, stamp, changes):
        # the last closing may also be the first one, and the first solution
        closing = self[stamp.date]
        if "date" in changes:
            for statement in states.move_closing(self.id, closing, changes["date"]):
                self.env.cr.execute(statement)
        values = {}
        for other in stamps.CLOSINGS:
            if self[other.date] == closing:
                known = {part: new for part, new in changes.items() if getattr(other, part)}
                values.update(super()._kpi_correction_values(other, known))
        return values

    @api.model
    def _kpi_sales_team(self, team):
        return team.kpi_team_id

    def unlink(self):
        self._kpi_mark_repeated()
        return super().unlink()

    def _kpi_mark_repeated(self):
        """Mark the tickets that these ones repeat."""
        ids = [id_ for id_ in self.ids if isinstance(id_, int)]
        if not ids:
            return
        self.flush_model([*repeats.FIELDS, "kpi_last_closed_date"])
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id) SELECT %s, x.id FROM (%s) AS x",
                self._name,
                repeats.repeated_tickets(ids),
            )
        )

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Stamps of the time before the installation, of the tickets in a range of ids.

        :return: number of these tickets
        """
        return len(past.fill_tickets(self, first, last))

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        # a change that no write() saw, such as a stage that the ORM recomputed
        self.env.cr.execute(states.note_states(ids, fields.Datetime.now()))
        self._kpi_update(list(facts.RESOLUTION_COLUMNS), facts.resolutions(ids))
        self._kpi_derive_working_hours(
            ids,
            "create_date",
            "kpi_last_closed_date",
            "kpi_resolution_hours_bh",
            where=SQL("r.kpi_resolution_hours IS NOT NULL"),
        )
        repeated = self.env.execute_query(repeats.repeated_tickets(ids))
        self._kpi_update(
            ["kpi_fcr"], facts.first_contacts(sorted({*ids, *(id_ for (id_,) in repeated)}))
        )
        return result
