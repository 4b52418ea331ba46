# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Conversations with customers: which messages count, and what follows from them.

Functions that build SQL. They read ``mail_message`` and ``crm_kpi_interaction``, know no model
and run nothing: the models in ``models/conversation`` call them and execute the result.

* :mod:`.interactions`: messages to rows of ``crm.kpi.interaction``
* :mod:`.responses`: origin and first response of a record
* :mod:`.attempts`: attempts to reach the prospect of a lead, replies, first action
* :mod:`.working_hours`: hours between two instants by a calendar
* :mod:`.customers`: who is the customer of a record
* :mod:`.addresses`: the bare address of a mail field
"""
