# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Generated tickets of the customers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .catalog import CUSTOMERS, MONTHS_OF_LEADS, SEASON
from .entities import Message
from .timeline import Timeline

#: Of all customers together.
TICKETS_PER_DAY = 2.7
TEAMS = ("Service Desk", "Technical Service")


@dataclass(frozen=True)
class Agent:
    """A helpdesk agent.

    ``hours`` is the usual time to the first response, ``thorough`` the share of tickets that need
    no second contact.
    """

    login: str
    name: str
    team: int
    hours: float
    thorough: float


AGENTS = (
    Agent("agent", "Ruth Mensah", 0, 1.2, 0.80),
    Agent("felix.novak", "Felix Novak", 0, 2.5, 0.70),
    Agent("sofia.marino", "Sofia Marino", 0, 0.8, 0.62),
    Agent("ben.carter", "Ben Carter", 0, 6.0, 0.45),
    Agent("ida.holm", "Ida Holm", 1, 3.0, 0.75),
    Agent("raj.patel", "Raj Patel", 1, 9.0, 0.55),
)

#: Category: weight, team, usual hours to the solution, subjects.
CATEGORIES = {
    "Delivery": (30, 0, 20, ("Where is our delivery?", "Wrong delivery address", "Parts missing")),
    "Invoice": (18, 0, 10, ("Invoice sent twice", "Other cost centre please", "Question on VAT")),
    "Product question": (16, 0, 6, ("Load of the tall cabinet", "Care of the desk surface")),
    "Damage": (16, 1, 60, ("Scratched table top", "Chair arrived damaged", "Lamp does not work")),
    "Assembly": (12, 1, 45, ("Desk does not move up", "Assembly appointment", "Screws missing")),
    "Return": (8, 0, 40, ("We would like to return two chairs", "Exchange of lamps")),
}
CHANNELS = {"web": 40, "email": 40, "phone": 17, "other": 3}
REQUESTS = (
    "Hello, {subject} Could you please look into it?",
    "Good morning, we have a problem: {subject}",
    "{subject} Please call us back today.",
)
ANSWERS = (
    "Thank you for your message. I have looked into it and will come back to you today.",
    "I am sorry for the trouble. A replacement is on its way.",
    "Could you send us a picture and the order number, please?",
    "This is settled now. Please tell me if anything is still open.",
)
QUESTIONS_BACK = (
    "Is there any news?",
    "Here is the picture you asked for.",
    "Thank you, but the second desk has the same problem.",
)


@dataclass
class Ticket:
    name: str
    category: str
    channel: str
    priority: str
    team: int
    customer: int | None  # index of the customer; None: only a mail address
    email: str
    agent: int | None
    created: datetime
    inbound: bool
    moves: list = field(default_factory=list)  # (date, stage); the last stage is the present one
    handovers: list = field(default_factory=list)  # (date, former agent)
    messages: list = field(default_factory=list)
    duplicate_of: int | None = None
    request: str = ""  # text of a web form


