# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json

from odoo.tools import SQL

from ..bulk import set_columns
from ..goals import create_goals
from ..history.mailings import CAMPAIGNS, Mailings
from .base import Story
from .people import add_groups, create_role, restore_role

#: Login, name, groups.
ROLE = (
    "marketing",
    "Leonie Fuchs",
    ("mass_mailing.group_mass_mailing_user",),
)
#: Rows of :class:`~..goals.GoalPlan`.
MAILING_GOALS = (
    ("company", "month", 2, "campaign_response_rate", "at_least", (0.06,)),
    ("company", "month", 2, "unsubscribe_rate", "at_most", (0.015,)),
    ("company", "quarter", 1, "bounce_rate", "at_most", (0.02,)),
)
#: Campaign with a cost, of the story of costs.
PAID_NEWSLETTER = "Ergonomics newsletter"


class MailingStory(Story):
    """Newsletters and campaigns, their mails, and opt-outs."""

    name = "mailing"
    requires = ("crm_kpi_mass_mailing",)
    derived = ("mailing.trace",)

    def create_records(self):
        marketing = create_role(self.demo, *ROLE)
        add_groups(self.demo, self.demo.user("manager"), *ROLE[-1])
        customers = self.demo.named("customer")
        plan = Mailings(
            self.demo.now, self.demo.zone, [customer.create_date for customer in customers]
        )
        persons = [customer.child_ids.sorted("id")[:1] or customer for customer in customers]
        news = self.env["mailing.list"].create({"name": "Newsletter for customers"})
        readers = self.env["mailing.contact"].create(
            [
                {"name": person.name, "email": person.email, "list_ids": news.ids}
                for person in persons
            ]
        )
        mailings = self._create_mailings(plan, news, marketing)
        self._insert_traces(plan, mailings, readers, persons)
        self._opt_out(plan, readers, persons)

    def create_kpi_records(self):
        restore_role(self.demo, *ROLE)

    def create_goals(self):
        return create_goals(self.env, MAILING_GOALS, {"company": [{}]})

    def _create_mailings(self, plan, news, marketing):
        """The newsletters and campaigns, in the order of the plan."""
        logins = [sender for _name, sender, _response in CAMPAIGNS]
        users = self.env["res.users"].search([("login", "in", logins)])
        senders = {user.login: user for user in users}
        campaigns = {
            name: self.env["utm.campaign"].create(
                {"title": name, "user_id": senders.get(sender, marketing).id}
            )
            for name, sender, _response in CAMPAIGNS
        }
        # for some months the newsletter belongs to a campaign with a cost
        paid = self.env["utm.campaign"].search([("title", "=", PAID_NEWSLETTER)], limit=1)
        costs = self.env["crm.kpi.cost"].search([("campaign_id", "in", paid.ids)])

        def campaign_of(mailing):
            if mailing.campaign:
                return campaigns[mailing.campaign]
            day = mailing.sent.date()
            return paid if costs.filtered(lambda c: c.date_first <= day <= c.date_last) else None

        of_list, of_contacts = (
            self.env["ir.model"]._get_id(name) for name in ("mailing.list", "res.partner")
        )
        mailings = self.env["mailing.mailing"].create(
            [
                {
                    "subject": mailing.subject,
                    "body_html": f"<p>{mailing.subject}</p>",
                    "user_id": senders.get(mailing.sender, marketing).id,
                    "campaign_id": (campaign := campaign_of(mailing)) and campaign.id,
                    "mailing_model_id": of_contacts if mailing.campaign else of_list,
                    "contact_list_ids": [] if mailing.campaign else news.ids,
                    "mailing_domain": "[('email', '!=', False)]" if mailing.campaign else "[]",
                    "state": "done",
                    "sent_date": mailing.sent,
                }
                for mailing in plan.mailings
            ]
        )
        set_columns(
            mailings, {"create_date": ("timestamp", [mailing.sent for mailing in plan.mailings])}
        )
        return mailings

    def _insert_traces(self, plan, mailings, readers, persons):
        """One row per mail, with the status after sending, opening and replying."""
        rows = []
        for mailing, record in zip(plan.mailings, mailings, strict=True):
            for piece in mailing.pieces:
                person = persons[piece.customer]
                target = person if mailing.campaign else readers[piece.customer]
                sent = piece.status not in ("cancel", "error")
                rows.append(
                    {
                        "mailing": record.id,
                        "campaign": record.campaign_id.id or None,
                        "model": target._name,
                        "res_id": target.id,
                        "email": person.email_normalized,
                        "status": piece.status,
                        "failure": {
                            "bounce": "mail_bounce",
                            "cancel": "mail_bl" if mailing.campaign else "mail_optout",
                            "error": "mail_smtp",
                        }.get(piece.status),
                        "made": str(piece.sent),
                        "sent": str(piece.sent) if sent else None,
                        "opened": piece.opened and str(piece.opened),
                        "clicked": piece.clicked and str(piece.clicked),
                        "replied": piece.replied and str(piece.replied),
                    }
                )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO mailing_trace
                       (trace_type, mass_mailing_id, campaign_id, model, res_id, email,
                        message_id, trace_status, failure_type, sent_datetime, open_datetime,
                        links_click_datetime, reply_datetime, create_uid, write_uid,
                        create_date, write_date)
                SELECT 'mail', r.mailing, r.campaign, r.model, r.res_id, r.email,
                       format('<%%s.%%s@demo.example.com>', r.mailing, r.res_id), r.status,
                       r.failure, r.sent, r.opened, r.clicked, r.replied, 1, 1, r.made,
                       GREATEST(r.made, r.opened, r.clicked, r.replied)
                  FROM jsonb_to_recordset(%s::jsonb) AS r (
                       mailing int, campaign int, model text, res_id int, email text, status text,
                       failure text, made timestamp, sent timestamp, opened timestamp,
                       clicked timestamp, replied timestamp)
                """,
                json.dumps(rows),
            )
        )
        self.env["mailing.trace"].invalidate_model()

    def _opt_out(self, plan, readers, persons):
        """Contacts who left the newsletter (some returned), and contacts on the blocklist."""
        left = list(plan.left)
        subscriptions = self.env["mailing.subscription"].concat(
            *(readers[customer].subscription_ids for customer in left)
        )
        before = self.env["crm.kpi.opt.out"].search([])
        subscriptions.write({"opt_out": True})
        blocked = list(plan.blocked)
        entries = self.env["mail.blacklist"].create(
            [{"email": persons[customer].email_normalized} for customer in blocked]
        )
        dates = {
            **{
                ("list", readers[customer].email_normalized): plan.left[customer][0]
                for customer in left
            },
            **{
                ("block", persons[customer].email_normalized): plan.blocked[customer][0]
                for customer in blocked
            },
        }
        events = self.env["crm.kpi.opt.out"].search([]) - before
        set_columns(
            events, {"date": ("timestamp", [dates[event.kind, event.email] for event in events])}
        )
        by_email = {entry.email: entry for entry in entries}
        entries = self.env["mail.blacklist"].concat(
            *(by_email[persons[customer].email_normalized] for customer in blocked)
        )
        set_columns(entries, {"create_date": ("timestamp", [plan.blocked[c][0] for c in blocked])})
        set_columns(
            subscriptions, {"opt_out_datetime": ("timestamp", [plan.left[c][0] for c in left])}
        )
        back = [n for n, customer in enumerate(left) if plan.left[customer][1]]
        self.env["mailing.subscription"].concat(*(subscriptions[n] for n in back)).write(
            {"opt_out": False}
        )
