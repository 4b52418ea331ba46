# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Facts of leads and orders, as SQL over sets of records.

* ``leads``: the stamps of a lead (won, lost, opportunity) and their back-fill
* ``deals``: amounts of won leads, quotations of one deal
* ``prospecting``: replies, meetings, next steps, stalled and duplicate leads
* ``orders``: the stamps of an order (sent, confirmed) and their back-fill
* ``order_facts``: margin, discount, items, samples of an order
* ``order_history``: an order's place among the customer's orders: first, repeat, cross-sell,
  upsell

Each builder returns SQL and its docstring names the columns. The models execute it.
"""
