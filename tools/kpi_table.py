# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The shipped KPIs as the data files of the addons define them, and the table in the README.

    ./run kpi-table

writes the tables between the two marks in README.md anew. Nothing here needs Odoo.
"""

import ast
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

REPO = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- kpi-table -->", "<!-- /kpi-table -->"

AIMS = {"increase": "↑", "decrease": "↓", "maintain": "↔"}
AGGREGATES = {
    "count": "count",
    "count_distinct": "distinct count",
    "sum": "sum",
    "sum_known": "sum",
    "avg": "mean",
    "min": "minimum",
    "max": "maximum",
    "median": "median",
    "p90": "90th percentile",
}
VALUES = {"@customer": "customers", "@age_days": "age in days", "@age_hours": "age in hours"}
FUNCTIONS = {
    "previous": "{} of the period before",
    "last_year": "{} a year ago",
    "target": "target of {}",
}
CONSTANTS = {
    "days": "days",
    "months": "months",
    "margin_rate": "margin rate of the settings",
    "annual_discount_rate": "annual discount rate of the settings",
}


@dataclass
class Kpi:
    """A KPI as shipped; ``fields`` are the texts of its record, references without module."""

    addon: str
    fields: dict = field(default_factory=dict)
    counter: str | None = None
    paired_by: str = ""  # addon whose data names the counter-metric

    def __getattr__(self, name):
        try:
            return self.__dict__["fields"].get(name, "")
        except KeyError:
            raise AttributeError(name) from None

    @property
    def is_component(self):
        return self.fields.get("is_component") == "True"


@dataclass
class Shipped:
    """What the data files of all addons hold: KPIs by code, sources and categories by id."""

    kpis: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    categories: dict = field(default_factory=dict)
    apps: dict = field(default_factory=dict)


def manifests(repo=REPO):
    """Manifest of each addon by its name, those that an addon depends on before it."""
    found = {
        path.parent.name: ast.literal_eval(path.read_text())
        for path in sorted(repo.glob("*/__manifest__.py"))
    }

    def below(name):
        own = [other for other in found[name]["depends"] if other in found]
        return {name}.union(*(below(other) for other in own))

    return {name: found[name] for name in sorted(found, key=lambda name: (len(below(name)), name))}


def _full(addon, name):
    return name if "." in name else f"{addon}.{name}"


def _record(addon, node):
    values = {}
    for item in node.findall("field"):
        text = " ".join((item.text or "").split())
        if "ref" in item.attrib:
            text = _full(addon, item.get("ref"))
        elif "eval" in item.attrib:
            text = item.get("eval")
        values[item.get("name")] = text
    return values


def shipped(repo=REPO):
    """Read the data files that the manifests name, in the order of their installation."""
    result = Shipped()
    by_id = {}
    for addon, manifest in manifests(repo).items():
        result.apps[addon] = manifest["name"].partition(": ")[2]
        for name in manifest.get("data", []):
            if not name.endswith(".xml"):
                continue
            root = ElementTree.parse(repo / addon / name).getroot()  # noqa: S314  (our own files)
            for node in root.iter():
                if node.tag == "function" and node.get("name") == "_pair_counters":
                    pairs = ast.literal_eval(node.find("value").get("eval").strip())
                    for code, counter in pairs.items():
                        result.kpis[code].counter = counter
                        result.kpis[code].paired_by = addon
                if node.tag != "record":
                    continue
                key, values = _full(addon, node.get("id")), _record(addon, node)
                if node.get("model") == "crm.kpi.source":
                    result.sources[key] = values
                elif node.get("model") == "crm.kpi.category":
                    result.categories[key] = values
                elif node.get("model") == "crm.kpi":
                    kpi = by_id.setdefault(key, Kpi(addon))
                    kpi.fields.update(values)
                    result.kpis[kpi.code] = kpi
    return result


# --- IN WORDS ---


def _lower(name):
    """A name inside a sentence; abbreviations stay as they are."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷"}


