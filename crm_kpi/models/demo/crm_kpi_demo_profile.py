# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from datetime import timedelta

from odoo import SUPERUSER_ID, api, models

from ...demo import history

SEED = 43
#: Profiles of people who have not bought anything, and the months in which they were met.
PROSPECTS, MONTHS = 170, 18
#: What is missing on the profiles of customers.
NO_PHONE, NO_COUNTRY, NO_INDUSTRY, NO_ADDRESS = 0.2, 0.05, 0.09, 0.35
#: Customers whom somebody keeps in touch with beside deals, and the days between two times.
IN_TOUCH, PAUSE = 0.6, (25, 110)
#: Invoices that somebody writes about.
ASKED_ABOUT = 0.04
NEWS = (
    ("call", "Asked how the new furniture is doing."),
    ("call", "Spoke about the plans for next year."),
    ("mail", "How do you like the chairs? I will be in your town next week."),
    ("mail", "The catalogue for spring is ready. Shall I send you one?"),
    ("meeting", "Visit: went through the offices together."),
)
ANSWERS = (
    "Thank you, all is fine. Please call me in autumn.",
    "Very happy with it. We may need more for the second floor.",
    "Yes, please send it.",
)
REMINDERS = ("Our books show this invoice as open. May I ask you to look into it?",)
QUESTIONS = (
    "Could you send the invoice to our new address, please?",
    "We paid this last week, please check.",
    "Which cost centre did we give you for this one?",
)


