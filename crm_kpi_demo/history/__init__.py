# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Generated histories as plain data; nothing here knows the database.

The same moment and seed give the same history.
"""
