# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Brings the cases of all rules up to date, after a finished refresh.

A case is one time that a rule holds for a cell. While the refresh is not finished, or the history is
being read, values are partial: then only the age of the figures is judged.
"""

import logging
from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple

import psycopg2

from odoo import fields
from odoo.tools import SQL

from ..board.context import Cell
from ..engine.alert_state import State, advance, next_message, postponed
from ..engine.periods import local_day
from ..refresh.failures import error_text
from ..sql import unnest
from .cells import Recipients
from .conditions import ONCE
from .deliver import Delivery
from .free_days import FreeDays
from .observe import Observations

_logger = logging.getLogger(__name__)

#: Parameter with the id of the run of the refresh whose values were judged last.
JUDGED_RUN = "crm_kpi.alerts_judged_run"
#: Fields of cases that are read of all at once: there may be more than Odoo reads at a time.
FETCHED = [
    "alert_id", "level", "team_id", "user_id", "segment_id", "goal_id", "state", "count", "told_at",
]  # fmt: skip
#: New cases write nothing in their chatter.
SILENT = {"tracking_disable": True, "mail_create_nolog": True, "mail_create_nosubscribe": True}


class CaseUpdate(NamedTuple):
    """New columns of a case; the annotations give their types in SQL."""

    id: int
    state: str
    count: int
    value: float
    record_count: int
    reference: float
    forecast: float
    signal: str


class CaseMessage(NamedTuple):
    """What the recipients of a case are to be told."""

    case: object
    kind: str


class AlertRun:
    """One run of the scheduled action."""

    def __init__(self, env, now=None):
        # superuser: the rules of all users are judged; deliver.py checks what each recipient may read
        self.env = env(su=True)
        self.now = now or fields.Datetime.now()
        self.parameters = self.env["ir.config_parameter"]
        self.members = None

    def run(self):
        """Judge what a finished refresh made, and deliver the messages that are due."""
        alerts = self.env["crm.kpi.alert"].search([])
        alerts -= alerts._switch_off_invalid()
        run = self._finished_run()
        if run and self.parameters.get_param(JUDGED_RUN) != str(run.id):
            self.judge(alerts)
            self.parameters.set_param(JUDGED_RUN, str(run.id))
        else:
            self.judge(alerts.filtered(lambda alert: alert.condition == "stale"))
        self.env["ir.cron"]._commit_progress()
        Delivery(self.env, self.now).run()

    def _finished_run(self):
        """The last run of the scheduled refresh, if its values are complete."""
        last = self.env["crm.kpi.run"].search([("kind", "=", "refresh")], limit=1)
        if last.state != "done" or self.env["crm.kpi.backfill"]._is_pending():
            return last.browse()
        return last

    def judge(self, alerts):
        """Bring the cases of rules up to date. The number of statements does not depend on them."""
        if not alerts:
            return
        self.env.flush_all()
        observations = Observations(alerts, self.now)
        self.members = observations.members
        open_cases = self._open_cases(alerts)
        created, updates, changes, ended, over = [], [], {}, [], []
        for alert in alerts:
            own = open_cases.pop(alert.id, {})
            try:
                found = observations.of(alert)
            except psycopg2.Error:
                raise
            except Exception as error:
                # any exception: a fault of one rule must not silence the others
                _logger.exception("KPI alert %s could not be judged", alert.id)
                alert._note_error(error_text(error))
                continue
            if alert.last_error:
                alert._note_error(False)
            for one in found:
                case = own.pop((one.cell, one.goal_id or False), None)
                before = State(case.state, case.count) if case else State()
                state, change = advance(
                    before, one.verdict, wait=alert.wait, once=alert.condition in ONCE
                )
                if case and state.name == "ok" and not change:
                    ended.append(case.id)  # it never fired
                elif case:
                    updates.append(self._update(case, state, change, one))
                    if change:
                        changes[case] = change
                elif state.name != "ok":
                    created.append(self._values(alert, one, state))
            over += own.values()
        cases = self.env["crm.kpi.alert.case"]
        self._write(updates)
        cases.browse([case.id for case in over])._end("over", self.now)
        cases.browse([case.id for case, change in changes.items() if change == "recovered"])._end(
            "recovered", self.now
        )
        cases.browse(ended).unlink()
        new = cases.with_context(**SILENT).create(created)
        changes.update({case: "fired" for case in new if case.state == "firing"})
        self._fire([case for case, change in changes.items() if change == "fired"])
        self._tell(alerts, changes)

    # --- CASES ---

    def _open_cases(self, alerts):
        """Dict of the id of a rule to a dict of cell and goal to the case."""
        found = defaultdict(dict)
        cases = self.env["crm.kpi.alert.case"].search_fetch(
            [("alert_id", "in", alerts.ids), ("state", "in", ("pending", "firing"))], FETCHED
        )
        for case in cases:
            key = Cell(case.level, case.team_id.id, case.user_id.id, case.segment_id.id)
            found[case.alert_id.id][key, case.goal_id.id] = case
        return found

    def _values(self, alert, one, state):
        cell, facts = one.cell, one.facts
        return {
            "alert_id": alert.id,
            "kpi_id": alert.kpi_id.id,
            "company_id": alert.company_id.id,
            "period_id": one.period_id,
            "goal_id": one.goal_id,
            "level": cell.level,
            "team_id": cell.team_id,
            "user_id": cell.user_id,
            "segment_id": cell.segment_id,
            "state": state.name,
            "count": state.count,
            "value": facts.value,
            "record_count": facts.record_count,
            "reference": facts.reference,
            "forecast": facts.forecast,
            "signal": facts.signal,
        }

    def _update(self, case, state, change, one):
        facts = one.facts
        name = "firing" if change == "recovered" else state.name  # ended below
        return CaseUpdate(
            case.id,
            name,
            state.count,
            facts.value,
            facts.record_count,
            facts.reference,
            facts.forecast,
            facts.signal or None,
        )

    def _write(self, updates):
        if not updates:
            return
        names = [name for name in CaseUpdate._fields if name != "id"]
        self.env.execute_query(
            SQL(
                "UPDATE crm_kpi_alert_case AS stored SET %s FROM %s WHERE stored.id = new.id "
                "RETURNING 1",
                SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), SQL.identifier("new", name))
                    for name in names
                ),
                unnest(CaseUpdate, updates, "new"),
            )
        )
        self.env["crm.kpi.alert.case"].invalidate_model(names, flush=False)

    def _fire(self, fired):
        cases = self.env["crm.kpi.alert.case"].browse([case.id for case in fired])
        cases.fired_at = self.now

    # --- MESSAGES ---

    def _tell(self, alerts, changes):
        """Create the messages about the cases of rules; each is due when its recipient works."""
        cases = self.env["crm.kpi.alert.case"].browse([case.id for case in changes])
        firing = [("alert_id", "in", alerts.ids), ("state", "=", "firing")]
        cases |= cases.search_fetch(firing, FETCHED)
        snoozed = self._snoozed(alerts)
        told = []
        for case in cases:
            alert = case.alert_id
            kind = next_message(
                changes.get(case, ""),
                case.state == "firing",
                case.told_at or None,
                self.now,
                timedelta(days=alert.remind_days) if alert.remind_days else None,
                case._key() in snoozed,
            )
            if kind:
                told.append(CaseMessage(case, kind))
        if not told:
            return
        self._create_messages(told)
        cases.browse([one.case.id for one in told if one.kind != "recovered"]).told_at = self.now
        self._run_actions(told)

    def _snoozed(self, alerts):
        """Keys of the cells of rules that are snoozed, also by an earlier case."""
        found = set()
        cases = self.env["crm.kpi.alert.case"].search(
            [("alert_id", "in", alerts.ids), ("snooze_until", "!=", False)]
        )
        for case in cases:
            today = local_day(self.now, case.company_id._kpi_tz())
            if case.snooze_until >= today:
                found.add(case._key())
        return found

    def _create_messages(self, told):
        cases = self.env["crm.kpi.alert.case"].browse([one.case.id for one in told])
        recipients = Recipients(self.env, cases.goal_id, self.members)
        free_days = FreeDays(self.now)
        due = {}
        vals_list = []
        for case, kind in told:
            alert = case.alert_id
            for user in recipients.of(alert, case._cell(), case.goal_id):
                quiet = (alert.quiet_from, alert.quiet_to) if alert.is_quiet else None
                key = user, case.company_id, quiet
                if key not in due:
                    tz = user.tz or case.company_id._kpi_tz()
                    is_free = quiet and free_days.of(user, case.company_id, tz)
                    due[key] = postponed(self.now, tz, quiet, is_free)
                vals_list.append(
                    {"case_id": case.id, "user_id": user.id, "kind": kind, "due_at": due[key]}
                )
        self.env["crm.kpi.alert.message"].create(vals_list)
        if later := [moment for moment in due.values() if moment > self.now]:
            self.env.ref("crm_kpi.ir_cron_alert")._trigger(sorted(set(later)))

    def _run_actions(self, told):
        """Run the server actions of rules, for webhooks and chats; not in a neutralised database."""
        if self.parameters.get_param("database.is_neutralized"):
            return
        by_alert = defaultdict(list)
        for case, kind in told:
            if case.alert_id.action_id:
                by_alert[case.alert_id].append((case, kind))
        for alert, own in by_alert.items():
            try:
                with self.env.cr.savepoint():
                    for case, kind in own:
                        alert.action_id.with_context(
                            active_model=case._name,
                            active_id=case.id,
                            active_ids=case.ids,
                            kpi_alert=kind,
                        ).run()
            except psycopg2.OperationalError:
                raise
            except Exception as error:
                # any exception: code of an administrator must not stop the messages
                _logger.warning("KPI alert %s: server action", alert.id, exc_info=True)
                alert._note_error(self.env._("Server action: %s", error_text(error)))
