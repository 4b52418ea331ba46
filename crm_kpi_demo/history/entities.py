# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a generated sales history consists of."""

from dataclasses import dataclass, field
from datetime import date, datetime


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
