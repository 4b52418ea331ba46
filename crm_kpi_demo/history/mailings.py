# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Generated mailings to the customers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .catalog import MONTHS_OF_LEADS
from .timeline import Timeline

#: Days between two newsletters, and between two campaigns.
NEWSLETTER_DAYS = 14
CAMPAIGN_DAYS = 45
NEWS = (
    "New in our showroom",
    "Five ideas for quiet offices",
    "Customer story: a move in one weekend",
    "How much desk does a team need?",
    "Chairs: what the test says",
)
#: Name, login of the sender, share of replies and clicks.
CAMPAIGNS = (
    ("Sit-stand desks at last year's price", "daniel.kowalski", 0.12),
    ("Phone booths for open offices", "hanna.virtanen", 0.09),
    ("Care plan for your furniture", "chloe.martin", 0.05),
    ("Trade in your old chairs", "priya.raman", 0.15),
)
#: Customers whose address does not exist any more: all mails bounce.
DEAD = (7, 31)
BOUNCES_TO_BLOCK = 6


@dataclass
class Piece:
    """One mail of a mailing; ``customer`` is the index of the customer."""

    customer: int
    status: str
    sent: datetime
    opened: datetime | None = None
    clicked: datetime | None = None
    replied: datetime | None = None


@dataclass
class Mailing:
    subject: str
    sender: str | None  # login; None: marketing
    campaign: str | None
    sent: datetime
    pieces: list = field(default_factory=list)


class Mailings(Timeline):
    """Generated at construction: ``mailings`` in the order of time, and the opt-outs.

    ``left``: customers who left the newsletter, to (moment, moment of the return or None);
    ``blocked``: customers on the blocklist, to (moment, whether for bounces).
    """

    def __init__(self, now, zone, customers, seed=53):
        """
        :param customers: moments from which each customer is known, by index
        """
        super().__init__(now, zone, seed)
        self.mailings, self.left, self.blocked, self.bounces = [], {}, {}, {}
        moments = []
        days = 30.4 * (MONTHS_OF_LEADS - 1)
        for number in range(int(days / NEWSLETTER_DAYS)):
            ago = days - number * NEWSLETTER_DAYS
            subject = f"{NEWS[number % len(NEWS)]} ({number + 1})"
            moments.append((self._at_work(self._ago(ago)), subject, None, 0.05))
        for number in range(int(days / CAMPAIGN_DAYS)):
            ago = days - 10 - number * CAMPAIGN_DAYS
            name, sender, response = CAMPAIGNS[number % len(CAMPAIGNS)]
            moments.append((self._at_work(self._ago(ago)), name, sender, response))
        for moment, subject, sender, response in sorted(moments):
            if moment < self.now - timedelta(hours=2):
                mailing = Mailing(subject, sender, subject if sender else None, moment)
                self.mailings.append(mailing)
                self._send(mailing, customers, response)

    def _send(self, mailing, customers, response):
        for customer, since in enumerate(customers):
            if since > mailing.sent or (mailing.sender and not self._happens(0.6)):
                continue
            piece = Piece(customer, "sent", mailing.sent + timedelta(seconds=customer))
            mailing.pieces.append(piece)
            self._deliver(mailing, piece, response)

    def _deliver(self, mailing, piece, response):
        random, customer = self.random, piece.customer
        if self._is_opted_out(customer, mailing):
            piece.status = "cancel"
        elif customer in DEAD or self._happens(0.008):
            piece.status = "bounce"
            self.bounces.setdefault(customer, []).append(piece.sent)
            if customer in DEAD and len(self.bounces[customer]) >= BOUNCES_TO_BLOCK:
                self.blocked[customer] = (piece.sent + timedelta(minutes=1), True)
        elif self._happens(0.003):
            piece.status = "error"
        else:
            if self._happens(0.02):  # a link scanner
                piece.clicked = piece.sent + timedelta(seconds=random.randint(1, 6))
            if self._happens(0.38):
                piece.status = "open"
                piece.opened = self._later(piece)
                if self._happens(min(response / 0.38, 1)):
                    if self._happens(0.35):
                        piece.status, piece.replied = "reply", self._later(piece)
                    else:
                        piece.clicked = piece.opened + timedelta(minutes=random.randint(1, 20))
            self._opt_out(mailing, piece)
            for name in ("opened", "clicked", "replied"):
                if (moment := getattr(piece, name)) and moment >= self.now:
                    setattr(piece, name, None)
                    piece.status = "sent"

    def _later(self, piece):
        return piece.sent + timedelta(hours=self.random.lognormvariate(1.5, 1.2))

    def _is_opted_out(self, customer, mailing):
        blocked = self.blocked.get(customer)
        left = None if mailing.sender else self.left.get(customer)
        return (blocked and blocked[0] < mailing.sent) or (
            left and left[0] < mailing.sent and not (left[1] and left[1] < mailing.sent)
        )

    def _opt_out(self, mailing, piece):
        moment = self._later(piece)
        if moment >= self.now:
            return
        if mailing.sender is None:
            if piece.customer not in self.left and self._happens(0.004):
                back = moment + timedelta(days=self.random.randint(3, 60))
                returns = self._happens(0.25) and back < self.now
                self.left[piece.customer] = (moment, back if returns else None)
        elif piece.customer not in self.blocked and self._happens(0.008):
            self.blocked[piece.customer] = (moment, False)
