# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL


class CrmKpiTicketStageMixin(models.AbstractModel):
    """A stage of tickets: whether it means solved, and whether it waits for others."""

    _name = "crm.kpi.ticket.stage.mixin"
    _description = "KPI: stage of tickets"

    #: model with ``crm.kpi.ticket.mixin`` whose stages these are
    _kpi_ticket_model = ""
    #: external ids of closed stages that do not mean solved, and of stages that wait
    _kpi_unresolved_stages = ()
    _kpi_waiting_stages = ()

    kpi_is_resolution = fields.Boolean(
        "Means solved",
        help="Tickets closed in this stage count as solved. Off for stages such as cancelled or "
        "rejected, which close a ticket without solving it.",
    )
    kpi_is_waiting = fields.Boolean(
        "Waits for others",
        help="Tickets in this stage wait for the customer or a third party: the time in it can "
        "be left out of the hours to solution.",
    )

    @api.model
    def _kpi_stage_closed_field(self):
        return self.env[self._kpi_ticket_model]._kpi_ticket_stage_closed_field

    @api.model_create_multi
    def create(self, vals_list):
        closed = self._kpi_stage_closed_field()
        return super().create(
            [{"kpi_is_resolution": vals.get(closed, False), **vals} for vals in vals_list]
        )

    def write(self, vals):
        closed = self._kpi_stage_closed_field()
        watched = {closed, "kpi_is_resolution", "kpi_is_waiting"}
        if watched.isdisjoint(vals):
            return super().write(vals)
        before = {stage: {name: stage[name] for name in watched} for stage in self}
        result = super().write(vals)
        for name, value in vals.items():
            if name in watched:
                changed = self.filtered(lambda s, n=name, v=value: before[s][n] != bool(v))
                changed._kpi_stage_changed(name, bool(value))
                if name == closed and "kpi_is_resolution" not in vals:
                    changed.write({"kpi_is_resolution": value})
        return result

    @api.model
    def _kpi_init_stages(self):
        """Fill the flags of the stages there are at installation."""
        stages = self.with_context(active_test=False).search([])

        def known(xmlids):
            refs = (self.env.ref(xmlid, raise_if_not_found=False) for xmlid in xmlids)
            return self.browse([ref.id for ref in refs if ref])

        closed = stages.filtered(self._kpi_stage_closed_field())
        (closed - known(self._kpi_unresolved_stages)).kpi_is_resolution = True
        known(self._kpi_waiting_stages).kpi_is_waiting = True

    def _kpi_stage_changed(self, name, value):
        """Make the stamps of the tickets in these stages agree with a changed flag.

        The flag says how a stage is to be read, nothing has happened to its tickets: a closing
        is dated by the moment they entered the stage, and opening a stage is no re-opening.
        """
        if not self:
            return
        tickets = self.env[self._kpi_ticket_model]
        self.env.flush_all()
        entry = SQL(
            "COALESCE(%s, r.create_date)",
            tickets._kpi_date_column(tickets._kpi_ticket_stage_date_field),
        )
        user = SQL(
            "NULLIF(%s, %s)", tickets._kpi_column(tickets._kpi_response_user_field), SUPERUSER_ID
        )
        team = tickets._kpi_column(tickets._kpi_response_team_field)

        def credit(prefix, new):
            names = {f"{prefix}_user_id": user, f"{prefix}_team_id": team}
            return {
                name: SQL("CASE WHEN %s THEN %s ELSE %s END", new, value, tickets._kpi_column(name))
                for name, value in names.items()
                if name in tickets._fields
            }

        sets = {}
        if name == self._kpi_stage_closed_field() and value:
            fresh = SQL("r.kpi_last_closed_date IS NULL")
            first = SQL("r.kpi_first_closed_date IS NULL")
            sets["kpi_last_closed_date"] = SQL("COALESCE(r.kpi_last_closed_date, %s)", entry)
            sets["kpi_first_closed_date"] = SQL("COALESCE(r.kpi_first_closed_date, %s)", entry)
            sets.update(credit("kpi_closed", fresh))
            sets.update(credit("kpi_first_closed", first))
        elif name == self._kpi_stage_closed_field():
            sets["kpi_last_closed_date"] = SQL("NULL::timestamp")
            sets.update({key: SQL("NULL::int") for key in tickets._kpi_no_credit("kpi_closed")})
        elif name == "kpi_is_resolution" and value:
            sets["kpi_first_resolved_date"] = SQL("COALESCE(r.kpi_first_resolved_date, %s)", entry)
            sets.update(credit("kpi_first_resolved", SQL("r.kpi_first_resolved_date IS NULL")))
        elif name == "kpi_is_waiting" and value:
            sets["kpi_waiting_since"] = SQL("COALESCE(r.kpi_waiting_since, %s)", entry)
        elif name == "kpi_is_waiting":
            sets["kpi_waiting_since"] = SQL("NULL::timestamp")
        stage = tickets._kpi_column(tickets._kpi_ticket_stage_field)
        if sets:
            tickets._kpi_update(
                list(sets),
                SQL(
                    "SELECT r.id, %s FROM %s AS r WHERE %s = ANY(%s)",
                    SQL(", ").join(
                        SQL("%s AS %s", value, SQL.identifier(key)) for key, value in sets.items()
                    ),
                    SQL.identifier(tickets._table),
                    stage,
                    self.ids,
                ),
            )
            tickets.invalidate_model(list(sets))
        self.env.cr.execute(
            SQL(
                "INSERT INTO crm_kpi_dirty (res_model, res_id)"
                " SELECT %s, r.id FROM %s AS r WHERE %s = ANY(%s)",
                tickets._name,
                SQL.identifier(tickets._table),
                stage,
                self.ids,
            )
        )