class CrmKpiDemo(models.AbstractModel):
    """Contacts as they are: some complete, some not; and what is said beside the deals."""

    _inherit = "crm.kpi.demo"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _profiles(self, plan, sellers, partners, contacts):
        """Fill in some of the profiles, meet prospects, and keep in touch.

        :return: number of messages
        """
        chance = random.Random(SEED)  # noqa: S311  (a story, no secret)
        self._fill_in(partners, chance)
        self._prospects(plan, sellers, chance)
        rows = self._small_talk(plan, sellers, contacts, chance)
        rows += self._talk_about_invoices(plan, sellers, partners, chance)
        rows.sort(key=lambda row: row["date"])
        return len(self._insert_messages(rows))

    @api.model
    def _derive(self):
        result = super()._derive()
        for name in ("res.partner", "account.move"):
            self.env[name]._kpi_mark_all_dirty()
        return result

    # ------------------------------------------------------------------
    # profiles
    # ------------------------------------------------------------------
    @api.model
    def _phone(self, chance):
        """A number that is kept free for stories."""
        return f"+1 202 555 01{chance.randrange(100):02}"

    @api.model
    def _street(self, chance):
        return f"{chance.choice(history.STEMS)} Street {chance.randrange(1, 180)}"

    @api.model
    def _fill_in(self, partners, chance):
        """What was never asked of customers."""
        values = []
        for partner in partners:
            phone = None if chance.random() < NO_PHONE else self._phone(chance)
            # an address of its own: the persons there have theirs
            no_email = partner.is_company and chance.random() < NO_PHONE
            has_street = chance.random() >= NO_ADDRESS
            street, code = self._street(chance), f"{chance.randrange(10_000, 99_999)}"
            no_country = chance.random() < NO_COUNTRY
            no_industry = chance.random() < NO_INDUSTRY
            values.append(
                {
                    "phone": phone,
                    "email": None if no_email else partner.email,
                    "email_normalized": None if no_email else partner.email_normalized,
                    "street": street if has_street else None,
                    "zip": code if has_street else None,
                    "country_id": None if no_country else partner.country_id.id,
                    "industry_id": None if no_industry else partner.industry_id.id or None,
                }
            )
        self._set_columns(
            partners,
            {
                name: ("int4" if name.endswith("_id") else "varchar", [v[name] for v in values])
                for name in values[0]
            },
        )

    @api.model
    def _prospects(self, plan, sellers, chance):
        """People met at fairs, and those who signed up by themselves: from month to month more
        of what should be known of them is asked for."""
        here = [(index, seller) for index, seller in enumerate(history.SELLERS) if not seller.left]
        industries = list(history.INDUSTRIES)
        values, since, creators = [], [], []
        for number in range(PROSPECTS):
            age = MONTHS * (1 - number / PROSPECTS)
            created = plan.now - timedelta(days=30.4 * age, hours=chance.uniform(0, 9))
            care = 0.9 - 0.35 * age / MONTHS
            index, _seller = chance.choice(here)
            by_himself = chance.random() < 0.22
            is_company = chance.random() < 0.7
            person = f"{chance.choice(history.FIRST_NAMES)} {chance.choice(history.LAST_NAMES)}"
            industry = chance.choice(industries)
            word = chance.choice(history.INDUSTRIES[industry])
            name = f"{chance.choice(history.LAST_NAMES)} {chance.choice(history.STEMS)} {word}"
            mail = "".join(c for c in (name if is_company else person).lower() if c.isalnum())
            country = chance.choices(list(history.COUNTRIES), list(history.COUNTRIES.values()))[0]

            def told(value, care=care):
                return value if chance.random() < care else False

            values.append(
                {
                    "name": name if is_company else person,
                    "is_company": is_company,
                    "email": f"info@{mail}{number}.example.com"
                    if by_himself
                    else told(f"info@{mail}{number}.example.com"),
                    "phone": told(self._phone(chance)),
                    "country_id": told(self._country_of(country).id),
                    "city": chance.choice(history.CITIES[country]),
                    "street": told(self._street(chance)),
                    "zip": told(f"{chance.randrange(10_000, 99_999)}"),
                    "industry_id": is_company
                    and told(self.env.ref(f"base.res_partner_industry_{industry}").id),
                    "user_id": not by_himself and told(sellers[index].id),
                    "company_id": False,
                }
            )
            since.append(created)
            creators.append(SUPERUSER_ID if by_himself else sellers[index].id)
        prospects = self.env["res.partner"].create(values)
        self._set_columns(
            prospects, {"create_date": ("timestamp", since), "create_uid": ("int4", creators)}
        )

    # ------------------------------------------------------------------
    # conversations
    # ------------------------------------------------------------------
    @api.model
    def _row(self, record, date, kind, body, user=None, contact=None):
        """A message by one of us, or else by the contact."""
        author = user.partner_id if user else contact
        return {
            "model": record._name,
            "res_id": record.id,
            "date": date.replace(microsecond=0),
            "kind": kind,
            "author": author.id,
            "email_from": f'"{author.name}" <{author.email}>',
            "body": body,
            "uid": user.id if user else SUPERUSER_ID,
        }

    @api.model
    def _small_talk(self, plan, sellers, contacts, chance):
        """Calls, visits and mails to the people one knows, when there is nothing to sell."""
        rows = []
        for customer, contact in zip(plan.customers, contacts, strict=True):
            if not customer.purchases or chance.random() > IN_TOUCH:
                continue
            moment = plan.now - timedelta(days=chance.uniform(0, PAUSE[1]))
            first = max(customer.since, plan.first_lead) + timedelta(days=20)
            while moment > first:
                seller = plan._seller_at(customer.seller, moment)
                moment = moment.replace(hour=chance.randrange(8, 16), minute=chance.randrange(60))
                if seller is not None and moment.weekday() < 5 and moment < plan.now:
                    kind, body = chance.choice(NEWS)
                    rows.append(self._row(contact, moment, kind, body, sellers[seller]))
                    answer = moment + timedelta(hours=chance.uniform(2, 70))
                    if kind == "mail" and chance.random() < 0.5 and answer < plan.now:
                        rows.append(
                            self._row(contact, answer, "in", chance.choice(ANSWERS), None, contact)
                        )
                moment -= timedelta(days=chance.uniform(*PAUSE))
        return rows

    @api.model
    def _talk_about_invoices(self, plan, sellers, partners, chance):
        """A few questions about invoices, and reminders of open ones."""
        numbers = {partner.id: number for number, partner in enumerate(partners)}
        invoices = self.env["account.move"].search(
            [("move_type", "=", "out_invoice"), ("commercial_partner_id", "in", partners.ids)],
            order="invoice_date, id",
        )
        rows = []
        for invoice in invoices:
            if chance.random() > ASKED_ABOUT:
                continue
            customer = plan.customers[numbers[invoice.commercial_partner_id.id]]
            hour = timedelta(days=chance.randrange(3, 30), hours=chance.uniform(8, 16))
            moment = plan.now.replace(hour=0, minute=0) - (plan.now.date() - invoice.invoice_date)
            moment += hour
            seller = plan._seller_at(customer.seller, moment)
            if seller is None or moment > plan.now - timedelta(days=1):
                continue
            contact = invoice.partner_id
            if chance.random() < 0.5:
                rows.append(
                    self._row(invoice, moment, "in", chance.choice(QUESTIONS), None, contact)
                )
                moment += timedelta(hours=chance.uniform(1, 20))
                rows.append(self._row(invoice, moment, "mail", "Done.", sellers[seller]))
            else:
                rows.append(
                    self._row(invoice, moment, "mail", chance.choice(REMINDERS), sellers[seller])
                )
        return rows
