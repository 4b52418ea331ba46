# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The generated sales history of an office furniture dealer.

Events follow from one another. Customers buy at an interval of their own; some stop, some
return. Most purchases come from an opportunity that a salesperson worked on before. For each
won opportunity the salesperson loses others, weak salespeople more. Purchases of the coming
weeks are the open pipeline of today. The conversation depends on the outcome of the deal.
"""

from datetime import timedelta

from .catalog import (
    CALL_NOTES,
    CITIES,
    COUNTRIES,
    CUSTOMERS,
    FAVOURITES,
    FIRST_NAMES,
    INDUSTRIES,
    LAST_NAMES,
    LOST_REASONS,
    MONTHS_OF_LEADS,
    MONTHS_OF_ORDERS,
    NEEDS,
    OFFERS,
    PRODUCTS,
    QUESTIONS,
    REPLIES,
    SEASON,
    SELLERS,
    SOURCES,
    STEMS,
    SUCCESSOR,
)
from .entities import Customer, Lead, Message, Order
from .timeline import Timeline


class History(Timeline):
    """Generated at construction: ``customers``, ``leads`` and ``orders``."""

    def __init__(self, now, zone, customers=CUSTOMERS, seed=19):
        """
        :param int customers: number of customers
        """
        super().__init__(now, zone, seed)
        self.customers, self.leads, self.orders = [], [], []
        self.first_order = self.now - timedelta(days=30.4 * MONTHS_OF_ORDERS)
        self.first_lead = self.now - timedelta(days=30.4 * MONTHS_OF_LEADS)
        self._meet_customers(customers)
        for customer in self.customers:
            self._add_purchases(customer)
        self._add_lost()
        self._add_unqualified()
        self._win_back()
        self.orders.sort(key=lambda order: order.created)
        for index, order in enumerate(self.orders):
            order.index = index

    def _season(self, moment):
        return SEASON[moment.month - 1]

    # ------------------------------------------------------------------
    # people
    # ------------------------------------------------------------------
    def _person(self):
        return f"{self.random.choice(FIRST_NAMES)} {self.random.choice(LAST_NAMES)}"

    def _company_name(self, industry):
        for attempt in range(200):
            stem = self.random.choice(STEMS)
            if attempt > 5:  # the short names are taken
                stem = f"{self.random.choice(LAST_NAMES)} & {stem}"
            name = f"{stem} {self.random.choice(INDUSTRIES[industry])}"
            if name not in self._names:
                break
        self._names.add(name)
        return name

    def _address(self, person, company):
        """An e-mail address in a domain that is reserved for examples."""

        def plain(text):
            return "".join(c for c in text.lower() if (c.isascii() and c.isalnum()) or c == ".")

        domain = plain(company) or "home"
        while True:
            suffix = self._mails.get((person, domain), 0)
            self._mails[person, domain] = suffix + 1
            return f"{plain(person.replace(' ', '.'))}{suffix or ''}@{domain}.example.com"

    def _meet_customers(self, count):
        self._names, self._mails = set(), {}
        # Customers of long ago belong to salespeople who were there then.
        sellers = [
            [i for i, s in enumerate(SELLERS) if s.team == team and s.joined > 50]
            for team in range(3)
        ]
        for index in range(count):
            is_company = self.random.random() < 0.78
            size = self._choose({0: 34, 1: 42, 2: 24}) if is_company else 2
            industry = self._choose(dict.fromkeys(INDUSTRIES, 1) | {"G": 2, "J": 2, "C": 2})
            country = self._choose(COUNTRIES)
            person = self._person()
            name = self._company_name(industry) if is_company else person
            seller = sellers[size][index % len(sellers[size])]
            tags = [
                tag for tag, share in (("VIP", 0.08), ("Reseller", 0.1)) if self._happens(share)
            ]
            known = self._happens(0.55)
            since = (
                self._ago(self.random.uniform(MONTHS_OF_LEADS, MONTHS_OF_ORDERS) * 30.4)
                if known
                else self._ago(self.random.uniform(-1.2, MONTHS_OF_LEADS - 1) * 30.4)
            )
            self.customers.append(
                Customer(
                    index=index,
                    name=name,
                    is_company=is_company,
                    country=country,
                    city=self.random.choice(CITIES[country]),
                    industry=industry if is_company else None,
                    size=size,
                    seller=seller,
                    tags=tuple(tags),
                    contact=person,
                    email=self._address(person, name if is_company else "mail"),
                    since=since,
                )
            )
        self.customers.sort(key=lambda customer: customer.since)
        for index, customer in enumerate(self.customers):
            customer.index = index

    def seller_at(self, index, moment):
        """The salesperson of a customer at a moment.

        None for two weeks after the salesperson left.
        """
        seller = SELLERS[index]
        if seller.left:
            gone = self._ago(seller.left * 30.4)
            if moment >= gone:
                return SUCCESSOR[index] if moment >= gone + timedelta(days=14) else None
        return index

    # ------------------------------------------------------------------
    # buying
    # ------------------------------------------------------------------
    def _add_purchases(self, customer):
        """Purchases of a customer until some weeks from now."""
        rhythm = self._choose(
            {"loyal": 25, "regular": 30, "occasional": 20, "once": 15, "lapsed": 10}
        )
        gap = {
            "loyal": self.random.uniform(45, 75),
            "regular": self.random.uniform(90, 150),
            "occasional": self.random.uniform(200, 320),
            "once": 9999,
            "lapsed": self.random.uniform(50, 100),
        }[rhythm]
        # Lost customers stopped buying a year ago or more; some returned since.
        stop = self._ago(self.random.uniform(300, 560)) if rhythm == "lapsed" else None
        back = (
            self._ago(self.random.uniform(-20, 170))
            if stop and self._happens(0.35)
            else self.now + timedelta(days=999)
        )
        gap *= (0.75, 0.85, 1)[customer.size]
        horizon = self.now + timedelta(days=75)
        moment = max(customer.since, self.first_order)
        number = 0
        while moment < horizon:
            if stop and stop <= moment < back:
                moment = back
                continue
            if not self._happens(self._season(moment) / 1.2):
                moment += timedelta(days=self.random.uniform(6, 16))
                continue
            moment = self._at_work(moment)
            number += 1
            self._purchase(customer, moment, number)
            moment += timedelta(days=gap * self.random.lognormvariate(0, 0.3))

    def _win_back(self):
        """In each month one or two lost customers return, with a discount."""
        latest = {}
        for order in self.orders:
            if order.confirmed:
                index = order.customer.index
                latest[index] = max(order.confirmed, latest.get(index, order.confirmed))
        for months in range(11, -1, -1):
            moment = self._at_work(self._ago(months * 30.4 + 12))
            lost = [
                customer
                for customer in self.customers
                if latest.get(customer.index, moment) < moment - timedelta(days=400)
            ]
            for customer in self.random.sample(lost, min(len(lost), 1 + months % 2)):
                seller = self.seller_at(customer.seller, moment)
                rebate = self._choose({10: 3, 15: 2})
                lines = [(*line[:3], rebate) for line in self._basket(customer, seller)]
                sent = moment - timedelta(hours=self.random.randint(20, 90))
                self.orders.append(
                    Order(
                        customer=customer,
                        seller=seller,
                        created=sent - timedelta(minutes=30),
                        sent=sent,
                        confirmed=moment,
                        state="sale",
                        lines=lines,
                    )
                )
                latest[customer.index] = moment

    def _basket(self, customer, seller):
        """Lines of a purchase; adds the categories to those that the customer knows."""
        scale = (5, 2.2, 0.9)[customer.size]
        if not customer.known:
            wanted = {self._choose(FAVOURITES): 0}
            if self._happens(0.35):
                wanted[self._choose(FAVOURITES)] = 0
            for category in wanted:
                wanted[category] = self._choose({0: 45, 1: 40, 2: 15})
        else:
            known = list(customer.known)
            wanted = {}
            for category in self.random.sample(known, min(len(known), self.random.randint(1, 2))):
                tier = customer.known[category]
                # sometimes a better product than before
                wanted[category] = min(2, tier + 1) if self._happens(0.14) else tier
            if self._happens(0.12):
                new = self._choose(FAVOURITES)
                wanted.setdefault(new, self._choose({0: 45, 1: 40, 2: 15}))
        lines = []
        rebate = 0
        if self._happens(SELLERS[seller].rebate if seller is not None else 0):
            rebate = self._choose({5: 5, 10: 3, 15: 1})
        for category, tier in wanted.items():
            customer.known[category] = max(tier, customer.known.get(category, 0))
            name, price = PRODUCTS[category][tier]
            typical = scale * (1.4 if category == "Services" or price > 3000 else 3.5)
            quantity = max(1, round(typical * self.random.lognormvariate(0, 0.4)))
            lines.append((name, quantity, price, rebate))
        return lines

    def _purchase(self, customer, moment, number):
        seller = self.seller_at(customer.seller, moment)
        in_time = moment > self.first_lead + timedelta(days=25)
        known = dict(customer.known)
        lines = self._basket(customer, seller)
        if in_time and (number == 1 or self._happens(0.75)):
            cycle = self._cycle(seller, customer.size)
            created = self._at_work(moment - timedelta(days=cycle))
            if created >= moment:
                created = moment - timedelta(hours=5)
            if created < self.now - timedelta(hours=2):
                lead = self._lead(customer.size, seller, created, moment, customer)
                amount = self._quote(lead, customer, seller, moment, lines, won=True)
                lead.expected = round(amount, -1)
                self._work(lead, moment, "won")
            else:
                customer.known = known
        elif moment < self.now - timedelta(minutes=30):
            sent = self._in_working_time(
                moment - timedelta(days=self.random.lognormvariate(1, 0.8))
            )
            sent = min(sent, moment)
            self.orders.append(
                Order(
                    customer=customer,
                    seller=seller,
                    created=sent - timedelta(minutes=self.random.randint(5, 50)),
                    sent=sent,
                    confirmed=moment,
                    state="sale",
                    lines=lines,
                )
            )
        if moment < self.now:
            customer.purchases.append(moment)
        else:
            customer.known = known

    def _cycle(self, seller, size):
        pace = SELLERS[seller].pace if seller is not None else 1
        days = (46, 30, 16)[size] * pace * self.random.lognormvariate(0, 0.5)
        return min(max(days, 1), 190)

    # ------------------------------------------------------------------
    # selling
    # ------------------------------------------------------------------
    def _lead(self, size, seller, created, planned, customer=None):
        inbound = self._happens(0.5)
        need = self.random.choice(NEEDS)
        if customer:
            company, contact = customer.name if customer.is_company else "", customer.contact
            email, country = customer.email, customer.country
        else:
            industry = self._choose(dict.fromkeys(INDUSTRIES, 1))
            company = self._company_name(industry) if self._happens(0.8) else ""
            contact = self._person()
            email = self._address(contact, company or "mail")
            country = self._choose(COUNTRIES)
        known = bool(customer and customer.purchases)
        lead = Lead(
            index=len(self.leads),
            name=f"{company or contact}: {need}",
            seller=seller,
            team=size,
            customer=customer,
            company=company,
            contact=contact,
            email=email,
            country=country,
            created=created,
            inbound=inbound,
            was_lead=self._happens(0.1 if known else 0.5),
            source=self._choose(dict(zip(SOURCES, (40, 20, 15, 10, 15), strict=True)))
            if inbound
            else None,
            expected=0.0,
            need=need,
            deadline=planned.date(),
        )
        if lead.source == "Referral":
            before = [c for c in self.customers if c.purchases and c.purchases[0] < created]
            lead.referrer = self.random.choice(before) if before else None
        if lead.was_lead:
            share = self.random.uniform(0.1, 0.45)
            converted = self._in_working_time(created + (planned - created) * share)
            lead.converted = converted if converted < min(planned, self.now) else None
            if planned < self.now and not lead.converted:
                lead.was_lead = False
        self.leads.append(lead)
        return lead

    def _quote(self, lead, customer, seller, moment, lines, won):
        """Add the quotation of an opportunity, which may become an order; returns its amount."""
        span = moment - lead.created
        sent = self._in_working_time(lead.created + span * self.random.uniform(0.45, 0.85))
        begin = lead.converted or lead.created
        sent = min(max(sent, begin + timedelta(minutes=20)), moment - timedelta(minutes=40))
        sent = max(sent, begin + (moment - begin) / 2 if sent < begin else sent)
        over = moment < self.now
        order = Order(
            customer=customer,
            seller=seller,
            created=max(begin, sent - timedelta(minutes=15)),
            sent=sent,
            confirmed=moment if won else None,
            state=("sale" if won else "cancel") if over else "sent",
            lines=lines,
            lead=lead.index,
        )
        if not over:
            order.confirmed = None
            if sent >= self.now:
                order.sent, order.state = None, "draft"
                order.created = self.now - timedelta(hours=self.random.uniform(2, 60))
                if order.created <= lead.created or lead.kind == "lead" or self._happens(0.5):
                    return order.amount
        if order.created < self.now:
            self.orders.append(order)
        return order.amount

    def _work(self, lead, moment, outcome):
        """Outcome and conversation of a lead that is closed at ``moment``, if that is past."""
        over = moment < self.now
        if over:
            lead.closed, lead.outcome = moment, outcome
            if outcome == "lost":
                lead.reason = "Duplicate" if self._happens(0.03) else self._choose(LOST_REASONS)
        progress = (self.now - lead.created) / max(moment - lead.created, timedelta(hours=1))
        lead.stage = 2 if over or progress > 0.6 else 1 if progress > 0.25 or lead.converted else 0
        if not over and lead.kind == "opportunity" and self._happens(0.65):
            lead.plans = self._choose({"call": 5, "meeting": 2, "mail": 3})
            lead.plan_days = self.random.randint(-3, 12)
        silent = lead.reason == "No answer" or (not over and self._happens(0.15))
        self._converse(lead, min(moment, self.now), silent)

    def _converse(self, lead, end, silent=False):
        random, answers = self.random, 0.0 if silent else 0.5 if lead.outcome == "won" else 0.34
        need = lead.need
        moment = lead.created
        if lead.inbound:
            text = random.choice(QUESTIONS).format(need=need)
            if lead.source == "Website":
                lead.request = text
            else:
                lead.messages.append(Message(lead.created, "request", None, text))
        seller = lead.seller
        if seller is None or (lead.inbound and self._happens(0.06)):
            return  # never answered
        hours = SELLERS[seller].hours * random.lognormvariate(0, 0.9)
        if not lead.inbound:
            hours = random.uniform(0.1, 20)
        moment = self._in_working_time(moment + timedelta(hours=hours))
        attempts = 6 if silent else random.randint(2, 5) + (lead.outcome == "won")
        step = max((end - moment) / (attempts + 1), timedelta(hours=3))
        replied = False
        for attempt in range(attempts):
            if moment >= end:
                break
            kind = self._choose({"mail": 62, "call": 30, "meeting": 12 if replied else 0})
            text = random.choice(CALL_NOTES if kind == "call" else OFFERS).format(need=need)
            if kind == "meeting":
                text = f"Visited the customer about the {need}."
            lead.messages.append(Message(moment, kind, seller, text))
            if kind != "meeting" and self._happens(answers):
                reply = moment + timedelta(hours=random.lognormvariate(2.6, 0.9))
                if reply < end:
                    replied = True
                    lead.messages.append(Message(reply, "in", None, random.choice(REPLIES)))
            moment += step * random.uniform(0.6, 1.3)
            if attempt == 0 and random.random() < 0.1:
                moment += timedelta(minutes=10)
            moment = self._in_working_time(moment)

    def _add_lost(self):
        """Add the lost opportunities of a salesperson around the time of each won one."""
        for lead in [lead for lead in self.leads if lead.customer]:
            seller = lead.seller
            win = SELLERS[seller].win if seller is not None else 0.2
            # A geometric distribution: its mean gives the win rate of the salesperson.
            while self._happens(1 - win):
                created = self._at_work(lead.created + timedelta(days=self.random.uniform(-25, 25)))
                if not self.first_lead < created < self.now - timedelta(hours=3):
                    continue
                owner = self.seller_at(lead.customer.seller, created)
                if owner is not None and SELLERS[owner].joined < (self.now - created).days / 30.4:
                    continue
                cycle = self._cycle(owner, lead.team) * 1.15
                end = self._at_work(created + timedelta(days=cycle))
                if end <= created:
                    end = created + timedelta(hours=6)
                met = [c for c in self.customers if c.size == lead.team and c.since < created]
                known = bool(met) and self._happens(0.35)
                other = self._lead(
                    lead.team, owner, created, end, self.random.choice(met) if known else None
                )
                prospect = Customer(
                    -1, other.company or other.contact, bool(other.company), other.country, "",
                    None, lead.team, 0, (), other.contact, other.email, created,
                )  # fmt: skip
                lines = self._basket(prospect, owner)
                amount = sum(quantity * price for _n, quantity, price, _d in lines)
                other.expected = round(amount, -1)
                if other.customer and other.kind == "opportunity" and self._happens(0.55):
                    self._quote(other, other.customer, owner, end, lines, won=False)
                self._work(other, end, "lost")

    def _add_unqualified(self):
        """Add leads that never become an opportunity."""
        day = self.first_lead
        while day < self.now - timedelta(days=1):
            day += timedelta(days=self.random.expovariate(0.95 * self._season(day)))
            created = self._at_work(day)
            if created > self.now - timedelta(hours=3):
                break
            team = self._choose({0: 15, 1: 35, 2: 50})
            owners = [
                index
                for index, seller in enumerate(SELLERS)
                if seller.team == team and seller.joined > (self.now - created).days / 30.4 + 1
            ]
            owner = self.seller_at(self.random.choice(owners), created)
            if self._happens(0.05):
                owner = None
            lead = self._lead(team, owner, created, self.now + timedelta(days=400))
            lead.was_lead, lead.converted, lead.deadline = True, None, None
            end = created + timedelta(days=self.random.uniform(3, 60))
            self._work(lead, end, "lost")
            lead.stage, lead.plans = 0, None
            if lead.outcome == "lost" and self._happens(0.15):
                lead.reason = "Duplicate"
