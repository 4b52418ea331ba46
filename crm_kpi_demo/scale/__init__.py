# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Generates a large database by SQL, to measure speed.

Three years of leads, orders and tickets with their messages, of customers in industries, countries
and tags, and of salespeople in teams, all in the first company. The records have no stamps and no
derived facts: they are read like records that are older than the installation. All values follow
from the number of a record, so two runs on the same day give the same data::

    ./run scale big --leads 200000 --orders 200000

Amounts, customers and salespeople are skewed: few large ones, many small ones. Business grows, and
has a season and working days.
"""

from .generate import BusinessDataError, Size, business_data, generate, queue_history

__all__ = ["BusinessDataError", "Size", "business_data", "generate", "queue_history"]
