# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import doctest
import random
from datetime import date, datetime, timedelta
from itertools import pairwise
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, TransactionCase, tagged
from odoo.tools import SQL

from ..engine import formula, functions, periods
from ..periods import comparison
from ..workbook import formulas


class TestEngine(BaseCase):
    def test_doctests(self):
        for module in (formula, functions, periods, comparison):
            with self.subTest(module.__name__):
                result = doctest.testmod(module, extraglobs={"date": date, "datetime": datetime})
                self.assertGreater(result.attempted, 0)
                self.assertEqual(result.failed, 0)

    def test_formula_refuses_everything_else(self):
        """Formulas are data: only KPIs, numbers and the listed functions are accepted."""
        refused = {
            "": "empty",
            "1 +": "syntax",
            "1 + 2": "empty",
            "a ** 2": "element",
            "a % 2": "element",
            "a if b else c": "element",
            "a.b": "element",
            "a[0]": "element",
            "'a'": "element",
            "True": "element",
            "(a, b)": "element",
            "lambda: a": "element",
            "[a for a in b]": "element",
            "f'{a}'": "element",
            "not a": "element",
            "a < b": "element",
            "a and b": "element",
            "a; b": "syntax",
            "open(a)": "function",
            "(lambda: a)()": "element",
            "a.__class__()": "element",
            "min(a)": "arguments",
            "min(a, b, c)": "arguments",
            "min(a, b, key=c)": "function",
            "previous(a + b)": "shift",
            "previous(a, b)": "shift",
            "previous(days)": "shift",
            "previous(margin_rate)": "shift",
            "require(a)": "arguments",
            "target(1)": "shift",
            "a * 1e400": "number",
            "a / -1e309": "number",
            f"a + 1{'0' * 400}": "number",
            "require(a, 1e999)": "number",
            "(" * 500 + "a" + ")" * 500: "syntax",
            "+".join(["a"] * 5000): "syntax",
        }
        for text, reason in refused.items():
            with self.subTest(text), self.assertRaises(formula.FormulaError) as caught:
                formula.parse(text)
            self.assertEqual(caught.exception.args[0], reason, text)

    def test_formula_values(self):
        a, b = formula.Component("a"), formula.Component("b")
        before = formula.Component("a", "previous")
        cases = [
            ("a / b", {a: 1, b: 0}, None),
            ("a / b", {a: None, b: 2}, None),
            ("a / b", {a: 0, b: 2}, 0),
            ("-a + 2 * b", {a: 1, b: 3}, 5),
            ("min(a, b)", {a: 1, b: None}, None),
            ("max(a, b)", {a: 1, b: 2}, 2),
            ("abs(a - b)", {a: 1, b: 3}, 2),
            ("(a - previous(a)) / previous(a)", {a: 3, before: 2}, 0.5),
            ("(a - previous(a)) / previous(a)", {a: 3}, None),
            ("a / months", {a: 6}, 2),
            ("b / require(a, 5)", {a: 5, b: 2}, 0.4),
            ("b / require(a, 5)", {a: 4, b: 2}, None),
            ("require(a, b)", {a: 4, b: None}, None),
            ("a * margin_rate / (1 + annual_discount_rate - b)", {a: 100, b: 0.625}, 100),
        ]
        constants = {
            "months": 3.0, "days": 91.0, "margin_rate": 0.5, "annual_discount_rate": 0.125,
        }  # fmt: skip
        for text, values, expected in cases:
            with self.subTest(text):
                got = formula.parse(text).evaluate(values, constants)
                self.assertEqual(got, expected)

    def test_no_value_beyond_the_range_of_numbers(self):
        huge = formula.parse("a * 1e300")
        self.assertEqual(huge.evaluate({formula.Component("a"): 2.0}), 2e300)
        self.assertIsNone(huge.evaluate({formula.Component("a"): 1e300}))

    def test_settings_used(self):
        parse = formula.parse
        self.assertEqual(parse("a * margin_rate / days").settings, ("margin_rate",))
        self.assertEqual(parse("previous(a) * days").settings, ())

    def test_sample(self):
        numbers = {formula.Component(code): n for code, n in zip("abcd", (1, 2, 3, 4), strict=True)}
        cases = {
            "a / b": 2,
            "a / (c + d)": 7,
            "100 * (a - b) / (c + d)": 7,
            "c - d": 3,
            "max(c, d) * 2": 3,
            "a + b + c": 6,
            "(c - previous(c)) / max(previous(c), 0)": 3,
            "a / b / months": 2,
            "previous(a)": None,
            "a / require(c, 2)": 3,
            "require(b, d)": 2,
            "d * margin_rate": 4,
        }
        for text, expected in cases.items():
            self.assertEqual(formula.parse(text).sample(numbers), expected, text)

    def test_words(self):
        """Names, operators with the parentheses they need, and the words of the functions."""
        names = {"a": "A", "b": "B"}
        cases = {
            "a - (b - 1)": "A − (B − 1)",
            "a / (b * 2)": "A ÷ (B × 2)",
            "(a + b) * days": "(A + B) × days of the period",
            "-(a + b)": "−(A + B)",
            "target(a) - last_year(b)": "target of A − B one year earlier",
            "max(target(a) - a, 0)": "the larger of (target of A − A) and 0",
            "min(a, b) / require(a, 5)": "the smaller of A and B ÷ A (if at least 5)",
        }
        for text, expected in cases.items():
            self.assertEqual(formula.parse(text).in_words(names), expected, text)
        self.assertEqual(formula.parse("b / require(a, 5)").in_words(names, brief=True), "B ÷ A")
        translated = formula.parse("abs(a)").in_words(
            names, {"absolute value of %(a)s": "|%(a)s|"}.get
        )
        self.assertEqual(translated, "|A|")

    def test_units(self):
        units = {"won": "money", "hours": "hours", "n": ""}
        parse = formula.parse
        self.assertEqual(parse("won / n").unit(units), {"money": 1})
        self.assertEqual(parse("won / won").unit(units), {})
        self.assertEqual(parse("n * won / hours").unit(units), {"money": 1, "hours": -1})
        self.assertEqual(parse("max(won - 5, 0)").unit(units), {"money": 1})
        # a rate is a bare number; compared values need the same unit
        self.assertEqual(
            parse("won * margin_rate / (1 + annual_discount_rate)").unit(units), {"money": 1}
        )
        self.assertEqual(parse("require(won, 100) / require(n, 5)").unit(units), {"money": 1})
        for text in (
            "won + margin_rate",
            "require(won, n)",
            "won + n",
            "min(won, hours)",
            "won - won / n * hours",
        ):
            with self.subTest(text), self.assertRaises(formula.FormulaError):
                parse(text).unit(units)

    def test_periods_cover_every_day_once(self):
        first = date(2023, 12, 25)
        for kind in periods.CALENDAR_KINDS:
            spans = periods.spans(kind, first, date(2029, 1, 10))
            self.assertTrue(all(a[1] == b[0] for a, b in pairwise(spans)))
            for offset in range(0, 1800, 7):
                day = first + timedelta(days=offset)
                holding = [span for span in spans if span[0] <= day < span[1]]
                self.assertEqual(holding, [periods.bounds(kind, day)])

    def test_local_days_over_clock_changes(self):
        """A day has 23, 24 or 25 hours, and every moment is in exactly one day."""
        expected = {"2026-03-29": 23, "2026-10-25": 25, "2026-06-01": 24}
        for text, hours in expected.items():
            day = date.fromisoformat(text)
            start = periods.utc_midnight(day, "Europe/Brussels")
            end = periods.utc_midnight(day + timedelta(days=1), "Europe/Brussels")
            self.assertEqual((end - start).total_seconds() / 3600, hours)
            self.assertEqual(periods.local_day(start, "Europe/Brussels"), day)
            self.assertEqual(periods.local_day(end - timedelta(seconds=1), "Europe/Brussels"), day)
        # a midnight that does not exist: the day begins with its first moment
        self.assertEqual(
            periods.utc_midnight(date(2018, 11, 4), "America/Sao_Paulo"),
            datetime(2018, 11, 4, 3),
        )

    def test_tracks_never_overlap(self):
        generator = random.Random(3)
        spans = []
        for i in range(200):
            start = generator.randint(0, 100)
            spans.append((start, start + generator.randint(1, 20), i))
        tracks = periods.tracks(spans)
        self.assertEqual(sorted(s for track in tracks for s in track), sorted(spans))
        for track in tracks:
            for one, other in pairwise(track):
                self.assertLessEqual(one[1], other[0])


