# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""No value of a small segment can be solved from all sums together, by an exact solver."""

import doctest
import random
from fractions import Fraction

from odoo import fields
from odoo.tests import freeze_time, tagged

from ..engine import withholding
from ..engine.withholding import Cell, withheld
from ..refresh.withheld import withhold
from .common import KpiCommon

LEAST = 5
OWNERS = ("team_segment", "user_segment")


def random_table(seed):
    """A random table of segments, teams and salespeople: dict of :class:`Cell` to records.

    Some tables have no teams or no salespeople, some segments no values by team, some values no
    records.
    """
    chance = random.Random(seed)
    mean, filled = chance.choice([1, 3, 8]), chance.choice([0.3, 0.6, 0.9])
    teams, users = chance.randint(1, 4), chance.randint(1, 6)
    levels = chance.choice([OWNERS, OWNERS, OWNERS[:1], OWNERS[1:], ()])
    counts = {}
    for segment in range(1, chance.randint(3, 8)):
        stored = [level for level in levels if chance.random() < 0.95]
        for user in range(users):  # 0: without a salesperson or team
            for team in {user % teams, chance.randrange(teams)}:
                if chance.random() > filled:
                    continue
                count = chance.randint(0, 2 * mean)
                owners = {"team_segment": team, "user_segment": user}
                for cell in (
                    Cell("segment", segment),
                    *(Cell(level, segment, owners[level]) for level in stored),
                ):
                    counts[cell] = counts.get(cell, 0) + count
    return counts


def small(counts):
    return {cell for cell, count in counts.items() if 0 < count < LEAST}


def solved(cells, hidden):
    """The hidden cells that follow from the others, by elimination.

    The sum of all segments is known, that of each team and each salesperson, too. The sum of the
    teams of a segment is the value of the segment, and so is the sum of its salespeople.
    """
    sums = {}
    for cell in cells:
        name = (cell.level, cell.owner_id) if cell.level in OWNERS else "company"
        sums.setdefault(name, {})[cell] = 1
        if cell.level in OWNERS:
            total = Cell("segment", cell.segment_id)
            sums.setdefault((cell.level, "of", cell.segment_id), {total: -1})[cell] = 1
    rows = {}
    for members in sums.values():
        row = {cell: Fraction(sign) for cell, sign in members.items() if cell in hidden}
        for pivot, other in rows.items():
            _eliminate(row, pivot, other)
        if row:
            pivot, factor = next(iter(row.items()))
            row = {cell: value / factor for cell, value in row.items()}
            for other in rows.values():
                _eliminate(other, pivot, row)
            rows[pivot] = row
    return {pivot for pivot, row in rows.items() if len(row) == 1}


def _eliminate(row, pivot, other):
    if factor := row.get(pivot):
        for cell, value in other.items():
            row[cell] = row.get(cell, 0) - factor * value
            if not row[cell]:
                del row[cell]


