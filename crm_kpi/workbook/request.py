# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a user asks for in a workbook."""

from dataclasses import asdict, dataclass, field, fields

from ..board.context import MAX_PERIODS
from ..board.filters import Filters, read_id

#: Periods side by side unless the user chooses another number.
DEFAULT_PERIODS = 12
#: Levels below the chosen cell that a workbook can show.
DIMENSIONS = ("team", "user", "segment")
#: Layouts that hold sheets of KPIs with tables and charts.
KPI_LAYOUTS = ("category", "kpi")


@dataclass(frozen=True)
class WorkbookRequest:
    """The options of a workbook.

    :param board_id: the board whose KPIs are shown
    :param kpi_ids: show only these KPIs
    :param filters: filters of the board, see :class:`~..board.filters.Filters`
    :param period_count: number of periods side by side
    :param dimensions: any of :data:`DIMENSIONS`
    :param layout: ``category`` or ``kpi`` (one sheet for each), ``summary``, ``list`` (plain
        rows), ``goals``, ``targets`` (goals to change and import again), or ``scorecard``
    :param leaderboard, records, goals: whether the workbook has these sheets
    :param value_ids: list only these values, in the layout ``list``
    :param goal_ids: show only these goals
    :param arrangement: rows, columns and order of a scorecard, see
        :class:`~..board.scorecard.Arrangement`
    """

    board_id: int | None = None
    kpi_ids: list[int] = field(default_factory=list)
    filters: dict = field(default_factory=dict)
    period_count: int = DEFAULT_PERIODS
    dimensions: list[str] = field(default_factory=lambda: list(DIMENSIONS))
    layout: str = "category"
    leaderboard: bool = True
    records: bool = False
    goals: bool = True
    value_ids: list[int] | None = None
    goal_ids: list[int] | None = None
    arrangement: dict | None = None

    @classmethod
    def parse(cls, options):
        """Read options that were stored or sent as a dict. Unknown keys are left out, and so are
        ids that can be none."""
        names = {field.name for field in fields(cls)}
        known = {name: value for name, value in options.items() if name in names}
        for name in ("kpi_ids", "value_ids", "goal_ids"):
            if known.get(name) is not None:
                values = known[name] if isinstance(known[name], list) else []
                known[name] = [id_ for id_ in map(read_id, values) if id_]
        return cls(**known)

    def to_dict(self):
        return asdict(self)

    @property
    def board_filters(self):
        return Filters.parse(self.filters)

    @property
    def periods_shown(self):
        """The number of periods within the limits of a sheet."""
        return min(max(int(self.period_count or DEFAULT_PERIODS), 1), MAX_PERIODS)

    @property
    def is_streamed(self):
        """Whether rows are written as they are read, because there can be millions."""
        return self.layout == "list" and self.value_ids is None
