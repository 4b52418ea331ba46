# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the table of ``./run bench`` shows: each row with its figure and its goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .bench_fit import exponent

Figures = dict[str, float]
Figure = Callable[[Figures], "float | None"]
#: Parts of the back-fill that read leads and tickets, not orders.
NOT_ORDERS = ("leads", "crm.lead", "tickets", "helpdesk.ticket", "account.move", "invoice_lines")
#: Digits behind the point, by unit.
DIGITS = {"s": 1, "×": 1, "GB": 1, "MB": 0, "ms": 0, "": 0}


@dataclass(frozen=True)
class Row:
    """A row of the table.

    :param figure: from the figures of one size, or its name among them; ``None``: not measured
    :param unit: text behind a figure
    :param goal: the largest figure wanted; or the number of records to it: smaller numbers then
        have the goal of the next larger one
    :param at_least: the goal is the smallest figure wanted
    :param growth: whether the growth with the number of records is shown
    """

    title: str
    figure: str | Figure
    unit: str = "s"
    goal: float | dict[int, float] | None = None
    at_least: bool = False
    growth: bool = True
    digits: int | None = None

    def value(self, figures: Figures) -> float | None:
        """The figure of the row."""
        return value_of(self.figure, figures)

    def limit(self, size: int) -> float | None:
        """The goal at a number of records."""
        if not isinstance(self.goal, dict):
            return self.goal
        larger = [number for number in sorted(self.goal) if number >= size]
        return self.goal[larger[0]] if larger else None

    def met(self, size: int, value: float | None) -> bool | None:
        """Whether the goal is met; ``None`` without a goal or a figure."""
        limit = self.limit(size)
        if limit is None or value is None:
            return None
        return value >= limit if self.at_least else value <= limit


def value_of(figure: str | Figure, figures: Figures) -> float | None:
    """A figure by its name or function."""
    return figures.get(figure) if isinstance(figure, str) else figure(figures)


def total(*names: str, factor: float = 1) -> Figure:
    """Sum of figures."""

    def figure(figures: Figures) -> float | None:
        if not all(name in figures for name in names):
            return None
        return sum(figures[name] for name in names) * factor

    return figure


def ratio(above: str | Figure, below: str | Figure) -> Figure:
    """Quotient of two figures."""

    def figure(figures: Figures) -> float | None:
        one, other = value_of(above, figures), value_of(below, figures)
        return one / other if one is not None and other else None

    return figure


def times(title: str, figure: Figure, goal: float | None = None, **options) -> Row:
    """A row of a quotient."""
    return Row(title, figure, "×", goal, growth=False, **options)


def processor_time(name: str, factor: float = 1) -> Figure:
    """Processor time of PostgreSQL and Python."""
    return total(f"{name}.cpu", f"{name}.python", factor=factor)


def waits(name: str, title: str) -> list[Row]:
    """The rows of writes that happened during something else."""
    writes = f"writes_{name}"
    return [
        times(
            f"{title}: longest wait for a lock, as a multiple of the longest write without",
            ratio(f"{writes}.locked", "writes_alone.longest"),
            1,
            digits=2,
        ),
        Row("— longest wait for a lock", f"{writes}.locked", digits=2),
        Row("— longest write", f"{writes}.longest", digits=2),
        Row("— median", f"{writes}.median", digits=2),
        Row("— number", f"{writes}.number", ""),
        Row("— repeated because of a conflict", f"{writes}.repeated", ""),
        Row("— given up", f"{writes}.failed", "", 0),
    ]


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
    found = steps(figures, "unchanged", "cpu")
    return max(found.values()) if found else None


def growth_in_kpis(figures: Figures) -> float | None:
    """Exponent of the time of a rebuild in the number of KPIs."""
    found = {
        int(name.split(".")[1]): value
        for name, value in figures.items()
        if name.startswith("kpis.") and name.endswith(".cpu")
    }
    return exponent(found)


def more_queries(name: str) -> Figure:
    """Queries with KPIs that there are not without them."""

    def figure(figures: Figures) -> float | None:
        ours, plain = (figures.get(f"{kind}.{name}.queries") for kind in ("with", "without"))
        return None if ours is None or plain is None else ours - plain

    return figure


def steps(figures: Figures, name: str, kind: str) -> dict[str, float]:
    """Figures of the steps of a refresh by the name of the step."""
    start, end = f"{name}.step.", f".{kind}"
    return {
        found.removeprefix(start).removesuffix(end): value
        for found, value in figures.items()
        if found.startswith(start) and found.endswith(end)
    }


