# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a mail tells users about the KPIs and boards that they follow.

``changes`` decides what changed, without records. ``watched`` reads what boards show the follower,
``next_records`` the records to touch, and ``news`` puts them into words.
"""
