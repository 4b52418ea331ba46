# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import timedelta

from odoo import SUPERUSER_ID

from ..bulk import insert_messages, set_columns
from ..history import catalog
from .base import Story
from .customer import country_of

SEED = 43
#: Number of contacts without a purchase, and the months in which they were created.
PROSPECTS, MONTHS = 170, 18
#: Shares of customers whose profile lacks a field.
NO_PHONE, NO_COUNTRY, NO_INDUSTRY, NO_ADDRESS = 0.2, 0.05, 0.09, 0.35
#: Share of customers with conversations outside of deals, and the days between two of them.
IN_TOUCH, PAUSE = 0.6, (25, 110)
#: Share of the invoices with messages.
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


class ProfileStory(Story):
    """Complete and incomplete profiles, prospects, and conversations outside of deals."""

    name = "profile"
    derived = ("res.partner", "account.move")

    def create_records(self):
        plan, sellers, partners = self.demo.history, self.demo.sellers, self.demo.partners
        chance = random.Random(SEED)  # noqa: S311
        self._fill_in(partners, chance)
        self._add_prospects(plan, sellers, chance)
        rows = self._keep_in_touch(plan, sellers, self.demo.contacts, chance)
        rows += self._discuss_invoices(plan, sellers, partners, chance)
        rows.sort(key=lambda row: row["date"])
        insert_messages(self.env, rows)

    # ------------------------------------------------------------------
    # profiles
    # ------------------------------------------------------------------
    def _phone(self, chance):
        """A phone number that is reserved for fiction."""
        return f"+1 202 555 01{chance.randrange(100):02}"

    def _street(self, chance):
        return f"{chance.choice(catalog.STEMS)} Street {chance.randrange(1, 180)}"

    def _fill_in(self, partners, chance):
        """Fill in the profiles of customers, with gaps."""
        values = []
        for partner in partners:
            phone = None if chance.random() < NO_PHONE else self._phone(chance)
            # only the company's own address: its contact persons keep theirs
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
        set_columns(
            partners,
            {
                name: ("int4" if name.endswith("_id") else "varchar", [v[name] for v in values])
                for name in values[0]
            },
        )

    def _add_prospects(self, plan, sellers, chance):
        """Contacts without a purchase. Their profiles become more complete over time."""
        here = [(index, seller) for index, seller in enumerate(catalog.SELLERS) if not seller.left]
        industries = list(catalog.INDUSTRIES)
        values, since, creators = [], [], []
        for number in range(PROSPECTS):
            age = MONTHS * (1 - number / PROSPECTS)
            created = plan.now - timedelta(days=30.4 * age, hours=chance.uniform(0, 9))
            care = 0.9 - 0.35 * age / MONTHS
            index, _seller = chance.choice(here)
            by_signup = chance.random() < 0.22
            is_company = chance.random() < 0.7
            person = f"{chance.choice(catalog.FIRST_NAMES)} {chance.choice(catalog.LAST_NAMES)}"
            industry = chance.choice(industries)
            word = chance.choice(catalog.INDUSTRIES[industry])
            name = f"{chance.choice(catalog.LAST_NAMES)} {chance.choice(catalog.STEMS)} {word}"
            mail = "".join(c for c in (name if is_company else person).lower() if c.isalnum())
            country = chance.choices(list(catalog.COUNTRIES), list(catalog.COUNTRIES.values()))[0]

            def maybe(value, care=care):
                return value if chance.random() < care else False

            values.append(
                {
                    "name": name if is_company else person,
                    "is_company": is_company,
                    "email": f"info@{mail}{number}.example.com"
                    if by_signup
                    else maybe(f"info@{mail}{number}.example.com"),
                    "phone": maybe(self._phone(chance)),
                    "country_id": maybe(country_of(self.env, country).id),
                    "city": chance.choice(catalog.CITIES[country]),
                    "street": maybe(self._street(chance)),
                    "zip": maybe(f"{chance.randrange(10_000, 99_999)}"),
                    "industry_id": is_company
                    and maybe(self.env.ref(f"base.res_partner_industry_{industry}").id),
                    "user_id": not by_signup and maybe(sellers[index].id),
                    "company_id": False,
                }
            )
            since.append(created)
            creators.append(SUPERUSER_ID if by_signup else sellers[index].id)
        prospects = self.env["res.partner"].create(values)
        set_columns(
            prospects, {"create_date": ("timestamp", since), "create_uid": ("int4", creators)}
        )

    # ------------------------------------------------------------------
    # conversations
    # ------------------------------------------------------------------
    def _row(self, record, date, kind, body, user=None, contact=None):
        """A message by a user, or else by the contact."""
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

    def _keep_in_touch(self, plan, sellers, contacts, chance):
        """Calls, visits and mails to contacts of customers, outside of deals."""
        rows = []
        for customer, contact in zip(plan.customers, contacts, strict=True):
            if not customer.purchases or chance.random() > IN_TOUCH:
                continue
            moment = plan.now - timedelta(days=chance.uniform(0, PAUSE[1]))
            first = max(customer.since, plan.first_lead) + timedelta(days=20)
            while moment > first:
                seller = plan.seller_at(customer.seller, moment)
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

    def _discuss_invoices(self, plan, sellers, partners, chance):
        """Questions about invoices, and reminders of open ones."""
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
            seller = plan.seller_at(customer.seller, moment)
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