K, M = 1_000, 1_000_000
#: The rows by the phase that measures them.
ROWS = {
    "generate": [Row("Generating the records", "generate.wall")],
    "history": [
        Row("Back-fill, wall", "backfill.wall"),
        Row("Back-fill of orders, CPU per 100,000", per_100k_orders, goal=25, growth=False),
        Row("Dead rows of orders after the back-fill", "backfill.sale_order.dead", ""),
        Row("Dead rows of leads after the back-fill", "backfill.crm_lead.dead", ""),
    ],
    "workers": [
        Row("First refresh, two workers, wall", "workers.wall", goal={200 * K: 300, M: 1200}),
    ],
    "first": [
        Row("First refresh, one worker, wall", "first.wall"),
        Row("First refresh, CPU of PostgreSQL", "first.cpu"),
        Row("First refresh, values written", "first.cells", ""),
        Row("First refresh, temporary files", total("first.temp_mb", factor=1 / 1024), "GB"),
        Row("First refresh, memory, peak", "first.peak_mb", "MB"),
        Row("Values on disk, with indexes", "first.crm_kpi_value.mb", "MB"),
    ],
    "bare": [
        Row("First refresh without statistics, wall", "bare_first.wall", goal={70 * K: 120}),
        times(
            "— as a multiple of the one with statistics",
            ratio("bare_first.wall", "first.wall"),
            1.5,
        ),
    ],
    "changes": [
        Row("One old order cancelled, refresh, wall", "cancelled.wall", goal=5),
        Row("Locked orders changed: number", "locked.orders", "", growth=False),
        Row("Locked orders changed, CPU", "locked.cpu"),
        times(
            "— as a multiple of the same without a change",
            ratio("locked.cpu", "locked_scan.cpu"),
            3,
        ),
        times(
            "— the second time, as a multiple of the first",
            ratio("locked_again.cpu", "locked.cpu"),
            1.2,
            digits=2,
        ),
        Row("Unchanged refresh, wall", "unchanged.wall"),
        Row(
            "Unchanged refresh, slowest step, CPU",
            slowest_unchanged,
            goal={200 * K: 0.3, M: 1},
            digits=2,
        ),
        *(
            Row(f"— {step}", f"unchanged.step.{step}.cpu", digits=2)
            for step in ("profile", "segments", "periods")
        ),
        Row("Refresh on a new day, wall", "daily.wall", goal={200 * K: 30}),
        Row("Refresh on a new day, CPU", "daily.cpu"),
    ],
    "rebuild": [
        *(
            times(
                f"Rebuild of {source}, CPU as a multiple of SQL by hand",
                ratio(f"rebuild.{source}.cpu", f"by_hand.{source}.cpu"),
                1.5,
                digits=2,
            )
            for source in ("order", "lead_created", "customer")
        ),
        Row("Growth of a rebuild in KPIs, exponent", growth_in_kpis, "", 1, growth=False, digits=2),
    ],
    "reading": [
        *(
            Row(f"Board of 12 cards, {role}, CPU", processor_time(f"board.{role}", 1000), "ms", 100)
            for role in ("manager", "salesperson")
        ),
        Row("Boards, memory, peak", "reading.peak_mb", "MB"),
        *(
            times(
                f"{title}, as a multiple of the board",
                ratio(processor_time(name), processor_time("board.manager")),
                50,
                at_least=True,
            )
            for name, title in (
                ("pivots", "Pivots of Odoo for 12 figures, CPU"),
                ("dashboard", "Odoo's spreadsheet dashboard of sales, CPU"),
            )
        ),
    ],
    "goals": [
        Row("Goals × 20 KPIs: number", "goals.number", "", growth=False),
        times(
            "Gamification, as a multiple of goals and their values",
            ratio("gamification.wall", total("goals.wall", "goal_values.wall")),
            20,
            at_least=True,
        ),
        times("Gamification, as a multiple of goals", ratio("gamification.wall", "goals.wall")),
    ],
}
#: Rows that do not depend on the number of records, by the phase that measures them.
ONCE = {
    "writing": [
        Row("Order confirmed: more queries", more_queries("confirm.warm"), "", 2),
        Row("Message on an order: more queries", more_queries("message.warm"), "", 1),
    ],
    "waits": [
        Row("Writes of users, longest", "writes_alone.longest", digits=2),
        Row("— median", "writes_alone.median", digits=2),
        *waits("backfill", "Writes during the back-fill"),
        *waits("refresh", "Writes during a refresh"),
    ],
    "small": [
        Row("First refresh of 830 orders, weeks of two years, wall", "small.wall", goal=15),
        Row("— CPU of PostgreSQL", "small.cpu"),
        Row("— values written", "small.cells", ""),
    ],
    "small_bare": [Row("— without statistics, wall", "small_bare.wall", goal=15)],
    "workbook": [
        Row("Workbook of 100,000 cells", "workbook.seconds"),
        Row("— memory", "workbook.megabytes", "MB"),
        Row("— live formulas", "workbook.formulas", ""),
    ],
}
