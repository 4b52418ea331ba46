# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The details of a KPI: trend, people, segments, included and excluded records."""

import math
import statistics
from datetime import date, timedelta
from itertools import pairwise

from odoo.fields import Command
from odoo.tests import tagged

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestBoardDetail(BoardCase):
    def explained(self, kpi, user=None, **filters):
        """``(counts by reason, stored, total)`` of the only aggregate behind a KPI."""
        [part] = self.ask("get_explanation", kpi, user, filters)
        counts = self.counts(part)
        self.assertEqual(sum(counts.values()), part["total"])
        return counts, part["stored"], part["total"]

    @staticmethod
    def counts(part):
        """The number of included records, and of excluded ones by reason."""
        rows = [part["included"], *part["excluded"], part["others"]]
        return {row["reason"]: row["count"] for row in rows if row}

    # --- INCLUDED AND EXCLUDED RECORDS ---

    def test_explanation_by_the_filter(self):
        """Two of the six leads of April are big."""
        counts, stored, total = self.explained(self.big)
        self.assertEqual(counts, {"included": 2, "filter": 4})
        self.assertEqual(counts["included"], self.count("expected_revenue > 100")[0])
        self.assertEqual((stored, total), (2, self.count()[0]))

    def test_explanation_by_the_source(self):
        """Records outside the domain of the source are named by the source."""
        source = self.source.copy(
            {"code": "test_hot", "name": "Hot leads", "domain": "[('priority', '=', '3')]"}
        )
        kpi = self.make_kpi("hot", source_id=source.id)
        lead = self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("expected_revenue", "=", 500)]
        )
        lead.priority = "3"
        self.refresh()
        counts, stored, total = self.explained(kpi)
        self.assertEqual(counts, {"included": 1, "source": 5})
        self.assertEqual((stored, total), (1, self.count()[0]))
        [part] = self.ask("get_explanation", kpi)
        self.assertIn("Outside the source “Hot leads”", [r["text"] for r in part["excluded"]])

    def test_explanation_by_age(self):
        """Leads after 8 April, 8 o'clock, are younger than seven days."""
        kpi = self.make_kpi("mature", maturity_days=7)
        self.refresh()
        counts, stored, total = self.explained(kpi)
        self.env.cr.execute(
            "SELECT count(*) FROM crm_lead WHERE company_id = %s"
            " AND create_date BETWEEN '2026-04-01' AND '2026-04-08 06:00:00'",
            [self.company.id],
        )
        self.assertEqual(counts, {"included": 2, "young": 4})
        self.assertEqual(counts["included"], self.env.cr.fetchone()[0])
        self.assertEqual((stored, total), (2, 6))

    def test_explanation_without_value(self):
        kpi = self.make_kpi("mean", aggregator="avg", value_field="expected_revenue", unit="money")
        lead = self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("expected_revenue", "=", 600)]
        )
        self.backdate(lead, expected_revenue=None)
        self.refresh()
        self.assertEqual(self.explained(kpi), ({"included": 5, "empty": 1}, 5, 6))
        self.assertAlmostEqual(
            self.ask("get_detail", kpi)["card"]["value"], (10 + 500 + 10 + 20 + 30) / 5
        )

    def test_explanation_of_one_person(self):
        """Records of other people get only this reason, even if others apply too."""
        counts, stored, total = self.explained(self.big, scope="team", user_id=self.ann.id)
        self.assertEqual(counts, {"others": 3, "filter": 2, "included": 1})
        self.assertEqual((stored, total), (1, 6))
        counts, stored, total = self.explained(self.leads, scope="team", team_id=self.north.id)
        self.assertEqual(counts, {"others": 2, "included": 4})
        self.assertEqual(counts["included"], self.count(f"team_id = {self.north.id}")[0])

    def test_explanation_of_records_without_a_company(self):
        """A lead without company, team and salesperson counts in no company, and is listed."""
        self.assertFalse(self.leads.data_warning)
        lost = [self.make_lead(f"2026-04-{day} 10:00:00", expected_revenue=200) for day in (8, 9)]
        small = self.make_lead("2026-04-10 10:00:00", expected_revenue=1)
        for lead in [*lost, small]:
            lead.write({"company_id": False, "team_id": False, "user_id": False})
        self.refresh()
        counts, stored, total = self.explained(self.leads)
        self.assertEqual((counts, stored, total), ({"included": 6, "no_company": 3}, 6, 9))
        counts, stored, total = self.explained(self.big)
        self.assertEqual(counts, {"included": 2, "filter": 4, "no_company": 2})
        self.leads.invalidate_recordset(["data_warning"])
        self.assertRegex(self.leads.data_warning, "without a company: 3.*a team")
        (lost[0] + lost[1] + small).write({"company_id": self.company.id})
        self.refresh()
        counts, stored, total = self.explained(self.leads)
        self.assertEqual((counts, stored, total), ({"included": 9}, 9, 9))
        self.leads.invalidate_recordset(["data_warning"])
        self.assertFalse(self.leads.data_warning)

    def test_explanation_of_a_segment(self):
        industry = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": industry.id})
        self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("user_id", "=", self.ann.id)]
        ).partner_id = customer
        self.refresh()
        segment = self.env["crm.kpi.segment"].search([("name", "=", "Ballooning")])
        counts, stored, _total = self.explained(self.leads, segment_id=segment.id)
        self.assertEqual((counts, stored), ({"others": 3, "included": 3}, 3))

    def test_explanation_of_a_formula(self):
        """Each aggregate of a formula has its own records."""
        parts = self.ask("get_explanation", self.share)
        found = {part["name"]: self.counts(part) for part in parts}
        self.assertEqual(found, {"big": {"included": 2, "filter": 4}, "Leads": {"included": 6}})

    def test_explanation_of_entries(self):
        """Manual entries for other KPIs are outside the filter."""
        kpi, other = (self.make_kpi(code, kind="manual") for code in ("visits", "others"))
        for entered in (kpi, kpi, other):
            self.env["crm.kpi.entry"].create(
                {
                    "kpi_id": entered.id,
                    "company_id": self.company.id,
                    "period_kind": "day",
                    "date": f"2026-04-{len(self.env['crm.kpi.entry'].search([])) % 9 + 1:02}",
                    "value": 3,
                }
            )
        self.refresh()
        counts, stored, _total = self.explained(kpi)
        self.assertEqual((counts["included"], stored), (2, 2))
        self.assertEqual(counts["filter"], 1)

    def test_explanation_after_a_change(self):
        """A note says that records changed after the value was computed."""
        self.make_lead("2026-04-10 10:00:00")
        [part] = self.ask("get_explanation", self.leads)
        self.assertEqual((part["stored"], part["total"]), (6, 7))
        self.assertIn("when the value was computed: 6.", part["note"])
        self.refresh()
        [part] = self.ask("get_explanation", self.leads)
        self.assertEqual((part["stored"], part["note"]), (7, ""))

    def test_explanation_of_a_pipeline_of_the_past(self):
        """Records of a past snapshot cannot be counted, because Odoo does not keep their state."""
        source = self.source.copy({"code": "test_open", "kind": "snapshot"})
        kpi = self.make_kpi("open", source_id=source.id)
        self.refresh()
        self.assertEqual(self.explained(kpi)[0]["included"], len(self.env["crm.lead"].search(
            [("company_id", "=", self.company.id)]
        )))  # fmt: skip
        [part] = self.ask("get_explanation", kpi, filters={"date": "2026-03-01"})
        self.assertEqual((part["included"], part["excluded"], part["total"]), (None, [], 0))
        self.assertIn("does not keep", part["note"])

    def test_explanation_respects_the_visibility(self):
        """The explanation of a KPI with limited visibility counts no records of other people."""
        self.big.visibility = self.leads.visibility = "own"
        self.assertEqual(self.ask("get_explanation", self.big, self.ann), [])
        counts, stored, total = self.explained(self.big, self.ann, scope="mine")
        self.assertEqual(counts, {"filter": 2, "included": 1})
        self.assertEqual((stored, total), (1, 3))
        self.big.visibility = "team"
        counts, _stored, total = self.explained(self.big, self.ann, scope="team")
        self.assertEqual((counts, total), ({"filter": 3, "included": 1}, 4))
        self.big.visibility = "company"
        self.assertEqual(self.explained(self.big, self.ann, scope="mine")[2], 6)

    def test_open_records(self):
        """Exactly the included records that the reader may see."""
        action = self.ask("open_records", self.big)
        leads = self.env["crm.lead"].search(action["domain"])
        self.assertEqual(sorted(leads.mapped("expected_revenue")), [500, 600])
        action = self.ask("open_records", self.big, self.ann)
        self.assertIn("1 of 2 records", action["name"])

    # --- TREND ---

    def test_trend_and_usual_range(self):
        """Mean ± 2.66 × mean moving range of the twelve closed months, per working day."""
        trend = self.ask("get_detail", self.leads)["trend"]
        closed = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5]
        self.assertEqual([point["value"] for point in trend["points"]], [*closed, 6])
        self.assertEqual(trend["points"][0]["label"], "April 2025")
        for point, (first, after) in zip(
            trend["points"][-3:],
            (
                ("2026-02-01", "2026-03-01"),
                ("2026-03-01", "2026-04-01"),
                ("2026-04-01", "2026-05-01"),
            ),
            strict=True,
        ):
            self.assertEqual(
                (point["date"], point["value"]), (first, self.count(first=first, after=after)[0])
            )
        mean, reach = self.usual_rate(closed)
        for point, days in zip(trend["points"][-3:], (20, 22, 22), strict=True):
            self.assertAlmostEqual(point["usual_mean"], mean * days)
            self.assertAlmostEqual(point["usual_high"], (mean + reach) * days)
            self.assertEqual(point["usual_low"], 0.0)  # a count is not below zero
        self.assertIn("2.66", trend["range_help"])
        self.assertIn("per working day", trend["range_help"])
        states = [point["state"] for point in trend["points"]]
        self.assertEqual(states, ["locked"] * 10 + ["provisional"] * 2 + ["open"])

    def usual_rate(self, closed):
        """Mean and reach of values from April 2025 on, per day from Monday to Friday."""
        days = []
        for month in range(3, 3 + len(closed)):
            first = date(2025 + month // 12, month % 12 + 1, 1)
            after = date(2025 + (month + 1) // 12, (month + 1) % 12 + 1, 1)
            span = (first + timedelta(days=number) for number in range((after - first).days))
            days.append(sum(day.weekday() < 5 for day in span))
        rates = [value / count for value, count in zip(closed, days, strict=True)]
        moves = [abs(b - a) for a, b in pairwise(rates)]
        return sum(rates) / len(rates), 2.66 * sum(moves) / len(moves)

    def test_values_outside_of_the_usual_range(self):
        """The month with many leads is above; the running month is not marked, it is not over."""
        for number in range(30):
            self.make_lead(f"2026-03-{number % 9 + 10} 10:00:00", name=f"{number}")
        self.refresh()
        closed = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 35]
        mean, reach = self.usual_rate(closed)
        high = (mean + reach) * 22
        trend = self.ask("get_detail", self.leads)["trend"]
        self.assertAlmostEqual(trend["points"][-2]["usual_high"], high)
        self.assertGreater(closed[-1], high)
        marked = [(point["date"], point["signal"]) for point in trend["points"] if point["signal"]]
        self.assertEqual(
            marked,
            [
                ("2025-11-01", "Below average for 8 periods in a row"),
                ("2025-12-01", "Below average for 8 periods in a row"),
                ("2026-01-01", "Below average for 8 periods in a row"),
                ("2026-03-01", "Above the usual range"),
            ],
        )

    def test_axis(self):
        """Numbers at the axis have the unit of the values; counts and sums grow in a period."""
        symbol = self.company.currency_id.symbol
        before = self.company.currency_id.position == "before"
        money = (f"{symbol}\u00a0", "") if before else ("", f"\u00a0{symbol}")
        for kpi, unit, grows in (
            (self.leads, ("", ""), True),
            (self.amount, money, True),
            (self.share, ("", "\u00a0%"), False),
        ):
            trend = self.ask("get_detail", kpi)["trend"]
            self.assertEqual(((trend["prefix"], trend["suffix"]), trend["grows"]), (unit, grows))
            text = trend["points"][-1]["value_text"]
            self.assertTrue(text.startswith(unit[0]) and text.endswith(unit[1]), text)

    def test_who_annotates(self):
        self.assertFalse(self.ask("get_detail", self.leads, self.ann)["can_annotate"])
        self.assertTrue(self.ask("get_detail", self.leads, self.ada)["can_annotate"])

    def test_no_range_of_a_short_history(self):
        trend = self.ask("get_detail", self.share)["trend"]
        # closed months with a rate: April 2025, February and March
        self.assertEqual({point["usual_high"] for point in trend["points"]}, {None})
        self.assertEqual(trend["range_help"], "")

    def test_forecast(self):
        """After ten of 22 days: 13.2 at the end, ± the usual range of the remaining days."""
        point = self.ask("get_detail", self.leads)["trend"]["points"][-1]
        self.assertTrue(point["running"])
        self.assertAlmostEqual(point["forecast"], 6 * 22 / 10)
        _mean, reach = self.usual_rate([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 5])
        reach *= 22 * math.sqrt(12 / 22)
        self.assertAlmostEqual(point["forecast_high"], 13.2 + reach)
        self.assertAlmostEqual(point["forecast_low"], 13.2 - reach)
        # the forecast of a rate is its value
        point = self.ask("get_detail", self.share)["trend"]["points"][-1]
        self.assertAlmostEqual(point["forecast"], 2 / 6)
        self.assertIsNone(point["forecast_low"])
        # a closed period has no forecast
        points = self.ask("get_detail", self.leads, filters={"date": "last"})["trend"]["points"]
        self.assertEqual({point["forecast"] for point in points}, {None})

    def test_targets_of_the_trend(self):
        for day, target in (("2026-03-10", 4), ("2026-04-10", 7)):
            self.env["crm.kpi.goal"].create(
                {
                    "kpi_id": self.leads.id,
                    "period_id": self.period("month", day).id,
                    "kind": "at_least",
                    "target": target,
                }
            )
        detail = self.ask("get_detail", self.leads)
        points = detail["trend"]["points"]
        self.assertEqual([point["target"] for point in points[-3:]], [None, 4.0, 7.0])
        self.assertEqual(detail["goal_id"], detail["card"]["goal"]["id"])

    def test_annotations(self):
        """Annotations of the KPI or all KPIs, of the company or all companies, until the end."""
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.env["crm.kpi.annotation"].search([]).unlink()
        for name, values in (
            ("fair", {"date": "2026-04-10"}),
            ("price", {"date": "2026-03-10", "kpi_id": self.leads.id}),
            ("strike", {"date": "2026-02-10", "company_id": False}),
            ("other KPI", {"date": "2026-03-10", "kpi_id": self.amount.id}),
            ("later", {"date": "2026-05-01"}),
            ("elsewhere", {"date": "2026-04-01", "company_id": elsewhere.id}),
        ):
            self.env["crm.kpi.annotation"].create(
                {"name": name, "company_id": self.company.id, **values}
            )
        notes = self.ask("get_detail", self.leads, self.ann)["annotations"]
        self.assertEqual([note["text"] for note in notes], ["fair", "price", "strike"])

    def test_history_of_the_definition(self):
        kpi = self.big.with_context(
            tracking_disable=False, mail_notrack=False, mail_create_nolog=False
        )
        kpi.domain = "[('expected_revenue', '>', 300)]"
        self.env.cr.flush()
        [entry] = self.ask("get_detail", self.big, self.ann)["definition_changes"]
        self.assertEqual(
            entry["changes"],
            ["Filter: Expected Revenue > 100 → Expected Revenue > 300"],
        )

    # --- PEOPLE ---

    def test_median_and_best(self):
        """Ann has three leads, Bob and Cid one each; the lead without salesperson is ignored."""
        detail = self.ask("get_detail", self.leads)
        self.assertEqual((detail["median"]["value"], detail["best"]["value"]), (1, 3))
        self.assertEqual([row["value"] for row in detail["salespeople"]], [3, 1, 1, 1])
        self.leads.direction = "decrease"
        self.assertEqual(self.ask("get_detail", self.leads)["best"]["value"], 1)

    def test_salespeople_see_own_value_median_and_best(self):
        detail = self.ask("get_detail", self.leads, self.ann)
        self.assertEqual([row["name"] for row in detail["salespeople"]], ["Ann"])
        self.assertEqual((detail["median"]["value"], detail["best"]["value"]), (1, 3))
        for setting in ({"kpi_ranking": "off"}, {"kpi_ranking": "names", "kpi_ranking_min": 4}):
            self.company.sudo().write(setting)
            detail = self.ask("get_detail", self.leads, self.ann)
            self.assertEqual(detail["median"], {"value": None, "text": "–", "share": None})
            self.assertEqual(detail["compared"], 0)

    def make_service_team(self):
        """Sam and Sue, members of a service team."""
        people = self.make_user("Sam") | self.make_user("Sue")
        members = [Command.set(people.ids)]
        self.env["crm.team"].create(
            {
                "name": "Care",
                "company_id": self.company.id,
                "member_ids": members,
                "kpi_role": "service",
            }
        )
        self.make_lead("2026-04-14 10:00:00", user_id=self.bob.id, team_id=self.north.id)
        self.refresh()
        return people

    def test_only_people_of_the_role_are_compared(self):
        """Service agents without a lead do not halve the median; with a lead they count."""
        sam, sue = self.make_service_team()
        zeros = self.env["crm.kpi.value"].search(
            [("user_id", "in", (sam | sue).ids), ("kpi_id", "=", self.leads.id), ("value", "=", 0)]
        )
        self.assertIn(self.period("month", "2026-04-10"), zeros.period_id)
        counts = {"Ann": 3, "Bob": 2, "Cid": 1}

        def check(**added):
            expected = {**counts, **added}
            for reader in self.mia, self.ann:
                detail = self.ask("get_detail", self.leads, reader)
                self.assertEqual(detail["compared"], len(expected))
                self.assertEqual(detail["median"]["value"], statistics.median(expected.values()))
            detail = self.ask("get_detail", self.leads)
            found = {row["name"]: row["value"] for row in detail["salespeople"]}
            del found["Unassigned"]
            self.assertEqual(found, expected)
            ranked = self.ask("get_leaderboard", self.leads)["rows"]
            self.assertEqual({row["name"] for row in ranked}, set(expected))
            self.board.card_ids.display = "reps"
            names = {row["name"] for row in self.card(self.leads)["rows"]}
            self.assertEqual(names, {"Unassigned", *expected})

        check()
        self.leads.compared_people = "all"
        check(Sam=0, Sue=0)
        self.leads.compared_people = "records"
        check()
        self.leads.compared_people = "sales"
        self.make_lead("2026-04-15 05:00:00", user_id=sue.id)
        self.refresh()
        check(Sue=1)
        # a team for both has the role, too
        sam.sale_team_id.kpi_role = "both"
        check(Sue=1, Sam=0)

    def test_people_compared_by_a_kpi(self):
        """As the source; formulas as their components, people of all teams for both roles."""
        self.assertEqual((self.leads | self.share).mapped("compared_people"), ["sales", "sales"])
        service = self.source.copy({"code": "test_service", "compared_people": "service"})
        general = self.source.copy({"code": "test_general", "compared_people": "all"})
        tickets = self.make_kpi("tickets", source_id=service.id)
        letters = self.make_kpi("letters", source_id=general.id)
        for formula, expected in (
            ("test_tickets / test_letters", "service"),
            ("test_leads / test_letters", "sales"),
            ("test_leads / test_tickets", "all"),
            ("test_letters + test_letters", "all"),
        ):
            kpi = self.make_kpi("both", kind="formula", formula=formula, source_id=False)
            self.assertEqual(kpi.compared_people, expected)
            kpi.unlink()
        self.share.compared_people = "records"
        self.leads.name = "Prospects"
        self.assertEqual(self.share.compared_people, "records")
        self.assertEqual((tickets + letters).mapped("compared_people"), ["service", "all"])

    def test_own_bar_is_compared_with_the_best(self):
        """Bob has one lead, the best has three: his bar ends at a third, the mark at its end."""
        detail = self.ask("get_detail", self.leads, self.bob)
        [row] = detail["salespeople"]
        self.assertAlmostEqual(row["share"], 1 / 3)
        self.assertAlmostEqual(detail["median"]["share"], 1 / 3)
        self.assertAlmostEqual(detail["best"]["share"], 1)
        # the lowest value is the best: the longest bar is the reader's own
        self.leads.direction = "decrease"
        detail = self.ask("get_detail", self.leads, self.ann)
        self.assertAlmostEqual(detail["salespeople"][0]["share"], 1)
        self.assertAlmostEqual(detail["best"]["share"], 1 / 3)

    def test_withheld_segments_are_counted(self):
        """Where segments are listed, a sentence says how many are withheld."""
        self.leads.cross_levels = True
        row = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": row.id})
        mine = [("company_id", "=", self.company.id), ("user_id", "in", (self.ann | self.bob).ids)]
        self.env["crm.lead"].search(mine).partner_id = customer
        industry = self.env.ref("crm_kpi.segment_set_industry")
        filters = {"segment_set_id": industry.id, "scope": "company"}
        self.board.card_ids.display = "segments"
        note = "Values not shown: %s. They rest on fewer than 5 records, or would reveal one that does."
        # 4 leads of Ballooning and 2 of no industry
        for least, expected in ((5, note % 2), (0, "")):
            self.company.sudo().kpi_min_cell = least
            self.refresh()
            for kpi in self.leads | self.share:
                detail = self.ask("get_detail", kpi, filters=filters)
                self.assertEqual(detail["segments_note"], expected)
                self.assertEqual(len(detail["segments"]), 0 if least else 2)
                self.assertEqual(detail["salespeople_note"], "")
                card = next(c for c in self.show(**filters)["cards"] if c["kpi"]["id"] == kpi.id)
                self.assertEqual((card["rows_note"], len(card["rows"])),
                                 (expected, len(detail["segments"])))  # fmt: skip
            segment = industry.segment_ids.filtered(lambda s: s.industry_id == row)
            detail = self.ask("get_detail", self.leads, filters={"segment_id": segment.id})
            self.assertEqual(detail["salespeople_note"], expected)
        # readers without the right to these values get no count
        self.company.sudo().kpi_min_cell = 5
        self.refresh()
        self.leads.visibility = "own"
        self.assertEqual(self.ask("get_detail", self.leads, self.ann, filters)["segments_note"], "")

    def test_heat_map(self):
        self.leads.cross_levels = True
        row = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": row.id})
        mine = self.env["crm.lead"].search(
            [("company_id", "=", self.company.id), ("user_id", "in", (self.ann | self.bob).ids)]
        )
        mine.partner_id = customer
        self.refresh()
        industry = self.env.ref("crm_kpi.segment_set_industry")
        filters = {"segment_set_id": industry.id}
        heat = self.ask("get_detail", self.leads, filters=filters)["heat_map"]
        names = [column["name"] for column in heat["columns"]]
        place = names.index("Ballooning")
        cells = {row["name"]: row["cells"][place] for row in heat["rows"]}
        self.assertEqual(heat["rows"][0]["name"], "Ann")  # with most records
        self.assertEqual((cells["Ann"]["value"], cells["Ann"]["share"]), (3, 1.0))
        self.assertEqual((cells["Bob"]["value"], cells["Cid"]["value"]), (1, None))
        # salespeople see only their own row
        heat = self.ask("get_detail", self.leads, self.bob, filters)["heat_map"]
        self.assertEqual([row["name"] for row in heat["rows"]], ["Bob"])
        self.assertFalse(self.ask("get_detail", self.amount, filters=filters)["heat_map"])
        segments = self.ask("get_detail", self.leads, filters=filters)["segments"]
        found = {row["name"]: row["value"] for row in segments}
        self.assertEqual(found["Ballooning"], 4)
        self.assertEqual(sum(found.values()), 6)
