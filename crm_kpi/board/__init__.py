# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a board shows: plain classes that read with the environment of the reader.

These classes compute only texts, shares and positions on a bar. Values, goals and statuses are
the ones that the refresh stored, so that a board, the lists and the workbook show the same.
Everything is read with the rights of the reader; each ``sudo()`` says why it is safe.

A :class:`~.context.BoardContext` is made from :class:`~.filters.Filters`; each other module
shows one aspect of the values that it selects. Results are dataclasses; the model turns them
into dicts where they leave the server.
"""