@tagged("post_install", "-at_install")
class TestWithholding(KpiCommon):
    def test_doctests(self):
        self.assertFalse(doctest.testmod(withholding).failed)

    def test_random_tables(self):
        """What is withheld can be solved only where the totals alone tell it."""
        number_small = number_withheld = number_cells = careless = 0
        for seed in range(400):
            counts = random_table(seed)
            secret = small(counts)
            hidden = withheld(counts, secret)
            from_totals = solved(counts, set(counts))
            with self.subTest(seed=seed):
                self.assertLessEqual(secret, hidden)
                self.assertFalse((solved(counts, hidden) & hidden) - from_totals)
            careless += len((solved(counts, secret) & secret) - from_totals)
            number_small += len(secret)
            number_withheld += len(hidden)
            number_cells += len(counts)
        self.assertGreater(number_small, 2000)
        self.assertGreater(careless, 100, "withholding only small values is not enough")
        # most of the others are shown
        self.assertLess(number_withheld - number_small, (number_cells - number_small) / 3)

    def test_several_sums_together(self):
        """Two of three segments and two teams are withheld so that no sum has a single one.

        Team 1 has few records of Ore, team 2 of Zinc. Ore is withheld with Tin in team 1, and Zinc
        with Tin in team 2: each team and each segment but Ore and Zinc has two withheld values.
        """
        ore, zinc, tin = 1, 2, 3
        counts = {
            Cell("segment", ore): 22, Cell("segment", zinc): 32, Cell("segment", tin): 17,
            Cell("team_segment", ore, 1): 2, Cell("team_segment", ore, 2): 20,
            Cell("team_segment", zinc, 1): 30, Cell("team_segment", zinc, 2): 2,
            Cell("team_segment", tin, 1): 8, Cell("team_segment", tin, 2): 9,
        }  # fmt: skip
        secret = small(counts)
        self.assertEqual(solved(counts, secret), secret)
        hidden = withheld(counts, secret)
        self.assertFalse(solved(counts, hidden))

    @freeze_time("2026-11-20 10:00:00")
    def test_stored_values(self):
        """The same for the stored values of a KPI whose share is withheld, in several periods."""
        self.company.kpi_min_cell = LEAST
        part = self.make_kpi("part", cross_levels=True)
        share = self.make_kpi(
            "share", kind="formula", formula="test_part / 2", unit="percent", cross_levels=True
        )
        number = range(8)
        teams = self.env["crm.team"].create([{"name": f"Team {n}"} for n in number])
        users = self.env["res.users"].create(
            [{"name": f"Person {n}", "login": f"withholding{n}"} for n in number]
        )
        segment_set = self.env.ref("crm_kpi.segment_set_industry")
        industries = self.env["res.partner.industry"].create(
            [{"name": f"Industry {n}"} for n in number]
        )
        segments = self.env["crm.kpi.segment"].create(
            [
                {"name": row.name, "set_id": segment_set.id, "industry_id": row.id}
                for row in industries
            ]
        )
        tables, rows = {}, []
        for month in range(1, 11):
            for kind in ("month", "week", "day"):
                period = self.period(kind, f"2026-{month:02}-12")
                tables[period] = random_table(1000 + len(tables))
        for period, counts in tables.items():
            for cell, count in counts.items():
                for kpi in part | share:
                    owner = cell.owner_id
                    rows.append({
                        "kpi_id": kpi.id, "period_id": period.id, "company_id": self.company.id,
                        "level": cell.level, "segment_id": segments[cell.segment_id].id,
                        "team_id": owner and cell.level == OWNERS[0] and teams[owner].id,
                        "user_id": owner and cell.level == OWNERS[1] and users[owner].id,
                        "record_count": count, "value": count, "withheld": True,
                    })  # fmt: skip
        self.env["crm.kpi.value"].create(rows)
        now = fields.Datetime.now()
        self.env["crm.kpi.computation"].create(
            [{"kpi_id": part.id, "period_id": p.id, "computed_at": now} for p in tables]
        )
        self.assertTrue(withhold(self.company, now))
        place = {record: index for group in (teams, users) for index, record in enumerate(group)}
        place.update((segment, index) for index, segment in enumerate(segments))
        for period, counts in tables.items():
            for kpi in part | share:
                stored = self.cells(kpi, period)
                self.assertEqual(len(stored), len(counts))
                hidden = {
                    Cell(
                        value.level,
                        place[value.segment_id],
                        place.get(value.team_id or value.user_id, 0),
                    )
                    for value in stored
                    if value.withheld
                }
                with self.subTest(period=period.display_name, kpi=kpi.code):
                    self.assertLessEqual(small(counts), hidden)
                    from_totals = solved(counts, set(counts))
                    self.assertFalse((solved(counts, hidden) & small(counts)) - from_totals)
        # nothing is decided again without a change
        self.assertEqual(withhold(self.company, now), 0)
