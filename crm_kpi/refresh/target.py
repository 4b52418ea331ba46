# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A KPI and a period whose cells are stored."""

from typing import NamedTuple


class Target(NamedTuple):
    """A KPI in a period that the storing statement writes; its fields name the columns there.

    :param version: version of the KPI's definition
    :param locked: whether differences from the stored cells are restatements
    :param redefined: whether the definition changed since the stored cells were last compared
    :param replaced: whether the stored cells are replaced although they are locked
    :param zero_when_empty: whether the value is 0, rather than empty, without records
    :param running: whether the period is running; where the KPI is ``zero_when_empty``, each
        active salesperson and team has a cell then
    """

    kpi_id: int
    period_id: int
    version: int
    locked: bool
    redefined: bool
    replaced: bool
    zero_when_empty: bool
    running: bool
