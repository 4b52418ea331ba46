# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mail addresses as keys."""

from odoo.tools import SQL

#: PostgreSQL expression of the bare address in a column. A constant, because an index has to
#: repeat the expression of the query literally.
BARE_ADDRESS = "lower(substring({column} from '[^<>[:space:]]+@[^<>[:space:]]+'))"


def bare_address(column):
    """The address in a mail field without a name, in lower case; NULL when there is none.

    :param SQL column: the column, for example of ``Jo <Jo@Example.com>``
    """
    before, after = BARE_ADDRESS.split("{column}")
    return SQL("%s%s%s", SQL(before), column, SQL(after))
