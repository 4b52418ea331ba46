# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random prospecting: SQL compared with a plain implementation, record by record, and
facts updated after changes compared with the same facts from the back-fill."""

from datetime import datetime, timedelta

from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from .common_interaction import InteractionCommon

BEGIN = datetime(2026, 1, 1, 8)
NOW = datetime(2026, 12, 1, 8)
FACTS = (
    "kpi_days_to_action",
    "kpi_days_to_reply",
    "kpi_days_to_meeting",
    "kpi_stall_date",
    "kpi_next_step_date",
    "kpi_duplicate_of_id",
)
EMAILS = [False, "a@random.example.com", "A <a@RANDOM.example.com>", "b@random.example.com"]
PHONES = [False, False, "+32 2 290 34 90", "+3222903490", "+3222903491"]

HOURS = st.integers(-48, 24 * 30)
LEADS = st.fixed_dictionaries(
    {
        # about half a year apart
        "created": st.one_of(st.integers(0, 300), st.sampled_from([0, 100, 180, 280])),
        "email": st.sampled_from(EMAILS),
        "phone": st.sampled_from(PHONES),
        "company": st.booleans(),
        "limit": st.sampled_from([0, 7]),
        "moved": st.one_of(st.none(), HOURS),
        "messages": st.lists(
            st.tuples(HOURS, st.sampled_from(["out", "in", "call", "meeting", "brochure"])),
            max_size=4,
        ),
        "events": st.lists(HOURS, max_size=2),
        "plans": st.lists(st.integers(-9, 9), max_size=2),
    }
)
CHANGES = st.tuples(
    st.sampled_from(
        ["won", "open", "lost", "email", "phone", "delete", "merge", "move", "cancel", "plan",
         "done", "drop", "message", "convert"]
    ),
    st.integers(0, 9),
    st.integers(0, 9),
)  # fmt: skip


@tagged("post_install", "-at_install")
class TestRandomProspecting(InteractionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.brochure = cls.env.ref("crm_kpi.mail_activity_type_brochure")
        cls.stages = {
            limit: cls.env["crm.stage"].create(
                {"name": f"Random {limit}", "rotting_threshold_days": limit}
            )
            for limit in (0, 7)
        }

    @given(
        leads=st.lists(LEADS, min_size=1, max_size=6),
        changes=st.lists(CHANGES, max_size=8),
        pause=st.integers(0, 8),
    )
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        # to investigate a failure, add Phase.shrink: it takes minutes
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def _check_random(self, leads, changes, pause):
        with self.env.cr.savepoint(), freeze_time(NOW):
            alive = self.env["crm.lead"].concat(*(self._build(lead) for lead in leads))
            for number, change in enumerate(changes):
                if number == pause:
                    self.env["crm.lead"]._kpi_derive()
                alive = self._change(alive, *change).exists()
            self.env["crm.lead"]._kpi_derive()
            lived = [self._facts(lead) for lead in alive]
            self.assertEqual(lived, [self._plain(lead, alive) for lead in alive])
            self.env["crm.kpi.backfill"]._forget(alive)
            self.env["crm.kpi.backfill"]._run()
            alive._kpi_mark_dirty(alive.ids)
            self.env["crm.lead"]._kpi_derive()
            self.assertEqual([self._facts(lead) for lead in alive], lived)
            alive.unlink()

    def test_random_prospecting(self):
        self._check_random()

    # ------------------------------------------------------------------
    def _build(self, plan):
        created = BEGIN + timedelta(days=plan["created"])
        lead = self._lead(
            str(created),
            by=self.ann,
            partner_id=False,
            email_from=plan["email"],
            phone=plan["phone"],
            company_id=plan["company"] and self.company.id,
            stage_id=self.stages[plan["limit"]].id,
        )
        moved = plan["moved"]
        self._dates(
            lead,
            date_last_stage_update=None if moved is None else created + timedelta(hours=moved),
        )
        for hours, kind in plan["messages"]:
            self._exchange_messages(lead, hours, kind)
        for hours in plan["events"]:
            start = created + timedelta(hours=hours)
            self.env["calendar.event"].create(
                {
                    "name": "Visit",
                    "start": start,
                    "stop": start + timedelta(hours=1),
                    "opportunity_id": lead.id,
                }
            )
        for days in plan["plans"]:
            self._plan(lead, days)
        return lead

    def _exchange_messages(self, lead, hours, kind):
        when = str(lead.create_date + timedelta(hours=hours))
        if kind == "out":
            self._message(lead, when, self.ann)
        elif kind == "in":
            self._message(lead, when, self.contact, message_type="email")
        else:
            self._done(lead, when, self.ann, getattr(self, kind))

    def _plan(self, lead, days):
        return self.env["mail.activity"].create(
            {
                "res_model_id": self.env["ir.model"]._get_id("crm.lead"),
                "res_id": lead.id,
                "activity_type_id": self.todo.id,
                "date_deadline": NOW.date() + timedelta(days=days),
                "user_id": self.ann.id,
            }
        )

    def _change(self, leads, what, index, number):
        if not leads:
            return leads
        lead, other = leads[index % len(leads)], leads[number % len(leads)]
        events = self.env["calendar.event"].search([("opportunity_id", "=", lead.id)])
        plans = self.env["mail.activity"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", lead.id)]
        )
        if what == "won":
            lead.action_set_won()
        elif what in ("lost", "open"):
            lead.write({"stage_id": self.stages[0].id, "probability": 10})
            lead.action_set_lost() if what == "lost" else lead.action_unarchive()
        elif what == "email":
            lead.email_from = EMAILS[number % len(EMAILS)]
        elif what == "phone":
            lead.phone = PHONES[number % len(PHONES)]
        elif what == "delete":
            lead.unlink()
            return leads - lead
        elif what == "merge" and lead != other:
            head = (lead | other)._merge_opportunity()
            return leads - (lead | other) | head
        elif what == "move" and events:
            events[0].opportunity_id = other
        elif what == "cancel" and events:
            events[0].active = False
        elif what == "plan":
            self._plan(lead, number)
        elif what == "done" and plans:
            plans[0].action_feedback()
        elif what == "drop" and plans:
            plans[0].unlink()
        elif what == "message":
            self._exchange_messages(lead, number * 5, "in")
        elif what == "convert":
            lead.date_conversion = lead.create_date + timedelta(hours=number * 7)
        return leads

    def _facts(self, lead):
        lead.invalidate_recordset()
        return {name: self._rounded(lead[name]) for name in FACTS}

    @staticmethod
    def _rounded(value):
        return round(value, 6) if isinstance(value, float) else value

    def _plain(self, lead, leads):
        """Expected facts, computed as their help texts define them."""
        rows = self._rows(lead)
        tries = sorted(row.date for row in rows if row.direction != "in")
        facts = dict.fromkeys(FACTS, False)
        if tries:
            first = tries[0]
            replies = [row.date for row in rows if row.direction != "out" and row.date > first]
            meetings = [row.date for row in rows if row.channel == "meeting"]
            meetings += [
                event.start
                for event in self.env["calendar.event"].search([("opportunity_id", "=", lead.id)])
                if event.start >= first
            ]
            actions = list(replies)
            actions += [
                date
                for date in (lead.date_conversion, lead.won_status == "won" and lead.kpi_won_date)
                if date and date > first
            ]
            for name, dates in (
                ("kpi_days_to_reply", replies),
                ("kpi_days_to_meeting", meetings),
                ("kpi_days_to_action", actions),
            ):
                if dates:
                    facts[name] = self._rounded((min(dates) - first).total_seconds() / 86400)
        if lead.active and lead.won_status == "pending":
            since = lead.date_last_stage_update or lead.create_date
            limit = lead.stage_id.rotting_threshold_days or 30
            facts["kpi_stall_date"] = since + timedelta(days=limit)
        plans = self.env["mail.activity"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", lead.id)]
        )
        facts["kpi_next_step_date"] = max(plans.mapped("date_deadline"), default=False)
        before = [
            other
            for other in leads
            if (other.create_date, other.id) < (lead.create_date, lead.id)
            and lead.create_date - other.create_date <= timedelta(days=180)
            and other.won_status != "won"
            and (
                (lead.email_normalized and other.email_normalized == lead.email_normalized)
                or (lead.phone_sanitized and other.phone_sanitized == lead.phone_sanitized)
            )
            and (not lead.company_id or not other.company_id or lead.company_id == other.company_id)
        ]
        facts["kpi_duplicate_of_id"] = max(
            before, key=lambda other: (other.create_date, other.id), default=leads.browse()
        )
        return facts
