# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random histories: SQL compared with a plain implementation, record by record.

The plain one follows docs/CATALOGUE.md (durations, interaction classes, inbound records, stamps
of leads) and shares no code with the addon.
"""

from datetime import datetime, timedelta

import pytz
from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from .common_interaction import InteractionCommon, dt

TYPES = [
    "comment",
    "email",
    "email_outgoing",
    "notification",
    "auto_comment",
    "out_of_office",
    "user_notification",
    "sms",
    "snailmail",
]
AUTHORS = ["ann", "bob", "leaver", "portal", "contact", "robot", "public", "guest", "nobody"]
SUBTYPES = ["comment", "note", "created", "activities", None]
ACTIVITIES = [None, None, None, "call", "meeting", "todo"]
NOW = datetime(2026, 11, 21, 12, 0)
BEGIN = datetime(2026, 11, 1)


def weighted(*values):
    return st.sampled_from(values)


MESSAGES = st.fixed_dictionaries(
    {
        # few times, so that messages share a second or a day, or lie around midnight
        "minute": st.one_of(
            st.integers(0, 28_000), st.sampled_from([0, 1380, 1381, 1439, 2820, 4260, 5700])
        ),
        "late": weighted(0, 0, 0, 1, 2, 3),
        "type": weighted("comment", "comment", "email", "email", *TYPES),
        "author": weighted("ann", "bob", "contact", "contact", *AUTHORS),
        "subtype": weighted("comment", "comment", "comment", *SUBTYPES),
        "internal": weighted(False, False, False, True),
        "activity": st.sampled_from(ACTIVITIES),
    }
)
LEADS = st.fixed_dictionaries(
    {
        "created": st.integers(0, 3_000),
        "micro": weighted(0, 700_000),
        "by": weighted(None, "ann", "portal", "leaver"),
        "lost": weighted(False, False, False, True),
        "messages": st.lists(MESSAGES, max_size=9),
    }
)


@tagged("post_install", "-at_install")
class TestRandomHistories(InteractionCommon):
    @given(histories=st.lists(LEADS, min_size=1, max_size=4))
    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        # to investigate a failure, add Phase.shrink: it takes minutes
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def _check_random(self, histories):
        leads = [self._build(history) for history in histories]
        with freeze_time(NOW):
            self.env["crm.lead"]._kpi_derive()
        for lead in leads:
            self.env.invalidate_all()
            rows, facts = self._plain(lead)
            found = [
                {name: row[name] for name in rows[0]} if rows else {} for row in self._rows(lead)
            ]
            self.assertEqual(len(found), len(rows), lead)
            for one, other in zip(found, rows, strict=True):
                self.assertEqual(one, other)
            self.assertEqual({name: lead[name] for name in facts}, facts)

    def test_random_histories(self):
        self._check_random()

    # ------------------------------------------------------------------
    def _people(self):
        return {
            "ann": self.ann.partner_id,
            "bob": self.bob.partner_id,
            "leaver": self.leaver.partner_id,
            "portal": self.portal.partner_id,
            "contact": self.contact,
            "robot": self.env.ref("base.partner_root"),
            "public": self.env.ref("base.public_user").partner_id,
        }

    def _build(self, history):
        created = BEGIN + timedelta(minutes=history["created"], microseconds=history["micro"])
        by = history["by"] and getattr(self, history["by"])
        lead = self._lead(created.isoformat(" "), by=by)
        people = self._people()
        guest = self.env["mail.guest"].create({"name": "Guest"})
        for item in history["messages"]:
            when = BEGIN + timedelta(minutes=item["minute"])
            arrived = when - timedelta(days=item["late"])
            subtype = item["subtype"] and getattr(self, item["subtype"])
            activity = item["activity"] and getattr(self, item["activity"])
            message = self._message(
                lead,
                when.isoformat(" "),
                people.get(item["author"]),
                arrived=arrived.isoformat(" "),
                subtype_id=subtype.id if subtype else False,
                is_internal=item["internal"],
                mail_activity_type_id=activity.id if activity else False,
                author_guest_id=guest.id if item["author"] == "guest" else False,
            )
            # the module that defines the type may not be installed
            self._dates(message, message_type=item["type"])
        if history["lost"]:
            lead.action_set_lost()
        return lead

    def _direction(self, message):
        """The interaction classes, in the order of docs/CATALOGUE.md."""
        author, kind = message.author_id, message.message_type
        users = self.env["res.users"].with_context(active_test=False)
        root, public = self.env.ref("base.user_root"), self.env.ref("base.public_user")
        staff = users.search([("share", "=", False), ("id", "!=", root.id)]).partner_id
        if kind in ("user_notification", "out_of_office", "auto_comment"):
            return None
        if author and author in (root | public).partner_id:
            return None
        activity = message.mail_activity_type_id
        if kind == "notification" and not activity:
            return None
        if author in staff:
            if activity:
                return {"phonecall": "out", "meeting": "both"}.get(activity.category)
            if kind in ("sms", "snailmail", "email_outgoing"):
                return "out"
            if (
                kind in ("comment", "email")
                and message.subtype_id
                and not message.subtype_id.internal
                and message.subtype_id != self.created
                and not message.is_internal
            ):
                return "out"
            return None
        if kind == "email" or (kind == "comment" and (author or message.author_guest_id)):
            return "in"
        return None

    def _plain(self, lead):
        """Expected rows and facts of a lead."""
        zone = pytz.timezone("Europe/Brussels")
        talk = []
        for message in self.env["mail.message"].search(
            [("model", "=", "crm.lead"), ("res_id", "=", lead.id)]
        ):
            direction = self._direction(message)
            if not direction:
                continue
            when = message.date
            if message.message_type == "email" and when - message.create_date > timedelta(days=1):
                when = message.create_date
            category = message.mail_activity_type_id.category
            channel = {"phonecall": "call", "meeting": "meeting"}.get(category) or {
                "sms": "sms",
                "snailmail": "letter",
            }.get(message.message_type, "email")
            user = (
                self.env["res.users"]
                .with_context(active_test=False)
                .search([("partner_id", "=", message.author_id.id), ("share", "=", False)])
            )
            talk.append(
                {
                    "date": when,
                    "message_id": message,
                    "direction": direction,
                    "channel": channel,
                    "day": pytz.utc.localize(when).astimezone(zone).date(),
                    "user_id": user if message.author_id else user.browse(),
                }
            )
        talk.sort(key=lambda row: (row["date"], row["message_id"].id))

        tried, waiting = set(), None
        for row in talk:
            row["is_attempt"] = row["is_turn"] = False
            row["reply_date"], row["reply_hours"] = False, False
            if row["direction"] == "out":
                key = row["day"], row["channel"]
                lost = lead._fields.get("kpi_lost_date") and lead.kpi_lost_date
                if key not in tried and (not lost or row["date"] < lost):
                    row["is_attempt"] = True
                    tried.add(key)
            if row["direction"] == "in":
                if waiting is None:
                    row["is_turn"], waiting = True, row
            elif waiting:
                waiting["reply_date"] = row["date"]
                waiting["reply_hours"] = (row["date"] - waiting["date"]).total_seconds() / 3600
                waiting = None

        ins = [r["date"] for r in talk if r["direction"] == "in"]
        ours = [r for r in talk if r["direction"] != "in"]
        theirs = [r["date"] for r in talk if r["direction"] != "out"]
        outs = [r for r in talk if r["direction"] == "out"]
        creator = lead.create_uid
        requested = creator.share or creator == self.env.ref("base.user_root")
        inbound = requested or bool(ins and (not ours or min(ins) <= ours[0]["date"]))
        start = lead.create_date if requested else min(ins, default=lead.create_date)
        answers = [r for r in ours if r["date"] >= start.replace(microsecond=0)]
        first = answers[0] if inbound and answers else None
        due = start + timedelta(hours=1)
        last_reply = max(theirs, default=None)
        since = {
            (r["day"], r["channel"]) for r in outs if last_reply is None or r["date"] > last_reply
        }
        pending = lead.active and lead.won_status == "pending"
        attempt = ours[0] if ours else None
        nobody = self.env["res.users"]
        facts = {
            "kpi_origin": "inbound" if inbound else "outbound",
            "kpi_response_start": start if inbound else False,
            "kpi_response_user_id": (
                (first["user_id"] if first else lead.user_id) if inbound else nobody
            ),
            "kpi_first_response_date": first["date"] if first else False,
            "kpi_first_response_user_id": first["user_id"] if first else nobody,
            "kpi_first_response_hours": (
                max((first["date"] - start).total_seconds(), 0) / 3600 if first else False
            ),
            "kpi_response_due": due if inbound else False,
            "kpi_response_in_target": bool(first and first["date"] <= due),
            "kpi_response_waiting": inbound and not first and pending,
            "kpi_first_attempt_date": attempt["date"] if attempt else False,
            "kpi_first_attempt_user_id": attempt["user_id"] if attempt else nobody,
            "kpi_last_attempt_date": outs[-1]["date"] if outs else False,
            "kpi_first_reply_date": min(theirs, default=False),
            "kpi_last_reply_date": last_reply or False,
            "kpi_last_interaction_date": talk[-1]["date"] if talk else False,
            "kpi_attempt_count": len({(r["day"], r["channel"]) for r in outs}),
            "kpi_attempts_since_reply": len(since),
            "kpi_unresponsive": bool(
                pending and len(since) >= 5 and outs[-1]["date"] <= NOW - timedelta(days=2)
            ),
            "kpi_first_action_date": min(
                (date for date in theirs if attempt and date > attempt["date"]), default=False
            ),
        }
        return talk, facts

    def test_plain_implementation_gives_the_worked_example(self):
        """The plain implementation gives the values of example 50 of docs/CATALOGUE.md."""
        lead = self._lead("2026-11-01 08:00", by=self.ann)
        for when in ("02 09:00", "02 09:10", "04 10:00", "06 10:00", "09 10:00", "11 10:00"):
            self._message(lead, f"2026-11-{when}", self.ann)
        self._done(lead, "2026-11-04 09:00", self.ann, self.call)
        self._mail_in(lead, "2026-11-03 09:00")
        rows, facts = self._plain(lead)
        self.assertEqual(sum(row["is_attempt"] for row in rows), 6)
        self.assertEqual(facts["kpi_attempts_since_reply"], 5)
        self.assertTrue(facts["kpi_unresponsive"])
        self.assertEqual(facts["kpi_first_action_date"], dt("2026-11-03 09:00"))
