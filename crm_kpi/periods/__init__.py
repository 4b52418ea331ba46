# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rules about periods that need a company: working time, fiscal years, comparisons."""
