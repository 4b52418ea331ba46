"""``./run bench``: the fit of the growth, the goals, and the table."""

import math

import pytest

from tools import bench_report, bench_rows, cli
from tools.bench_fit import exponent
from tools.bench_rows import Row, key, ratio, total

pytestmark = pytest.mark.no_odoo


def test_exponent_of_a_power_law():
    for power in (0, 0.5, 1, 2):
        points = {n: 3 * n**power for n in (50_000, 200_000, 1_000_000)}
        assert exponent(points) == pytest.approx(power)


def test_exponent_of_a_fit():
    """Worked example: logarithms (0, 0), (1, 1), (2, 1) have a slope of one half."""
    assert exponent({1: 1, math.e: math.e, math.e**2: math.e}) == pytest.approx(0.5)


def test_exponent_needs_two_sizes():
    assert exponent({}) is None
    assert exponent({5: 3}) is None
    assert exponent({5: 3, 10: None}) is None
    assert exponent({5: 3, 10: 0}) is None


def test_goals_hold_up_to_a_size():
    row = Row("first", key("x"), goals={200: 3, 1000: 9})
    assert [row.limit(size) for size in (5, 200, 201, 1000, 1001)] == [3, 3, 9, 9, None]
    assert [row.met(1000, value) for value in (9, 9.1, None)] == [True, False, None]
    assert row.met(2000, 1) is None
    faster = Row("times", key("x"), goals={1000: 50}, at_least=True)
    assert [faster.met(10, value) for value in (50, 49)] == [True, False]


def test_figures():
    figures = {"a": 6.0, "b": 1.5, "c": 0.5}
    assert ratio("a", ("b", "c"))(figures) == 3
    assert ratio("a", "missing")(figures) is None
    assert total("a", "b", factor=10)(figures) == 75
    assert total("a", "missing")(figures) is None


def test_backfill_per_order():
    """Leads, tickets and invoices do not count; 50 orders in 2 seconds are 4,000 s per 100,000."""
    figures = {
        "backfill.part.orders.cpu": 1.5,
        "backfill.part.sale.order.cpu": 0.5,
        "backfill.part.crm.lead.cpu": 9,
        "backfill.sale_order.rows": 50,
    }
    assert bench_rows.per_100k_orders(figures) == 4_000


def test_steps_and_growth_in_kpis():
    figures = {"unchanged.step.order.cpu": 0.2, "unchanged.step.a b.cpu": 0.4, "unchanged.cpu": 9}
    assert bench_rows.steps(figures, "unchanged", "cpu") == {"order": 0.2, "a b": 0.4}
    assert bench_rows.slowest_unchanged(figures) == 0.4
    times = {"kpis.3.cpu": 1, "kpis.12.cpu": 2, "kpis.12.wall": 7}
    assert bench_rows.growth_in_kpis(times) == pytest.approx(0.5)


def test_table():
    run = bench_report.Run(False, 0.1, "abc", "16.4", 2, 20, 1_000)
    run.sizes = {
        5_000: {"first.wall": 10, "rebuild.order.cpu": 2, "by_hand.order.cpu": 1},
        20_000: {"first.wall": 40, "first.step.order.cpu": 3},
    }
    run.once = {"with.confirm.warm.queries": 30, "without.confirm.warm.queries": 25}
    text = bench_report.document(run)
    assert "| First refresh, wall | 10.0 s ✓ | 40.0 s ✓ | 1.00 | ≤ 300.0 s at 200,000" in text
    assert "| 2.00 × ✗ | – |  | ≤ 1.50 × |" in text
    assert "| Order confirmed: more queries | 5 ✗ | ≤ 2 |" in text
    assert "| order | 3.00 |" in text
    assert "Board of 12" not in text


def test_phases_of_the_command_line(capsys):
    options = cli.parse(["bench", "--sizes", "5", "9", "--phases", "history", "writing"])
    assert (options.sizes, options.phases, options.full) == ([5, 9], ["history", "writing"], False)
    with pytest.raises(SystemExit):
        cli.parse(["bench", "--phases", "unknown"])
    assert "unknown" in capsys.readouterr().err