@tagged("post_install", "-at_install")
class TestFormulaSql(TransactionCase):
    def test_new_function_is_one_entry(self):
        """A function added to the table is parsed, computed, explained and exported."""
        between = functions.Function(
            "between",
            3,
            "%(a)s between %(b)s and %(c)s",
            sql="GREATEST(%(b)s, LEAST(%(a)s, %(c)s))",
            evaluate=lambda a, b, c: max(b, min(a, c)),
            excel="MEDIAN({a},{b},{c})",
            sample=functions.first_sample,
        )
        with patch.dict(functions.FUNCTIONS, between=between):
            parsed = formula.parse("2 * between(won, 1, lost)")
            won, lost = parsed.components
            self.assertEqual((won, lost), (("won", ""), ("lost", "")))
            for numbers, expected in (((0, 5), 2), ((3, 5), 6), ((9, 5), 10)):
                values = dict(zip(parsed.components, numbers, strict=True))
                self.assertEqual(parsed.evaluate(values), expected)
                columns = {part: SQL("%s::float8", value) for part, value in values.items()}
                [[got]] = self.env.execute_query(SQL("SELECT %s", parsed.to_sql(columns, {})))
                self.assertEqual(got, expected)
            self.assertIsNone(parsed.evaluate({won: 1, lost: None}))
            self.assertEqual(
                parsed.in_words({"won": "Won", "lost": "Lost"}), "2 × Won between 1 and Lost"
            )
            self.assertEqual(parsed.unit({"won": "money", "lost": "money"}), {"money": 1})
            with self.assertRaises(formula.FormulaError):
                parsed.unit({"won": "money", "lost": "hours"})
            self.assertEqual(parsed.sample({won: 7, lost: 3}), 7)
            self.assertEqual(
                formulas.ratio_formula(parsed.tree, {won: "B2", lost: "C2"}, {}),
                '=IF(COUNT(B2,C2)<2,"",IFERROR((2*MEDIAN(B2,1,C2)),""))',
            )
            self.assertIn("between(a, b, c)", self.env["crm.kpi"].new({}).formula_help)
            kpi = self.env["crm.kpi"].new({"code": "between"})
            with self.assertRaises(ValidationError):
                kpi._check_code()
        with self.assertRaises(formula.FormulaError):
            formula.parse("2 * between(won, 1, lost)")

    def test_sql_equals_python(self):
        """Random formulas over random numbers: PostgreSQL and Python agree."""
        generator = random.Random(11)
        names = ["a", "b", "previous(a)", "2", "0.5", "days", "c", "margin_rate"]

        def draw(depth):
            if not depth or generator.random() < 0.2:
                return generator.choice(names)
            kind = generator.choice("+-*/+-*/mxur")
            if kind == "u":
                return f"(-{draw(depth - 1)})"
            if kind in "mxr":
                name = {"m": "min", "x": "max", "r": "require"}[kind]
                return f"{name}({draw(depth - 1)}, {draw(depth - 1)})"
            return f"({draw(depth - 1)} {kind} {draw(depth - 1)})"

        for _i in range(300):
            text = f"({draw(4)}) + a - a"
            parsed = formula.parse(text)
            values = {
                component: generator.choice([None, 0.0, 1.0, -2.0, 3.5])
                for component in parsed.components
            }
            columns = {component: SQL("%s::float8", value) for component, value in values.items()}
            constants = {"days": 31.0, "months": 1.0, "margin_rate": 0.35}
            [[got]] = self.env.execute_query(
                SQL(
                    "SELECT %s",
                    parsed.to_sql(
                        columns, {name: SQL("%s::float8", v) for name, v in constants.items()}
                    ),
                )
            )
            expected = parsed.evaluate(values, constants)
            if expected is None:
                self.assertIsNone(got, text)
            else:
                self.assertAlmostEqual(got, expected, 9, text)
