# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stamps: the date of an event and its owner at that moment, declared once per event.

* ``stamp``: :class:`Stamp`, the declaration, and what is stamped while the addon is installed.
* ``history``: the SQL that fills in the stamps of older records.
* ``tracking``: what Odoo's tracking values say about the past.
* ``elapsed``: days between two events, in Python and in SQL.
* ``columns``: the columns that are created before the installation.

The write protection is in ``crm.kpi.fact.mixin``, which reads the stamps of its model from
``_kpi_stamps``.
"""

from .columns import create_columns, stored_columns
from .elapsed import TOLERANCE, elapsed_days, elapsed_days_sql
from .history import fill_stamps, stamp_query
from .stamp import Stamp, domain_sql
from .tracking import tracked_changes
