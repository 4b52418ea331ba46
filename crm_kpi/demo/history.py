# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An invented history of an office furniture dealer, as plain data.

Everything follows from a seed and from the present moment: the same moment gives the same
history. Nothing here knows of the database; ``crm.kpi.demo`` writes it there.

What makes it plausible is that one thing follows from another. Customers buy in a rhythm of
their own (some stop, some return); most purchases come out of an opportunity that was worked
on before; for every won one a seller loses others, the weak seller more; what would be bought
in the coming weeks is today's open pipeline; conversations follow the fate of the deal.
"""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

#: Leads are remembered so long; goals and charts show the last eighteen months.
MONTHS_OF_LEADS = 20
#: Orders go back further, so that retention is known for the whole time shown.
MONTHS_OF_ORDERS = 32
CUSTOMERS = 200


def _words(text):
    return text.split()


TEAMS = ("Key Accounts", "Mid-Market", "Small Business")


@dataclass(frozen=True)
class Seller:
    """How good somebody is: ``win`` is the share of won deals, ``hours`` the usual time to a
    first answer, ``pace`` stretches sales cycles, ``rebate`` the discounts given away."""

    login: str
    name: str
    team: int
    win: float
    hours: float
    pace: float = 1.0
    rebate: float = 0.3
    joined: int = 99  # months ago
    left: int = 0  # months ago; 0: still here


SELLERS = (
    Seller("rep", "Nora Lindqvist", 1, 0.46, 0.9, 0.9, 0.2),
    Seller("daniel.kowalski", "Daniel Kowalski", 0, 0.52, 0.6, 0.85, 0.15),
    Seller("priya.raman", "Priya Raman", 0, 0.44, 1.2, 1.0, 0.3),
    Seller("tom.hendricks", "Tom Hendricks", 0, 0.30, 5.5, 1.35, 0.6),
    Seller("amelia.castillo", "Amelia Castillo", 0, 0.38, 2.2, 1.1, 0.35),
    Seller("jonas.weber", "Jonas Weber", 1, 0.34, 3.0, 1.1, 0.4),
    Seller("chloe.martin", "Chloe Martin", 1, 0.40, 0.5, 0.95, 0.3),
    Seller("samuel.osei", "Samuel Osei", 1, 0.27, 7.0, 1.3, 0.7),
    Seller("hanna.virtanen", "Hanna Virtanen", 2, 0.50, 0.4, 0.8, 0.2),
    Seller("luca.bianchi", "Luca Bianchi", 2, 0.36, 1.8, 1.0, 0.5),
    Seller("grace.nakamura", "Grace Nakamura", 2, 0.41, 1.0, 0.95, 0.3, joined=5),
    Seller("yusuf.demir", "Yusuf Demir", 2, 0.33, 4.0, 1.2, 0.4),
    Seller("oliver.brandt", "Oliver Brandt", 2, 0.31, 6.0, 1.2, 0.5, left=5),
)
#: Grace took over the customers of Oliver.
SUCCESSOR = {12: 10}

INDUSTRIES = {  # name of the record in the module base: words for company names
    "C": ("Works", "Industries", "Components", "Fabrication"),
    "F": ("Construction", "Builders", "Engineering"),
    "G": ("Trading", "Stores", "Supply", "Outfitters"),
    "J": ("Software", "Systems", "Networks", "Labs"),
    "K": ("Capital", "Insurance", "Partners"),
    "P": ("Academy", "College"),
    "Q": ("Clinics", "Health", "Care"),
}
COUNTRIES = {"us": 34, "de": 16, "gb": 14, "fr": 10, "nl": 8, "ca": 8, "es": 6, "br": 4}
CITIES = {
    "us": ("Chicago", "Denver", "Portland", "Austin", "Boston"),
    "de": ("Hamburg", "Leipzig", "Köln"),
    "gb": ("Leeds", "Bristol", "Glasgow"),
    "fr": ("Lyon", "Nantes", "Lille"),
    "nl": ("Utrecht", "Eindhoven"),
    "ca": ("Toronto", "Calgary"),
    "es": ("Valencia", "Bilbao"),
    "br": ("Curitiba", "Recife"),
}
STEMS = _words(
    "Alder Amber Anchor Apex Arbor Aspen Atlas Avon Beacon Birch Bluebird Borealis Bright Bridge "
    "Cascade Cedar Citadel Clover Cobalt Compass Copper Coral Crescent Crown Delta Eastgate Ember "
    "Falcon Fern Fjord Garnet Glacier Granite Harbor Hazel Heron Highland Hollow Horizon Indigo "
    "Iris Ivory Jasper Juniper Keystone Lakeside Lantern Laurel Linden Lumen Maple Meridian "
    "Midland Mosaic Northgate Nova Oakwood Onyx Opal Orchard Orion Osprey Pallas Pinewood Polar "
    "Prairie Quarry Quill Raven Ridge River Rowan Saffron Sage Sequoia Silver Solstice Sparrow "
    "Summit Sycamore Terra Thistle Timber Topaz Trident Umber Valley Vector Verdant Vertex Vista "
    "Walnut Westbrook Willow Windmill Yarrow Zenith Zephyr"
)
FIRST_NAMES = _words(
    "Aisha Alan Alice Andrei Anna Antonio Beatriz Ben Bruno Camille Carla Charles Clara Diana "
    "Diego Eleanor Elif Emil Emma Erik Fatima Felix Fiona Gabriel Giulia Hannah Henry Hugo Ingrid "
    "Isaac Isabel Ivan Jack Jana Javier Julia Karim Kate Laura Leo Lena Lucas Lucia Maja Marc "
    "Maria Marta Martin Maya Miguel Mila Nadia Nils Oscar Paula Peter Philip Rosa Ruben Sara Sean "
    "Simon Sofia Stefan Teresa Theo Tim Vera Victor Yara Zoe"
)
LAST_NAMES = _words(
    "Abbott Adler Almeida Andersen Bakker Barnes Becker Bennett Berger Blanc Boyd Brooks Campos "
    "Carter Chavez Clarke Cole Costa Cruz Dawson Diaz Dubois Eriksen Evans Fischer Fontaine Ford "
    "Foster Garcia Gomez Grant Greene Hansen Harper Hayes Hoffman Hughes Jansen Jensen Keller Kim "
    "King Klein Lambert Lang Larsen Lopez Marsh Martins Meyer Moore Moreau Morgan Nash Neves Novak "
    "Olsen Ortega Owens Palmer Park Perez Petit Porter Ramos Reed Reyes Ricci Rossi Roy Santos "
    "Sato Schmidt Silva Simon Stone Torres Vega Visser Vogel Walsh Ward Weiss West Wolf Wright"
)

#: Category: products from plain to fine, (name, price).
PRODUCTS = {
    "Desks": (("Desk Basic", 290), ("Desk Motion", 640), ("Desk Motion Pro", 1250)),
    "Chairs": (("Chair Task", 120), ("Chair Ergo", 310), ("Chair Executive", 690)),
    "Storage": (("Cabinet Low", 90), ("Cabinet Tall", 220), ("Cabinet Secure", 480)),
    "Lighting": (("Lamp Clip", 45), ("Lamp Arc", 110), ("Lamp Panel", 260)),
    "Acoustics": (("Screen Desk", 75), ("Screen Floor", 240), ("Phone Booth", 3900)),
    "Services": (("Assembly", 180), ("Space Planning", 950), ("Care Plan", 1600)),
}
FAVOURITES = {
    "Desks": 30,
    "Chairs": 30,
    "Storage": 18,
    "Lighting": 10,
    "Acoustics": 6,
    "Services": 6,
}
#: Demand by month, January first.
SEASON = (0.90, 0.95, 1.15, 1.05, 1.05, 1.10, 0.80, 0.60, 1.20, 1.20, 1.15, 0.80)

SOURCES = ("Website", "Search engine", "Newsletter", "Trade fair", "Referral")
LOST_REASONS = (
    ("Chose a competitor", 30),
    ("Too expensive", 25),
    ("No budget this year", 20),
    ("No answer", 15),
    ("Project cancelled", 10),
)
NEEDS = (
    "new office floor",
    "meeting rooms",
    "reception area",
    "home office programme",
    "open-plan refit",
    "training room",
    "quiet zone",
    "branch opening",
    "workshop desks",
    "ergonomic chairs",
)
QUESTIONS = (
    "Hello, we are planning a {need}. What can you offer? Could somebody call us?",
    "Good morning, please send us your price list for the {need}.",
    "We saw your products at a partner's. How fast could you deliver for a {need}?",
)
OFFERS = (
    "Thank you for your interest. I have a first idea for the {need}: when may I call you?",
    "Following up on the {need}: do you have ten minutes this week?",
    "Here are the options for the {need} we spoke about. The second one fits your budget best.",
    "I wanted to ask whether you have had the time to look at our proposal for the {need}.",
    "A short reminder about the {need}; I can hold the price until the end of the month.",
)
REPLIES = (
    "Thanks, this looks good. We will discuss it on Thursday.",
    "Could you add an option with the lighting?",
    "We need a little more time, please call again next week.",
    "The price is higher than we thought. Is there room for a better offer?",
)
CALL_NOTES = ("Left a message.", "Spoke to the assistant.", "Went through the open questions.")


@dataclass
class Customer:
    index: int
    name: str
    is_company: bool
    country: str
    city: str
    industry: str | None
    size: int  # 0 large, 1 medium, 2 small: also the team
    seller: int
    tags: tuple
    contact: str
    email: str
    since: datetime
    purchases: list = field(default_factory=list)
    known: dict = field(default_factory=dict)  # category: tier bought so far


@dataclass
class Message:
    date: datetime
    kind: str  # mail, call, meeting, in, request (the mail that created the record)
    author: int | None  # seller; None: the customer
    body: str


@dataclass
class Order:
    customer: Customer
    seller: int | None
    created: datetime
    sent: datetime | None
    confirmed: datetime | None
    state: str  # draft, sent, sale, cancel
    lines: list  # (product name, quantity, price, discount)
    lead: int | None = None
    index: int = 0

    @property
    def amount(self):
        return sum(
            round(quantity * price * (1 - discount / 100), 2)
            for _name, quantity, price, discount in self.lines
        )


@dataclass
class Lead:
    index: int
    name: str
    seller: int | None
    team: int
    customer: Customer | None
    company: str
    contact: str
    email: str
    country: str
    created: datetime
    inbound: bool
    was_lead: bool
    source: str | None
    expected: float
    converted: datetime | None = None
    closed: datetime | None = None
    outcome: str = "open"  # open, won, lost
    reason: str | None = None
    stage: int = 0  # 0 new, 1 qualified, 2 proposition
    deadline: date | None = None
    referrer: Customer | None = None
    messages: list = field(default_factory=list)
    need: str = ""
    request: str = ""  # text of a web form
    plans: str | None = None  # next planned activity
    plan_days: int = 0

    @property
    def kind(self):
        return "lead" if self.was_lead and not self.converted else "opportunity"


class Story:
    """What every invention needs: a present moment, working hours and chance."""

    def __init__(self, now, zone, seed):
        """
        :param datetime now: present moment, naive UTC; nothing happens after it
        :param zone: time zone in which people work
        """
        self.now = now.replace(microsecond=0)
        self.zone = zone
        self.random = random.Random(seed)  # noqa: S311  (a story, no secret)

    def _ago(self, days):
        return self.now - timedelta(days=days)

    def _at_work(self, moment):
        """The same day (or Monday after a weekend) at a random minute of the working day."""
        local = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        local += timedelta(days={5: 2, 6: 1}.get(local.weekday(), 0))
        minute = self.random.randint(8 * 60 + 20, 17 * 60 + 40)
        local = local.replace(
            hour=minute // 60, minute=minute % 60, second=self.random.randint(0, 59), microsecond=0
        )
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def _in_working_time(self, moment):
        """The moment itself, or the next morning when it falls outside working hours."""
        local = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        if local.hour >= 18:
            local += timedelta(days=1)
        if local.hour < 8 or local.hour >= 18:
            local = local.replace(hour=8, minute=self.random.randint(5, 59))
        local += timedelta(days={5: 2, 6: 1}.get(local.weekday(), 0))
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def _choose(self, weights):
        """A key of a dict (or first item of pairs) with a probability by its weight."""
        pairs = list(weights.items() if isinstance(weights, dict) else weights)
        return self.random.choices([key for key, _w in pairs], [weight for _k, weight in pairs])[0]

    def _happens(self, share):
        return self.random.random() < share


class History(Story):
    """Makes up the whole story at construction: ``customers``, ``leads`` and ``orders``."""

    def __init__(self, now, zone, seed=19):
        super().__init__(now, zone, seed)
        self.customers, self.leads, self.orders = [], [], []
        self.first_order = self.now - timedelta(days=30.4 * MONTHS_OF_ORDERS)
        self.first_lead = self.now - timedelta(days=30.4 * MONTHS_OF_LEADS)
        self._meet_customers()
        for customer in self.customers:
            self._live(customer)
        self._lose()
        self._chat_only()
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
            if attempt > 5:  # the short names are used up
                stem = f"{self.random.choice(LAST_NAMES)} & {stem}"
            name = f"{stem} {self.random.choice(INDUSTRIES[industry])}"
            if name not in self._names:
                break
        self._names.add(name)
        return name

    def _address(self, person, company):
        """An e-mail address nobody can have."""

        def plain(text):
            return "".join(c for c in text.lower() if (c.isascii() and c.isalnum()) or c == ".")

        domain = plain(company) or "home"
        while True:
            suffix = self._mails.get((person, domain), 0)
            self._mails[person, domain] = suffix + 1
            return f"{plain(person.replace(' ', '.'))}{suffix or ''}@{domain}.example.com"

    def _meet_customers(self):
        self._names, self._mails = set(), {}
        # newcomers have no old customers
        sellers = [
            [i for i, s in enumerate(SELLERS) if s.team == team and s.joined > 50]
            for team in range(3)
        ]
        for index in range(CUSTOMERS):
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

    def _seller_at(self, index, moment):
        """Who looks after a customer at a moment; nobody for two weeks after somebody left."""
        seller = SELLERS[index]
        if seller.left:
            gone = self._ago(seller.left * 30.4)
            if moment >= gone:
                return SUCCESSOR[index] if moment >= gone + timedelta(days=14) else None
        return index

    # ------------------------------------------------------------------
    # buying
    # ------------------------------------------------------------------
    def _live(self, customer):
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
        # the lapsed stopped a year ago or more; some were won back since
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
        """In every month some customer returns who was lost, not without a rebate."""
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
                seller = self._seller_at(customer.seller, moment)
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
        """Lines of a purchase; what the customer knows grows with it."""
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
                # now and then something finer
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
        seller = self._seller_at(customer.seller, moment)
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
        """Quotation of an opportunity, and the order it becomes; returns its amount."""
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
        """Fate and conversation of a lead that ends at ``moment``, if that is past."""
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
        self._talk(lead, min(moment, self.now), silent)

    def _talk(self, lead, end, silent=False):
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
            return  # nobody ever answered
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

    def _lose(self):
        """For each won deal the others a seller had at that time and did not win."""
        for lead in [lead for lead in self.leads if lead.customer]:
            seller = lead.seller
            win = SELLERS[seller].win if seller is not None else 0.2
            # the mean of a geometric distribution, so that the share won is the seller's
            while self._happens(1 - win):
                created = self._at_work(lead.created + timedelta(days=self.random.uniform(-25, 25)))
                if not self.first_lead < created < self.now - timedelta(hours=3):
                    continue
                owner = self._seller_at(lead.customer.seller, created)
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

    def _chat_only(self):
        """Enquiries that never become an opportunity."""
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
            owner = self._seller_at(self.random.choice(owners), created)
            if self._happens(0.05):
                owner = None
            lead = self._lead(team, owner, created, self.now + timedelta(days=400))
            lead.was_lead, lead.converted, lead.deadline = True, None, None
            end = created + timedelta(days=self.random.uniform(3, 60))
            self._work(lead, end, "lost")
            lead.stage, lead.plans = 0, None
            if lead.outcome == "lost" and self._happens(0.15):
                lead.reason = "Duplicate"
