# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""All stories, in the order in which they are written."""

from .accounting import AccountingStory
from .cost import CostStory
from .customer import CustomerStory
from .event import EventStory
from .goal import GoalStory
from .lead import LeadStory
from .mailing import MailingStory
from .margin import MarginStory
from .order import OrderStory
from .order_detail import OrderDetailStory
from .people import DepartureStory, PeopleStory
from .product import ProductStory
from .profile import ProfileStory
from .prospecting import ProspectingStory
from .rating import RatingStory
from .sla import SlaStory
from .survey import SurveyStory
from .ticket import TicketStory
from .ticket_survey import TicketSurveyStory
from .website_sale import WebsiteSaleStory

STORIES = (
    PeopleStory,
    ProductStory,
    CustomerStory,
    LeadStory,
    OrderStory,
    OrderDetailStory,
    CostStory,
    AccountingStory,
    ProspectingStory,
    ProfileStory,
    DepartureStory,
    GoalStory,
    # Stories of apps
    EventStory,
    TicketStory,
    MailingStory,
    MarginStory,
    SurveyStory,
    WebsiteSaleStory,
    RatingStory,
    SlaStory,
    TicketSurveyStory,
)
