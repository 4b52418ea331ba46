# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rules about goals.

* ``cell``: the value that a goal is about
* ``baseline``: what an improvement is compared with
* ``earlier``: the last value and target of the same cell
* ``refresh``: value, attainment and status; the rule of the status is ``engine.pace.judge``
* ``shares``: goals of custom days, made of those of months, quarters or years
* ``labels``: texts
* ``people``: followers, and messages about targets
"""
