# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can be chosen in the definition of a KPI: values of its fields with their labels."""

AGGREGATORS = [
    ("count", "Count"),
    ("sum", "Sum"),
    ("sum_known", "Sum (empty when there are no records)"),
    ("avg", "Average"),
    ("min", "Minimum"),
    ("max", "Maximum"),
    ("median", "Median"),
    ("p90", "90th percentile"),
    ("count_distinct", "Distinct count"),
]
UNITS = [
    ("count", "Number"),
    ("money", "Money"),
    ("percent", "Percentage"),
    ("ratio", "Ratio"),
    ("score", "Score"),
    ("hours", "Hours"),
    ("days", "Days"),
    ("months", "Months"),
]
METRIC_CLASSES = [
    ("input", "Input"),
    ("process", "Process"),
    ("output", "Output"),
    ("outcome", "Outcome"),
]
