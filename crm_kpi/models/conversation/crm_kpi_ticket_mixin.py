# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL


class CrmKpiTicketMixin(models.AbstractModel):
    """The facts of a help desk's ticket: closings, re-openings, effort, first-contact resolution.

    Stamps are written when the stage, user or team changes, whatever road the change takes
    (also when a change of team makes the ORM choose another stage). The rest is derived in
    sets. A help desk tells its fields by the class attributes; the model of its stages gets
    ``crm.kpi.ticket.stage.mixin``.

    A glue that wants to know the team of the closings declares ``kpi_closed_team_id`` and
    ``kpi_first_closed_team_id`` with the comodel of its teams: they are stamped when there.
    """

    _name = "crm.kpi.ticket.mixin"
    _inherit = ["crm.kpi.response.mixin"]
    _description = "KPI: facts of a ticket"

    _kpi_response_target_field = "kpi_first_response_target_hours"
    _kpi_response_target_default = 8.0
    _kpi_response_closed_fields = ("kpi_last_closed_date",)

    #: many2one to a model with ``crm.kpi.ticket.stage.mixin``
    _kpi_ticket_stage_field = "stage_id"
    #: boolean of the stage: tickets in it are closed (solved or not)
    _kpi_ticket_stage_closed_field = "closed"
    #: the customer (stored commercial partner), and the mail address where it is unknown
    _kpi_ticket_customer_field = "commercial_partner_id"
    _kpi_ticket_email_field = "partner_email"
    _kpi_ticket_category_field = "category_id"
    #: many2one to the ticket this one repeats; an empty name where there is none
    _kpi_ticket_duplicate_field = "duplicate_id"
    #: the help desk's own dates, where tracking says nothing about a closing
    _kpi_ticket_closed_date_field = "closed_date"
    _kpi_ticket_stage_date_field = "last_stage_update"

    # --- stamps ---
    kpi_first_closed_date = fields.Datetime(
        "First closed", readonly=True, copy=False, help="When it first entered a closed stage."
    )
    kpi_first_closed_user_id = fields.Many2one(
        "res.users", "First closed by", readonly=True, copy=False
    )
    kpi_last_closed_date = fields.Datetime(
        "Last closed",
        readonly=True,
        copy=False,
        help="When it last entered a closed stage from an open one; empty while it is open. "
        "From one closed stage to another is no new closing.",
    )
    kpi_closed_user_id = fields.Many2one(
        "res.users", "Closed by", readonly=True, copy=False, help="Assigned user at the closing."
    )
    kpi_first_resolved_date = fields.Datetime(
        "First solved",
        readonly=True,
        copy=False,
        help="When it first entered a stage that means solved.",
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
        help="The first assignment is no change.",
    )
    kpi_team_changes = fields.Integer("Changes of team", readonly=True, copy=False, default=0)
    kpi_waiting_since = fields.Datetime(
        "Waiting since", readonly=True, copy=False, help="In a stage that waits for others."
    )
    kpi_waiting_hours = fields.Float(
        "Waiting hours",
        readonly=True,
        copy=False,
        default=0.0,
        help="Clock hours in stages that wait for others, without the wait that still lasts.",
    )

    _kpi_last_closed_idx = models.Index(
        "(kpi_last_closed_date) WHERE kpi_last_closed_date IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # names
    # ------------------------------------------------------------------
    @api.model
    def _kpi_stages(self):
        """Empty recordset of the stages."""
        return self.env[self._fields[self._kpi_ticket_stage_field].comodel_name]

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "active",
            self._kpi_ticket_stage_field,
            *self._kpi_repeat_fields(),
        }

    @api.model
    def _kpi_repeat_fields(self):
        """Fields that decide of which earlier tickets this one is a repetition."""
        names = {
            self._kpi_response_company_field,
            self._kpi_response_partner_field,
            self._kpi_ticket_customer_field,
            self._kpi_ticket_email_field,
            self._kpi_ticket_category_field,
            self._kpi_ticket_duplicate_field,
        }
        return names - {""}

    @api.model
    def _kpi_stage_sql(self, name):
        """A boolean of the stage of the record ``r``."""
        return SQL(
            "COALESCE((SELECT s.%s FROM %s s WHERE s.id = %s), FALSE)",
            SQL.identifier(name),
            SQL.identifier(self._kpi_stages()._table),
            self._kpi_column(self._kpi_ticket_stage_field),
        )

    @api.model
    def _kpi_date_column(self, name):
        return SQL("r.%s", SQL.identifier(name)) if name else SQL("NULL::timestamp")

    @api.model
    def _kpi_open_sql(self):
        return SQL("r.active AND NOT %s", self._kpi_stage_sql(self._kpi_ticket_stage_closed_field))

    @api.model
    def _kpi_response_candidates_sql(self, ids):
        # solved without a word: answered by the solution
        return [
            *super()._kpi_response_candidates_sql(ids),
            SQL(
                "SELECT r.id, r.kpi_first_resolved_date AS date,"
                " r.kpi_first_resolved_user_id AS user_id FROM %s AS r"
                " WHERE r.id = ANY(%s) AND r.kpi_first_resolved_date IS NOT NULL",
                SQL.identifier(self._table),
                list(ids),
            ),
        ]

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    def _kpi_ticket_states(self):
        """``{ticket: what the stamps depend on}``, as it is now."""
        stage, closed = self._kpi_ticket_stage_field, self._kpi_ticket_stage_closed_field
        user, team = self._kpi_response_user_field, self._kpi_response_team_field
        return {
            ticket: {
                "closed": ticket[stage][closed],
                "resolved": ticket[stage].kpi_is_resolution,
                "waiting": ticket[stage].kpi_is_waiting,
                "user": ticket[user],
                "team": ticket[team],
            }
            for ticket in self.sudo()  # an agent may not be allowed to read the stages
        }

    @api.model
    def _kpi_credit(self, prefix, state):
        """Stamps of whose event it is."""
        vals = {
            # what the system itself owns is nobody's success
            f"{prefix}_user_id": state["user"].filtered(lambda u: u.id != SUPERUSER_ID).id
        }
        if f"{prefix}_team_id" in self._fields:
            vals[f"{prefix}_team_id"] = state["team"].id
        return vals

    @api.model
    def _kpi_no_credit(self, prefix):
        return {
            name: False
            for name in (f"{prefix}_user_id", f"{prefix}_team_id")
            if name in self._fields
        }

    def _kpi_stamp_changes(self, before):
        """Stamp what happened to the tickets since ``before`` (see `_kpi_ticket_states`)."""
        now = fields.Datetime.now()
        for ticket, new in self._kpi_ticket_states().items():
            vals = ticket._kpi_changes(before[ticket], new, now)
            if vals:
                ticket._kpi_stamp(vals)

    def _kpi_changes(self, old, new, now):
        """Stamps of one ticket's change from a state to another at an instant."""
        self.ensure_one()
        vals = {}
        if new["closed"] and not old["closed"]:
            vals.update(kpi_last_closed_date=now, **self._kpi_credit("kpi_closed", new))
            if not self.kpi_first_closed_date:
                vals.update(kpi_first_closed_date=now, **self._kpi_credit("kpi_first_closed", new))
        elif old["closed"] and not new["closed"]:
            vals.update(
                kpi_last_closed_date=False,
                kpi_reopen_count=self.kpi_reopen_count + 1,
                **self._kpi_no_credit("kpi_closed"),
            )
            if not self.kpi_first_reopen_date:
                vals["kpi_first_reopen_date"] = now
        if new["resolved"] and not old["resolved"] and not self.kpi_first_resolved_date:
            vals.update(kpi_first_resolved_date=now, **self._kpi_credit("kpi_first_resolved", new))
        if new["waiting"] and not old["waiting"]:
            vals["kpi_waiting_since"] = now
        elif old["waiting"] and not new["waiting"] and self.kpi_waiting_since:
            waited = (now - self.kpi_waiting_since).total_seconds() / 3600
            vals["kpi_waiting_hours"] = self.kpi_waiting_hours + max(waited, 0.0)
            vals["kpi_waiting_since"] = False
        for what in ("user", "team"):
            if old[what] and old[what] != new[what]:
                vals[f"kpi_{what}_changes"] = self[f"kpi_{what}_changes"] + 1
        return vals

    @api.model_create_multi
    def create(self, vals_list):
        tickets = super().create(vals_list)
        for ticket, new in tickets._kpi_ticket_states().items():
            old = {**new, "closed": False, "resolved": False, "waiting": False}
            vals = ticket._kpi_changes(old, new, fields.Datetime.to_datetime(ticket.create_date))
            if vals:
                ticket._kpi_stamp(vals)
        return tickets

    def write(self, vals):
        if not self._kpi_repeat_fields().isdisjoint(vals):
            # earlier tickets that this one repeated until now
            self._kpi_mark_repeated()
        if {
            self._kpi_ticket_stage_field,
            self._kpi_response_user_field,
            self._kpi_response_team_field,
        }.isdisjoint(vals):
            return super().write(vals)
        before = self._kpi_ticket_states()
        result = super().write(vals)
        self._kpi_stamp_changes(before)
        return result

    def unlink(self):
        self._kpi_mark_repeated()
        return super().unlink()
