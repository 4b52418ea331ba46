# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The memory of the pipeline: leads and opportunities as they were at any moment.

Odoo overwrites stages, amounts and expected closings. Each state of a lead is a row of
``crm.kpi.lead.state``, from one change of a remembered field to the next.

* ``states``: what is remembered, and the statements that write it at each change.
* ``history``: the states from before the installation, from the tracking of Odoo.
* ``life``: times in stages, pushes and amounts of one lead, from its states.
* ``words``: a change from one state to the next in words.
"""