class Tickets(Timeline):
    """Generated at construction: ``tickets`` in the order of their creation."""

    def __init__(self, now, zone, customers, seed=31):
        """
        :param customers: moments from which each customer is known, by index
        """
        super().__init__(now, zone, seed)
        self.tickets = []
        moment = self.now - timedelta(days=30.4 * MONTHS_OF_LEADS)
        rate = TICKETS_PER_DAY * len(customers) / CUSTOMERS
        while True:
            moment += timedelta(days=self.random.expovariate(rate * SEASON[moment.month - 1]))
            created = self._at_work(moment) if self._happens(0.8) else moment
            if moment >= self.now - timedelta(minutes=40):
                break
            if created < self.now - timedelta(minutes=20):
                self._ticket(created, [i for i, since in enumerate(customers) if since < created])
        self.tickets.sort(key=lambda ticket: ticket.created)
        self._await()
        self._repeat()

    def _ticket(self, created, customers):
        random = self.random
        category = self._choose({name: row[0] for name, row in CATEGORIES.items()})
        _weight, team, hours, subjects = CATEGORIES[category]
        channel = self._choose(CHANNELS)
        ticket = Ticket(
            name=random.choice(subjects),
            category=category,
            channel=channel,
            priority=self._choose({"0": 15, "1": 60, "2": 20, "3": 5}),
            team=team,
            customer=random.choice(customers) if customers and self._happens(0.94) else None,
            email=f"visitor{random.randint(100, 999)}@web.example.com",
            agent=random.choice([i for i, agent in enumerate(AGENTS) if agent.team == team]),
            created=created,
            inbound=channel != "phone",
        )
        self.tickets.append(ticket)
        self._answer(ticket, hours)

    def _say(self, ticket, moment, kind, texts):
        if moment < self.now:
            author = None if kind == "in" else ticket.agent
            ticket.messages.append(Message(moment, kind, author, self.random.choice(texts)))

    def _answer(self, ticket, hours):
        random, agent = self.random, AGENTS[ticket.agent]
        if ticket.inbound:
            text = random.choice(REQUESTS).format(subject=ticket.name)
            if ticket.channel == "email":
                ticket.messages.append(Message(ticket.created, "request", None, text))
            else:
                ticket.request = text
        urgency = {"0": 1.6, "1": 1, "2": 0.7, "3": 0.4}[ticket.priority]
        first = ticket.created + timedelta(
            hours=agent.hours * urgency * random.lognormvariate(0, 0.9)
        )
        first = self._in_working_time(first)
        recent = ticket.created > self.now - timedelta(days=45)
        if first >= self.now or (recent and self._happens(0.06)):
            if self._happens(0.4):
                ticket.agent = None
            return  # new, or forgotten
        ticket.moves.append((first, "in_progress"))
        if not self._happens(0.03):  # solved without a message
            self._say(ticket, first + timedelta(minutes=2), "mail", ANSWERS)
        end = first + timedelta(hours=hours * urgency * random.lognormvariate(0, 0.8))
        if self._happens(0.04):  # some take weeks
            end += timedelta(days=random.uniform(10, 50))
        if self._happens(0.22):
            pause = first + (end - first) * random.uniform(0.1, 0.4)
            resume = pause + timedelta(hours=random.uniform(5, 70))
            end = max(end, resume + timedelta(hours=2))
            ticket.moves += [(pause, "awaiting"), (resume, "in_progress")]
            self._say(ticket, resume - timedelta(minutes=9), "in", QUESTIONS_BACK)
        elif not self._happens(agent.thorough):
            question = first + (end - first) * random.uniform(0.2, 0.8)
            self._say(ticket, question, "in", QUESTIONS_BACK)
            self._say(ticket, self._in_working_time(question + timedelta(hours=2)), "mail", ANSWERS)
        if self._happens(0.07):
            others = [i for i, a in enumerate(AGENTS) if a.team == ticket.team]
            change = first + (end - first) * 0.5
            if change < self.now:
                ticket.handovers.append((change, ticket.agent))
                ticket.agent = random.choice([i for i in others if i != ticket.agent])
        end = self._in_working_time(end)
        closing = self._choose({"done": 93, "cancelled": 5, "rejected": 2})
        ticket.moves.append((end, closing))
        if closing == "done":
            self._say(ticket, end - timedelta(minutes=1), "mail", ANSWERS[-1:])
            if self._happens(0.09 - 0.06 * agent.thorough):
                again = end + timedelta(days=random.lognormvariate(1.2, 0.8))
                self._say(ticket, again - timedelta(minutes=5), "in", QUESTIONS_BACK[2:])
                ticket.moves.append((again, "in_progress"))
                ticket.moves.append((self._in_working_time(again + timedelta(hours=hours)), "done"))
        ticket.moves = [(date, stage) for date, stage in ticket.moves if date < self.now]

    def _await(self):
        """Every third ticket in progress waits for the customer."""
        busy = [t for t in self.tickets if t.moves and t.moves[-1][1] == "in_progress"]
        for ticket in busy[::3]:
            since = ticket.moves[-1][0]
            ticket.moves.append((since + (self.now - since) / 2, "awaiting"))

    def _repeat(self):
        """Some tickets are duplicates of an earlier ticket of the customer."""
        last = {}
        for index, ticket in enumerate(self.tickets):
            if ticket.customer is None:
                continue
            before = last.get(ticket.customer)
            if before is not None and self._happens(0.05):
                ticket.duplicate_of = before
            else:
                last[ticket.customer] = index
