# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How ``./run test`` deals all tests out to several processes, and what Hypothesis looks at."""

import os
import re
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis.internal.conjecture import providers

REPO = Path(__file__).resolve().parent
ADDONS = str(REPO / "crm_kpi")
BROWSER = re.compile(r"^\s+self\.(start_tour|browser_js)\(", re.M)
#: What takes longest beside tests in the browser: begun first, so that nothing of it is left for
#: one process alone at the end. Nothing breaks if the list grows old.
LONG = (
    "test_demo.py",
    "test_sales_pipeline.py",
    "test_cron.py",
    "_random.py",
    "test_backfill_steps.py",
    "test_customer",
)

# Hypothesis draws some values from the constants of the code under test, which for it is all code
# outside of site-packages: it would parse the thousands of files of Odoo, in every process, and
# what it draws would depend on which of them are loaded by then.
providers.is_local_module_file = lambda path: path.startswith(ADDONS) and "/tests/" not in path


@pytest.fixture(scope="session", autouse=True)
def own_filestore(request):
    """Give each worker files of its own.

    pytest-odoo gives it a database of its own, but lets all of them share the files: what one
    has written would be half there for another one, or be removed by its clean-up.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        yield
        return
    request.getfixturevalue("load_registry")  # in which pytest-odoo says where the files are
    from odoo.tools import config

    shared = config.filestore(config["db_name"])
    own = f"{shared}-{worker}"
    shutil.copytree(shared, own)
    config.filestore.return_value = own
    yield
    shutil.rmtree(own)


@cache
def _rank(file):
    """The place of a test file in the order of all: what takes long is begun first."""
    if BROWSER.search((REPO / file).read_text()):
        return 0
    return next((n for n, name in enumerate(LONG, start=1) if name in file), len(LONG) + 1)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _rank(item.nodeid.split("::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report):
    """Say in words what a part of a test (``subTest``) is about: only plain values travel."""
    context = getattr(report, "context", None)
    if hasattr(context, "kwargs"):
        told = {name: repr(value) for name, value in context.kwargs.items()}
        report.context = replace(context, kwargs=told)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Classes stay together, for what they set up; so do all tests in the browser.

    One browser at a time: on two processors, two of them would wait for each other.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return (
                super()._split_scope(nodeid) if _rank(nodeid.split("::")[0]) else "in the browser"
            )

    config.option.loadscopereorder = False  # the order is that of the collection
    return Scheduler(config, log)
