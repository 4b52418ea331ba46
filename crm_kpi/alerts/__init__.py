# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Alerts: rules that tell users when a KPI or a goal needs them.

* ``cells``: whose values a rule watches, and who hears of them
* ``conditions``: the verdict about the facts of one cell
* ``observe``: the facts of all cells of all rules, with a constant number of statements
* ``run``: brings the cases of all rules up to date after a finished refresh
* ``deliver``: sends due messages, with the rights of each recipient
* ``words``: texts
* ``rehearsal``: what a rule would have told over the last twelve months

The state machine and the rules of quiet hours are in ``engine.alert_state``.
"""
