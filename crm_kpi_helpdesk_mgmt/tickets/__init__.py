# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What happens to tickets: functions that build SQL and values, without models.

* :mod:`.stamps`: the declared stamps, also after a changed setting of a stage
* :mod:`.changes`: counters and durations that follow from a change
* :mod:`.past`: stamps of the time before the installation
* :mod:`.states`: the earlier states of tickets, for the backlogs of the past
* :mod:`.facts`: solution, re-opening, effort and first contact resolution
* :mod:`.repeats`: tickets that repeat an earlier one
* :mod:`.credit`: user and team that a ticket counts for
"""
