# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who sells what to whom: the constants of the generated history."""

from dataclasses import dataclass

#: Leads go back this far; goals and charts show the last eighteen months.
MONTHS_OF_LEADS = 20
#: Orders go back further, because retention compares with the time before.
MONTHS_OF_ORDERS = 32
CUSTOMERS = 200


def _words(text):
    return text.split()


TEAMS = ("Key Accounts", "Mid-Market", "Small Business")


@dataclass(frozen=True)
class Seller:
    """A salesperson.

    ``win`` is the win rate, ``hours`` the usual time to the first response, ``pace`` a factor of
    the length of sales cycles, ``rebate`` the share of orders with a discount.
    """

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
#: Salesperson who left: salesperson who took over the customers.
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

#: Category: products from basic to premium, (name, price).
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
