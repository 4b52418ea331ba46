# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The order in which the records are written, and the check before it."""

import json
from dataclasses import asdict, dataclass
from unittest.mock import patch

from odoo.addons.crm_kpi import hooks
from odoo.addons.crm_kpi.refresh import backfill

from .customers import Customers
from .leads import Leads
from .orders import Orders
from .people import People
from .rows import without_indexes
from .tickets import Tickets

#: Parameter of a generated database: its :class:`Size`.
PARAMETER = "crm_kpi_demo.scale"
#: Models whose records are the business of a company.
BUSINESS = ("crm.lead", "sale.order", "account.move", "helpdesk.ticket")


class BusinessDataError(Exception):
    """The database holds business data that was not generated here."""


@dataclass(frozen=True)
class Size:
    """Numbers of records."""

    leads: int = 1_000_000
    orders: int = 1_000_000
    tickets: int = 0
    reps: int = 500
    customers: int = 50_000


def generate(env, leads=1_000_000, orders=1_000_000, tickets=0, reps=500, customers=50_000):
    """Insert the records.

    :return: ids of the salespeople
    :raise BusinessDataError: the database is in use
    """
    if found := business_data(env):
        counts = ", ".join(f"{count:,} × {name}" for name, count in found.items())
        raise BusinessDataError(f"the database holds business data ({counts})")
    size = Size(leads, orders, tickets, reps, customers)
    company = env.ref("base.main_company")
    people = People(env, company, size.reps)
    products = Orders.create_products(env)
    # The foreign keys are correct; checking them would take most of the time.
    env.cr.execute("SET LOCAL session_replication_role = replica")
    with without_indexes(env, "mail_message", "mail_tracking_value"):
        buyers = Customers(env, size.customers).insert()
        won = Leads(env, company, people, buyers).insert(size.leads)
        Orders(env, company, people, buyers, products).insert(size.orders, won)
        if size.tickets:
            Tickets(env, company, people, buyers).insert(size.tickets)
    env.cr.execute("ANALYZE mail_message, mail_tracking_value")
    env.cr.execute("SET LOCAL session_replication_role = origin")
    env["ir.config_parameter"].set_param(PARAMETER, json.dumps(asdict(size)))
    env.invalidate_all()
    return people.users.ids


def business_data(env):
    """Records of a business: dict of the name of a model to their number."""
    models = [env[name] for name in BUSINESS if name in env]
    counts = {
        model._description: model.with_context(active_test=False).search_count([])
        for model in models
    }
    return {name: count for name, count in counts.items() if count}


def queue_history(env):
    """Queue the back-fill as the installation on a database with history does, without running it."""
    installations = [hooks.post_init_hook]
    if "helpdesk.ticket" in env:
        from odoo.addons.crm_kpi_helpdesk_mgmt.hooks import post_init_hook

        installations.append(post_init_hook)
    # also a short history is read later, so that reading it can be measured
    with patch.object(backfill, "AT_ONCE", -1):
        for install in installations:
            install(env)
