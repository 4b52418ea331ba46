# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Markers from Odoo's tags, the distribution of a whole run to several processes, and Hypothesis."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis.internal.conjecture import providers

from tools.marks import TAGS, marks

REPO = Path(__file__).resolve().parent
ADDONS = str(REPO / "crm_kpi")
#: The test files that take longest, apart from those in the browser. They start first, so that no
#: process waits for the others at the end. An outdated list costs only time.
LONG = (
    "test_demo.py",
    "test_replica.py",
    "test_two_workers.py",
    "test_sales_pipeline.py",
    "test_cron.py",
    "_random.py",
    "test_backfill_steps.py",
    "test_customer",
)

# Hypothesis draws some values from the constants of the code under test. For Hypothesis this is all
# code outside of site-packages: every process would parse thousands of files of Odoo, and the drawn
# values would depend on which of these files are already loaded.
providers.is_local_module_file = lambda path: path.startswith(ADDONS) and "/tests/" not in path


@pytest.fixture(scope="session", autouse=True)
def own_filestore(request):
    """Give each worker its own attachments.

    pytest-odoo gives each worker its own database, but all workers share the attachments: one
    would read files that another one is writing, or remove them when it cleans up.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        yield
        return
    request.getfixturevalue("load_registry")  # pytest-odoo sets the folder in this fixture
    from odoo.tools import config

    shared = config.filestore(config["db_name"])
    own = f"{shared}-{worker}"
    shutil.copytree(shared, own)
    config.filestore.return_value = own
    yield
    shutil.rmtree(own)


def _rank(file):
    """Position of a test file in the order of all: the files that take longest start first."""
    if "browser" in marks(REPO / file):
        return 0
    return next((n for n, name in enumerate(LONG, start=1) if name in file), len(LONG) + 1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Odoo's tags become markers (before pytest selects by ``-m``); workers start with long files."""
    for item in items:
        for tag in TAGS.intersection(getattr(item.cls, "test_tags", None) or ()):
            item.add_marker(tag)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.nodeid.split("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report):
    """Turn the parameters of a ``subTest`` into text: workers can send only plain values."""
    context = getattr(report, "context", None)
    if hasattr(context, "kwargs"):
        texts = {name: repr(value) for name, value in context.kwargs.items()}
        report.context = replace(context, kwargs=texts)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a class together, because they share a set-up, and all browser tests.

    Two browsers at the same time would wait for each other on two processors.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return (
                super()._split_scope(nodeid) if _rank(nodeid.split("::")[0]) else "in the browser"
            )

    config.option.loadscopereorder = False  # the order is that of the collection
    return Scheduler(config, log)
