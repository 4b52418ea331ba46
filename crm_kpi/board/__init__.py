# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a board shows: plain classes over the reader's environment, which return JSON.

Nothing is computed here but texts, places on a bar and shares: values, goals and statuses are
those that the refresh stored, so that a board says what the lists and the workbook say. All is
read under the reader's own rights; each ``sudo()`` says what for.

A :class:`~.look.Look` is made of filters; the others show one aspect of what it selects.
"""
