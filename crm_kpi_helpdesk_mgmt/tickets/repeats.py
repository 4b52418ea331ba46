# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tickets that repeat an earlier one: the same customer came again with the same matter."""

from odoo.tools import SQL

from odoo.addons.crm_kpi.conversations.addresses import bare_address

#: A repeated ticket is created within N days after the closing of the earlier one.
REPEAT_DAYS = 7
#: Fields of a ticket that decide which earlier tickets it repeats.
FIELDS = frozenset(
    {
        "category_id",
        "commercial_partner_id",
        "company_id",
        "duplicate_id",
        "partner_email",
        "partner_id",
    }
)


def repeats(first, later):
    """Conditions under which the ticket ``later`` repeats ``first`` (table aliases).

    The same customer, or the same mail address where the customer is unknown; the same
    category (no category is a category of its own) and company; created within
    :data:`REPEAT_DAYS` after the closing; not marked as a duplicate.

    :return: two conditions, for known and for unknown customers, of which one has to hold.
        They are separate so that each can use an index.
    """
    first, later = SQL.identifier(first), SQL.identifier(later)
    common = SQL(
        """
        %(first)s.id <> %(later)s.id
        AND %(first)s.category_id IS NOT DISTINCT FROM %(later)s.category_id
        AND %(first)s.company_id IS NOT DISTINCT FROM %(later)s.company_id
        AND %(later)s.duplicate_id IS NULL
        -- the same condition twice, for an index on the one and on the other date
        AND %(later)s.create_date >= %(first)s.kpi_last_closed_date
        AND %(later)s.create_date < %(first)s.kpi_last_closed_date + %(span)s
        AND %(first)s.kpi_last_closed_date <= %(later)s.create_date
        AND %(first)s.kpi_last_closed_date > %(later)s.create_date - %(span)s
        """,
        first=first,
        later=later,
        span=SQL("%s * interval '1 day'", REPEAT_DAYS),
    )
    same_customer = SQL(
        "%s.commercial_partner_id = %s.commercial_partner_id AND %s", first, later, common
    )
    same_address = SQL(
        "%s.commercial_partner_id IS NULL AND %s = %s AND %s",
        first,
        bare_address(SQL("%s.partner_email", first)),
        bare_address(SQL("%s.partner_email", later)),
        common,
    )
    return same_customer, same_address


def repeated_tickets(ids):
    """Query of the tickets that the tickets ``ids`` repeat: ``id``."""
    return SQL(" UNION ").join(
        SQL(
            "SELECT f.id FROM helpdesk_ticket l JOIN helpdesk_ticket f ON %s WHERE l.id = ANY(%s)",
            condition,
            list(ids),
        )
        for condition in repeats("f", "l")
    )
