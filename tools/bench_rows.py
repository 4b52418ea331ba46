# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the table of ``./run bench`` shows: each row with its figure and its goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .bench_fit import exponent

Figures = dict[str, float]
#: Parts of the back-fill that read leads and tickets, not orders.
NOT_ORDERS = ("leads", "crm.lead", "tickets", "helpdesk.ticket", "account.move", "invoice_lines")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    :param figure: from the figures of one size; ``None``: not measured
    :param unit: text behind a figure
    :param goals: number of records to the largest figure wanted there; smaller numbers have the
        goal of the next larger one
    :param at_least: the goal is the smallest figure wanted
    :param growth: whether the growth with the number of records is shown
    """

    title: str
    figure: Callable[[Figures], float | None]
    unit: str = "s"
    digits: int = 1
    goals: dict[int, float] = field(default_factory=dict)
    at_least: bool = False
    growth: bool = True

    def limit(self, size: int) -> float | None:
        """The goal at a number of records."""
        larger = [number for number in sorted(self.goals) if number >= size]
        return self.goals[larger[0]] if larger else None

    def met(self, size: int, value: float | None) -> bool | None:
        """Whether the goal is met; ``None`` without a goal or a figure."""
        limit = self.limit(size)
        if limit is None or value is None:
            return None
        return value >= limit if self.at_least else value <= limit


def key(name: str, factor: float = 1) -> Callable[[Figures], float | None]:
    """A figure by its name."""
    return lambda figures: figures[name] * factor if name in figures else None


def total(*names: str, factor: float = 1) -> Callable[[Figures], float | None]:
    """Sum of figures."""

    def figure(figures: Figures) -> float | None:
        if not all(name in figures for name in names):
            return None
        return sum(figures[name] for name in names) * factor

    return figure


def ratio(above: str | tuple, below: str | tuple) -> Callable[[Figures], float | None]:
    """Quotient of figures, or of sums of figures."""

    def figure(figures: Figures) -> float | None:
        one, other = (
            total(*([part] if isinstance(part, str) else part))(figures) for part in (above, below)
        )
        return one / other if one is not None and other else None

    return figure


def per_100k_orders(figures: Figures) -> float | None:
    """Processor time of the back-fill of orders and their customers, per 100,000 orders."""
    start, end = "backfill.part.", ".cpu"
    parts = {
        name.removeprefix(start).removesuffix(end): value
        for name, value in figures.items()
        if name.startswith(start)
    }
    if not parts or "backfill.sale_order.rows" not in figures:
        return None
    seconds = sum(value for name, value in parts.items() if name not in NOT_ORDERS)
    return seconds / max(1, figures["backfill.sale_order.rows"]) * 100_000


def slowest_unchanged(figures: Figures) -> float | None:
    """Processor time of PostgreSQL in the slowest step of a refresh without changes."""
    times = steps(figures, "unchanged", "cpu")
    return max(times.values()) if times else None


def growth_in_kpis(figures: Figures) -> float | None:
    """Exponent of the time of a rebuild in the number of KPIs."""
    times = {
        int(name.split(".")[1]): value
        for name, value in figures.items()
        if name.startswith("kpis.") and name.endswith(".cpu")
    }
    return exponent(times)


def steps(figures: Figures, name: str, kind: str) -> dict[str, float]:
    """Figures of the steps of a refresh by the name of the step."""
    start, end = f"{name}.step.", f".{kind}"
    return {
        found.removeprefix(start).removesuffix(end): value
        for found, value in figures.items()
        if found.startswith(start) and found.endswith(end)
    }


K, M = 1_000, 1_000_000
ROWS = (
    Row("Generating the records", key("generate.wall")),
    Row("Back-fill, wall", key("backfill.wall")),
    Row("Back-fill of orders, CPU per 100,000", per_100k_orders, goals={M: 25}, growth=False),
    Row("First refresh, wall", key("first.wall"), goals={200 * K: 300, M: 1200}),
    Row("First refresh, CPU of PostgreSQL", key("first.cpu")),
    Row("First refresh, values written", key("first.cells"), unit="", digits=0),
    Row("First refresh, temporary files", key("first.temp_mb", 1 / 1024), unit="GB"),
    Row("First refresh without statistics, wall", key("bare_first.wall"), goals={70 * K: 120}),
    Row(
        "— as a multiple of the one with statistics",
        ratio("bare_first.wall", "first.wall"),
        unit="×",
        goals={M: 1.5},
        growth=False,
    ),
    Row("One old order cancelled, refresh, wall", key("cancelled.wall"), goals={M: 5}),
    *(
        Row(
            f"Rebuild of {source}, CPU as a multiple of SQL by hand",
            ratio(f"rebuild.{source}.cpu", f"by_hand.{source}.cpu"),
            unit="×",
            digits=2,
            goals={M: 1.5},
            growth=False,
        )
        for source in ("order", "lead_created", "customer")
    ),
    Row(
        "Growth of a rebuild in KPIs, exponent",
        growth_in_kpis,
        unit="",
        digits=2,
        goals={M: 1},
        growth=False,
    ),
    Row("Locked orders changed: number", key("locked.orders"), unit="", digits=0, growth=False),
    Row("Locked orders changed, CPU", key("locked.cpu")),
    Row(
        "— as a multiple of the scan by hand",
        ratio("locked.cpu", "by_hand.order.cpu"),
        unit="×",
        goals={M: 3},
        growth=False,
    ),
    Row(
        "— the second time, as a multiple of the first",
        ratio("locked_again.cpu", "locked.cpu"),
        unit="×",
        digits=2,
        goals={M: 1.2},
        growth=False,
    ),
    Row("Unchanged refresh, wall", key("unchanged.wall")),
    Row(
        "Unchanged refresh, slowest step, CPU",
        slowest_unchanged,
        digits=2,
        goals={200 * K: 0.3, M: 1},
    ),
    Row("Refresh on a new day, wall", key("daily.wall"), goals={200 * K: 30}),
    Row("Refresh on a new day, CPU", key("daily.cpu")),
    Row(
        "Board of 12 cards, manager, CPU",
        total("board.manager.cpu", "board.manager.python", factor=1000),
        unit="ms",
        digits=0,
        goals={M: 100},
    ),
    Row(
        "Board of 12 cards, salesperson, CPU",
        total("board.salesperson.cpu", "board.salesperson.python", factor=1000),
        unit="ms",
        digits=0,
        goals={M: 100},
    ),
    Row(
        "Pivots of Odoo for 12 figures, as a multiple of the board",
        key("pivots.times"),
        unit="×",
        digits=0,
        goals={M: 50},
        at_least=True,
        growth=False,
    ),
    Row("Goals × 20 KPIs: number", key("goals.number"), unit="", digits=0, growth=False),
    Row(
        "Gamification, as a multiple of goals and their values",
        ratio("gamification.wall", ("goals.wall", "goal_values.wall")),
        unit="×",
        goals={M: 20},
        at_least=True,
        growth=False,
    ),
    Row(
        "Gamification, as a multiple of goals",
        ratio("gamification.wall", "goals.wall"),
        unit="×",
        growth=False,
    ),
    Row("Values on disk, with indexes", key("first.crm_kpi_value.mb"), unit="MB", digits=0),
    Row("Dead rows of orders after the back-fill", key("backfill.sale_order.dead"), "", 0),
    Row("Dead rows of leads after the back-fill", key("backfill.crm_lead.dead"), "", 0),
    Row("Memory of the first refresh, peak", key("history.peak_mb"), unit="MB", digits=0),
    Row("Memory of the board, peak", key("reading.peak_mb"), unit="MB", digits=0),
)


def more_queries(name: str) -> Callable[[Figures], float | None]:
    """Queries with KPIs that there are not without them."""

    def figure(figures: Figures) -> float | None:
        ours, plain = (figures.get(f"{kind}.{name}.queries") for kind in ("with", "without"))
        return None if ours is None or plain is None else ours - plain

    return figure


#: Rows that do not depend on the number of records.
ONCE = (
    Row("Order confirmed: more queries", more_queries("confirm.warm"), "", 0, {0: 2}),
    Row("Message on an order: more queries", more_queries("message.warm"), "", 0, {0: 1}),
    Row(
        "First refresh of 830 orders, weeks and days, without statistics, wall",
        key("small_first.wall"),
        goals={0: 15},
    ),
    Row("— with statistics", key("small_analysed.wall"), goals={0: 15}),
    Row("— values written", key("small_first.cells"), unit="", digits=0),
    Row("Workbook of 100,000 cells", key("workbook.seconds")),
    Row("— memory", key("workbook.megabytes"), unit="MB", digits=0),
    Row("— live formulas", key("workbook.formulas"), unit="", digits=0),
)
