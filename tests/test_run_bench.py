"""``./run bench``: the fit of the growth, the goals, and the table."""

import json
import math

import pytest

from tools import bench, bench_report, bench_rows, cli
from tools.bench_fit import exponent
from tools.bench_report import Piece
from tools.bench_rows import Row, ratio, total

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
    row = Row("first", "x", goal={200: 3, 1000: 9})
    assert [row.limit(size) for size in (5, 200, 201, 1000, 1001)] == [3, 3, 9, 9, None]
    assert [row.met(1000, value) for value in (9, 9.1, None)] == [True, False, None]
    assert row.met(2000, 1) is None
    faster = Row("times", "x", goal=50, at_least=True)
    assert [faster.met(10, value) for value in (50, 49)] == [True, False]


def test_figures():
    figures = {"a": 6.0, "b": 1.5, "c": 0.5}
    assert ratio("a", total("b", "c"))(figures) == 3
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


def piece(size, phase, **figures):
    named = {name.replace("__", "."): value for name, value in figures.items()}
    return Piece(size, phase, "abc", "2026-11-30 14:50", 0.2, 3, named)


def run_of(*pieces):
    run = bench_report.Run(False, 20, 1_000, "16.4", 2)
    for one in pieces:
        run.add(one)
    return run


def test_table():
    text = bench_report.document(
        run_of(
            piece(5_000, "workers", workers__wall=10),
            piece(5_000, "rebuild", rebuild__order__cpu=2, by_hand__order__cpu=1),
            piece(20_000, "workers", workers__wall=40),
            piece(20_000, "first", first__step__order__cpu=3),
            piece(20_000, "rebuild", rebuild__limit=5),
            piece(
                0, "writing", with__confirm__warm__queries=30, without__confirm__warm__queries=25
            ),
            piece(0, "small", small__failed=1),
        )
    )
    assert (
        "| First refresh, two workers, wall | 10.0 s ✓ | 40.0 s ✓ | 1.00 | ≤ 300.0 s at 200,000"
        in text
    )
    assert "| 2.00 × ✗ | > 5 min ✗ |  | ≤ 1.50 × |" in text
    assert "| Order confirmed: more queries | 5 ✗ | ≤ 2 |" in text
    assert "| failed ✗ | ≤ 15.0 s |" in text
    assert "| order | 3.00 |" in text
    assert "Board of 12" not in text
    assert "| workers, 5,000 | 2026-11-30 14:50 UTC | 3.0 | 0.2 | abc |" in text


def test_a_run_in_pieces():
    """What was saved is kept, a piece that is measured again replaces the saved one."""
    saved = run_of(piece(5, "history", first__wall=1), piece(9, "history", first__wall=2))
    run = run_of()
    run.keep(json.loads(json.dumps(saved.as_dict())))
    run.add(piece(9, "history", first__wall=3))
    assert run.sizes == [5, 9]
    assert [run.figures(size) for size in run.sizes] == [{"first.wall": 1}, {"first.wall": 3}]


def test_figures_of_other_people_are_not_kept():
    saved = run_of(piece(5, "history", first__wall=1)).as_dict()
    run = run_of()
    run.keep({**saved, "reps": 500})
    assert not run.pieces
    run.keep({})
    assert not run.pieces


def test_time_limits():
    sizes = (0, 20_000, 20_001, 200_000, 1_000_000, 2_000_000)
    assert [bench.time_limit(size) for size in sizes] == [5, 5, 10, 20, 60, 60]


def test_phases_of_the_command_line(capsys):
    options = cli.parse(["bench", "--sizes", "5", "9", "--phases", "history", "writing"])
    assert (options.sizes, options.phases, options.full) == ([5, 9], ["history", "writing"], False)
    with pytest.raises(SystemExit):
        cli.parse(["bench", "--phases", "unknown"])
    assert "unknown" in capsys.readouterr().err
