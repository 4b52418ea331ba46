# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The customer of a record: who writes on the other side, even with an internal login.

In an internal help desk, the requester is an employee. On their own tickets they are the customer.
"""

from typing import NamedTuple

from odoo.tools import SQL

from .addresses import bare_address


class Customer(NamedTuple):
    """Expressions over a record: its contact, and the mail field of its customer."""

    contact: SQL
    address: SQL


def customer_columns(customer):
    """``{column: expression}`` of a record that :func:`is_customer` compares with.

    Colleagues of the contact are customers, too, unless the contact belongs to a company of the
    database: there, the colleagues are those who answer.
    """
    return {
        "customer_id": customer.contact,
        "customer_family_id": SQL(
            """(SELECT p.commercial_partner_id FROM res_partner p
                 WHERE p.id = %s AND p.commercial_partner_id NOT IN (
                       SELECT COALESCE(own.commercial_partner_id, own.id)
                         FROM res_company c JOIN res_partner own ON own.id = c.partner_id))""",
            customer.contact,
        ),
        "customer_address": bare_address(customer.address),
    }


def is_customer(partner, record):
    """Condition: a contact is the customer of a record.

    :param str partner: alias of a row of ``res_partner``
    :param str record: alias of a row with :func:`customer_columns`
    """
    return SQL(
        """COALESCE(%(partner)s.id = %(record)s.customer_id, FALSE)
        OR COALESCE(%(partner)s.commercial_partner_id = %(record)s.customer_family_id, FALSE)
        OR COALESCE(%(address)s = %(record)s.customer_address, FALSE)""",
        partner=SQL.identifier(partner),
        record=SQL.identifier(record),
        address=bare_address(SQL.identifier(partner, "email")),
    )
