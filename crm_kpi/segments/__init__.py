# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customer segments: who belongs to which segment, and since when.

=====================  =============================================================================
``expected``           which segment each customer should be in on a day, by kind of set
``size``               order sizes: bands of amounts, and the orders of twelve months
``values``             sets that make their own segments: industry, country, contact tag
``difference``         expected members compared with the stored ones, and written
``history``            order sizes and RFM classes of the past, from the orders
``changed_customers``  records whose customer changed, and the earliest day of their records
=====================  =============================================================================

The functions take a record of ``crm.kpi.segment.set`` and return :class:`odoo.tools.SQL`
objects; those that write say so. No module here imports ``models``. Who is a customer, which
orders count and with which amount is defined in ``customers/definitions.py``.
"""

#: Kinds of sets whose segments depend on the orders, hence on the company.
COMPANY_KINDS = ("size", "rfm")
#: Kinds whose first known value also holds for the past: an industry that becomes known was
#: the industry before. A tag or a filter that matches for the first time is a change, and
#: begins on its day.
BACKDATED_KINDS = ("industry", "country", "company_type", "size")
