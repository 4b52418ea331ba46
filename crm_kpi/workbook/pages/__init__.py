# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sheets of plain tables, one module for each: a function of the reader that returns a Page."""

from .audit import audit_page
from .definitions import definitions_page
from .goals import goals_page
from .leaderboard import leaderboard_page
from .records import records_page
from .scorecard import scorecard_page
from .values import values_page
