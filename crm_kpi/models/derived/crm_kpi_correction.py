# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_datetime


class CrmKpiCorrection(models.Model):
    """A correction of when an event happened, or of who gets the credit, with its reason.

    The rows are written by :meth:`_correct` only. Restatements of locked periods take their
    reason from here.
    """

    _name = "crm.kpi.correction"
    _description = "KPI Correction"
    _order = "date desc, id desc"
    _rec_name = "record_name"

    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record ID", model_field="res_model", required=True, readonly=True
    )
    record_name = fields.Char("Record", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    date = fields.Datetime(
        "Corrected on", required=True, readonly=True, index=True, default=fields.Datetime.now
    )
    corrector_id = fields.Many2one("res.users", "Corrected by", readonly=True)
    reason = fields.Text(required=True, readonly=True)
    date_before = fields.Datetime("Date before", required=True, readonly=True)
    date_after = fields.Datetime("Date", required=True, readonly=True)
    user_before_id = fields.Many2one("res.users", "Salesperson before", readonly=True)
    user_after_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    team_before_id = fields.Many2one("crm.team", "Team before", readonly=True)
    team_after_id = fields.Many2one("crm.team", "Team", readonly=True)

    @api.model
    def _correct(self, records, changes, reason):
        """Correct the credit of some records, and note it in their chatter.

        :param records: records of a model with stamps, in the environment of the user
        :param changes: new values: dict with some of the keys ``date``, ``user``, ``team``
        :param reason: text for the readers of the records and of restatements
        """
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Reason: enter why the credit is wrong."))
        if not records._kpi_may_correct():
            raise AccessError(
                self.env._(
                    "Only sales administrators and KPI managers can correct credit. Ask one of them."
                )
            )
        records.check_access("read")
        # superuser: managers of KPIs may not write all documents. The rights were checked above
        for record in records.sudo():
            self.sudo()._correct_record(record, changes, reason)

    def _correct_record(self, record, changes, reason):
        stamp = record._kpi_stamp_to_correct()
        if not stamp:
            raise UserError(
                self.env._(
                    "“%s” is not won, lost, confirmed or closed. There is no credit to correct.",
                    record.display_name,
                )
            )
        names = record._kpi_correction_fields(stamp)
        before = {part: record[name] for part, name in names.items()}
        after = {**before, **{part: changes[part] for part in names if part in changes}}
        changed = [part for part in names if after[part] != before[part]]
        if not changed:
            return
        self._check_correction(record, after, changed)
        record._kpi_stamp(
            record._kpi_correction_values(stamp, {part: after[part] for part in changed})
        )
        teams = [record._kpi_sales_team(state["team"]).id for state in (before, after)]
        self.create(
            {
                "res_model": record._name,
                "res_id": record.id,
                "record_name": record.display_name,
                "company_id": record.company_id.id,
                "corrector_id": self.env.user.id,
                "reason": reason,
                "date_before": before["date"],
                "date_after": after["date"],
                "user_before_id": before["user"].id,
                "user_after_id": after["user"].id,
                "team_before_id": teams[0],
                "team_after_id": teams[1],
            }
        )
        self._post(record, names, before, after, changed, reason)

    def _check_correction(self, record, after, changed):
        company = record.company_id
        if "date" in changed and (not after["date"] or after["date"] > fields.Datetime.now()):
            raise ValidationError(self.env._("Date: enter a date that is not in the future."))
        user, team = after["user"], after["team"]
        if "user" in changed and user.share:
            raise ValidationError(
                self.env._("Salesperson: “%s” is not an internal user.", user.name)
            )
        if "user" in changed and company and user and company not in user.company_ids:
            raise ValidationError(
                self.env._(
                    "Salesperson: “%(user)s” does not belong to %(company)s.",
                    user=user.name,
                    company=company.name,
                )
            )
        if "team" in changed and company and team.company_id and team.company_id != company:
            raise ValidationError(
                self.env._(
                    "Team: “%(team)s” does not belong to %(company)s.",
                    team=team.name,
                    company=company.name,
                )
            )

    def _post(self, record, names, before, after, changed, reason):
        """Note the correction in the chatter of the record."""

        def text(value):
            if isinstance(value, models.BaseModel):
                return value.display_name or self.env._("Unassigned")
            return format_datetime(self.env, value)

        lines = Markup().join(
            Markup("<li>%s: %s → %s</li>")
            % (
                record._fields[names[part]]._description_string(self.env),
                text(before[part]),
                text(after[part]),
            )
            for part in changed
        )
        record.message_post(
            body=Markup("<p>%s</p><ul>%s</ul>")
            % (self.env._("Credit corrected: %s", reason), lines),
            author_id=self.env.user.partner_id.id,
            subtype_xmlid="mail.mt_note",
        )
