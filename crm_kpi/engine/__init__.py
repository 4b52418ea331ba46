# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The arithmetic of KPIs: periods, formulas, cells, pace. Pure Python that names no table."""
