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

from ..definitions import words
from ..engine import formula, formula_text, functions, periods
from ..periods import comparison
from ..workbook import formulas


class TestEngine(BaseCase):
    def test_doctests(self):
        for module in (formula, formula_text, functions, periods, comparison, words):
            with self.subTest(module.__name__):
                result = doctest.testmod(module, extraglobs={"date": date, "datetime": datetime})
                self.assertGreater(result.attempted, 0)
                self.assertEqual(result.failed, 0)

    def test_formula_refuses_everything_else(self):
        """Formulas are data: only KPIs, numbers and the listed functions are accepted."""
        refused = {
            "": "empty",
            "1 +": "operand",
            "a / / b": "operand",
            "* a": "operand",
            "min(, a)": "operand",
            "a b": "operator",
            "a (b + 1)": "function",
            "2 (a)": "element",
            "(a + b": "unclosed",
            "a + b)": "unopened",
            "a $ b": "sign",
            "a # / b": "sign",
            "1 + 2": "empty",
            "a ** 2": "element",
            "a % 2": "element",
            "a if b else c": "operator",
            "a.b": "element",
            "a[0]": "element",
            "'a'": "element",
            "True": "element",
            "(a, b)": "element",
            "lambda: a": "element",
            "[a for a in b]": "element",
            "f'{a}'": "element",
            "not a": "element",
            "a < b": "condition",
            "a = b": "condition",
            "if(a, b, c)": "condition",
            "if(a < b < c, 1, 2)": "condition",
            "if(a > 1 and b > 1, 1, 2)": "condition",
            "if(a > 1, b)": "arguments",
            "min(a > b, 1)": "condition",
            "a / 0": "zero",
            "a / (2 - 4 / 2)": "zero",
            "a and b": "element",
            "a; b": "sign",
            "open(a)": "function",
            "(lambda: a)()": "element",
            "a.__class__()": "element",
            "min(a)": "arguments",
            "min(a, b, c)": "arguments",
            "min(a, b, key=c)": "arguments",
            "previous(a + b)": "shift",
            "to_date(a + b)": "shift",
            "to_date(a, 3)": "shift",
            "rolling(a)": "periods",
            "rolling(a, b)": "periods",
            "rolling(a, 1)": "periods",
            "rolling(a, 2.5)": "periods",
            "rolling(a, True)": "periods",
            "rolling(a, -2)": "periods",
            "rolling(a, 61)": "periods",
            "rolling(a + b, 3)": "periods",
            "rolling(days, 3)": "periods",
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
            ("a × b ÷ 2 − 1", {a: 3, b: 4}, 5),
            ("if(a > 2, b, 0)", {a: 3, b: 4}, 4),
            ("if(a > 2, b, 0)", {a: 2, b: 4}, 0),
            ("if(a >= b, 1, 2)", {a: 2, b: 2}, 1),
            ("if(a = b, 1, 2)", {a: 2, b: 2}, 1),
            ("if(a <> b, 1, 2)", {a: 2, b: 2}, 2),
            ("if(a == b, 1, 2) + if(a != b, 10, 20)", {a: 2, b: 3}, 12),
            # only the chosen branch is needed
            ("if(a > 0, b / a, 0)", {a: 0, b: 4}, 0),
            ("if(a > 0, b, 7)", {a: 0, b: None}, 7),
            ("if(a > 0, b, 7)", {a: 1, b: None}, None),
            ("if(a > b, 1, 2)", {a: 1, b: None}, None),
            ("coalesce(a, b)", {a: None, b: 2}, 2),
            ("coalesce(a, b)", {a: 0, b: 2}, 0),
            ("coalesce(a / b, 5)", {a: 1, b: 0}, 5),
            ("coalesce(a, b)", {a: None, b: None}, None),
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
            "if(a > 0, c / d, 0)": 4,
            "if(c > b, 1, 0)": 2,
            "coalesce(c, a)": 3,
            "a / rolling(a, 3)": 5,
            "a + previous(b)": 1,
        }
        numbers[formula.Component("a", "rolling 3")] = 5
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
            "rolling(a, 12) / to_date(b)": "A of the last 12 periods ÷ B of the year so far",
            "if(a >= 5, b, 0)": "B if A ≥ 5, otherwise 0",
            "coalesce(a, 0) / b": "(A, or 0 where it has no value) ÷ B",
            "if(coalesce(a, 0) <> 0, 1, b)": "1 if (A, or 0 where it has no value) ≠ 0, otherwise B",
        }
        for text, expected in cases.items():
            self.assertEqual(formula.parse(text).in_words(names), expected, text)
        self.assertEqual(formula.parse("b / require(a, 5)").in_words(names, brief=True), "B ÷ A")
        translated = formula.parse("abs(a)").in_words(
            names, {"absolute value of %(a)s": "|%(a)s|"}.get
        )
        self.assertEqual(translated, "|A|")

    def test_units(self):
        units = {"won": "money", "hours": "hours", "n": "count", "rate": "percent", "nps": "score"}
        cases = {
            "won / n": ({"money": 1}, ""),
            "won / won": ({}, "share"),
            "n * won / hours": ({"money": 1, "hours": -1}, ""),
            "max(won - 5, 0)": ({"money": 1}, ""),
            # a rate is a bare number; compared values need the same unit
            "won * margin_rate / (1 + annual_discount_rate)": ({"money": 1}, ""),
            "require(won, 100) / require(n, 5)": ({"money": 1}, ""),
            "n + 2 * n": ({}, "count"),
            "n * rate - n": ({}, "count"),
            "n / n": ({}, "share"),
            "1 - n / n": ({}, "share"),
            "rate + n / n": ({}, "percent"),
            "100 * n / n": ({}, ""),
            "100 * n / n + nps": ({}, ""),
            "n / n / months": ({}, ""),
            "1 / rate": ({}, ""),
            "(rate + rate) / 2": ({}, "percent"),
            "rate * rate": ({}, "percent"),
            "if(n > 5, rate, 0)": ({}, "percent"),
            "if(won > 5, 1, 0) * hours": ({"hours": 1}, ""),
            "coalesce(won, 0)": ({"money": 1}, ""),
        }
        for text, expected in cases.items():
            quantity = formula.parse(text).quantity(units)
            self.assertEqual((quantity.unit, quantity.kind), expected, text)
        refused = {
            "won + margin_rate": ("+", "won", "margin rate in the settings"),
            "require(won, n)": ("require", "won", "n"),
            "won + n": ("+", "won", "n"),
            "won + 2 * won - n": ("-", "won + 2 × won", "n"),
            "min(won, hours)": ("min", "won", "hours"),
            "won - won / n * hours": ("-", "won", "won ÷ n × hours"),
            "n + rate": ("+", "n", "rate"),
            "nps - rate": ("-", "nps", "rate"),
            "n + margin_rate": ("+", "n", "margin rate in the settings"),
            "if(won > n, 1, 2)": (">", "won", "n"),
            "if(won > 1, won, n)": ("if", "won", "n"),
            "coalesce(n, rate)": ("coalesce", "n", "rate"),
        }
        for text, expected in refused.items():
            with self.subTest(text), self.assertRaises(formula.FormulaError) as caught:
                formula.parse(text).quantity(units)
            reason, sign, left, right = caught.exception.args
            self.assertEqual((reason, sign, left.words, right.words), ("units", *expected))

    def test_cycles(self):
        formulas_ = {
            code: formula.parse(text)
            for code, text in {"a": "b + x", "b": "c + a", "c": "d", "d": "c"}.items()
        }
        self.assertEqual(formula.cycle_through("a", formulas_), ["a", "b", "a"])
        self.assertEqual(formula.cycle_through("c", formulas_), ["c", "d", "c"])
        self.assertEqual(formula.cycle_through("x", formulas_), [])

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
            self.assertEqual(parsed.quantity({"won": "money", "lost": "money"}).unit, {"money": 1})
            with self.assertRaises(formula.FormulaError):
                parsed.quantity({"won": "money", "lost": "hours"})
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
            kind = generator.choice("+-*/+-*/mxuric")
            if kind == "u":
                return f"(-{draw(depth - 1)})"
            if kind == "i":
                sign = generator.choice(["<", "<=", ">", ">=", "=", "<>"])
                condition = f"{draw(depth - 1)} {sign} {draw(depth - 1)}"
                return f"if({condition}, {draw(depth - 1)}, {draw(depth - 1)})"
            if kind == "c":
                return f"coalesce({draw(depth - 1)}, {draw(depth - 1)})"
            if kind in "mxr":
                name = {"m": "min", "x": "max", "r": "require"}[kind]
                return f"{name}({draw(depth - 1)}, {draw(depth - 1)})"
            return f"({draw(depth - 1)} {kind} {draw(depth - 1)})"

        for _i in range(300):
            text = f"({draw(4)}) + a - a"
            try:
                parsed = formula.parse(text)
            except formula.FormulaError as error:
                self.assertEqual(error.args, ("zero",), text)
                continue
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