def _guarded(node):
    """What a guard against small or negative numbers guards: require(x, n), max(x, 0)."""
    while isinstance(node, ast.Call) and (
        node.func.id == "require" or (node.func.id == "max" and ast.unparse(node.args[1]) == "0")
    ):
        node = node.args[0]
    return node


def _formula(text, kpis):
    """The formula with the names of the KPIs instead of their codes."""

    def operand(node, outer, right):
        node = _guarded(node)
        words_ = words(node)
        if not isinstance(node, ast.BinOp):
            return words_
        loose = isinstance(node.op, ast.Add | ast.Sub) and isinstance(outer, ast.Mult | ast.Div)
        return (
            f"({words_})" if loose or (right and isinstance(outer, ast.Sub | ast.Div)) else words_
        )

    def words(node):
        node = _guarded(node)
        if isinstance(node, ast.BinOp):
            left, right = operand(node.left, node.op, False), operand(node.right, node.op, True)
            return f"{left} {SIGNS[type(node.op)]} {right}"
        if isinstance(node, ast.UnaryOp):
            return f"−{operand(node.operand, ast.Mult(), True)}"
        if isinstance(node, ast.Constant):
            return f"{node.value:g}"
        if isinstance(node, ast.Name):
            return _lower(kpis[node.id].name) if node.id in kpis else CONSTANTS[node.id]
        name, arguments = node.func.id, ", ".join(words(argument) for argument in node.args)
        return FUNCTIONS.get(name, f"{name}({{}})").format(arguments)

    result = words(ast.parse(text, mode="eval").body)
    return result[:1].upper() + result[1:]


def computed(kpi, data):
    """How a KPI is computed, in words."""
    if kpi.kind == "formula":
        return _formula(kpi.formula, data.kpis)
    if kpi.kind == "manual":
        return "Manual entries"
    source = data.sources[kpi.source_id]["name"]
    aggregate = AGGREGATES[kpi.aggregator or "count"]
    if aggregate != "count":
        value = VALUES.get(kpi.value_field) or kpi.value_field.split(".")[-1]
        value = re.sub(r"^kpi_|_ids?$", "", value)
        value = re.sub(r"_bh$", " in working time", value)
        aggregate = f"{aggregate} of {value.replace('_', ' ')}"
    return f"{aggregate[:1].upper()}{aggregate[1:]}; {_lower(source)}"


def tables(data):
    """Markdown: one table per category, without the components that only serve formulas."""
    parts = []
    for key, category in sorted(data.categories.items(), key=lambda c: int(c[1]["sequence"])):
        rows = [k for k in data.kpis.values() if k.category_id == key and not k.is_component]
        if not rows:
            continue
        parts += [
            f"#### {category['name']}",
            "",
            "| KPI | What it tells | Computed from | Class | Aim | Unit | Needs |",
            "|---|---|---|---|---|---|---|",
        ]
        for kpi in sorted(rows, key=lambda k: (int(k.sequence or 100), k.code)):
            cells = (
                f"{kpi.name}<br>`{kpi.code}`",
                kpi.description,
                computed(kpi, data),
                kpi.metric_class,
                AIMS[kpi.direction],
                kpi.unit,
                data.apps[kpi.addon] or "–",
            )
            parts.append(f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |")
        parts.append("")
    return "\n".join(parts)


def readme(text, data):
    """The text of the README with the present tables between its marks."""
    before, mark, rest = text.partition(BEGIN)
    _old, other, after = rest.partition(END)
    if not mark or not other:
        raise SystemExit(f"README.md: the marks {BEGIN} and {END} are missing. Put them back.")
    return f"{before}{BEGIN}\n\n{tables(data)}\n{END}{after}"


def main():
    path = REPO / "README.md"
    path.write_text(readme(path.read_text(), shipped()))


if __name__ == "__main__":
    sys.exit(main())
