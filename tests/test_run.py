"""The development tool `./run`: its arguments, its hashes, and one clear line for each missing part."""

import ast
import importlib.machinery
import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tools import (
    addons,
    browser,
    cli,
    common,
    debian,
    installation,
    odoo_source,
    office,
    postgres,
    process,
    python_envs,
    testing,
)
from tools.marks import marks
from tools.state import State
from tools.templates import Templates

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parent.parent


def _load():
    loader = importlib.machinery.SourceFileLoader("crm_kpi_run", str(REPO / "run"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


run = _load()


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / "state")
    state.prepare()
    return state


@pytest.fixture
def addon(tmp_path):
    folder = tmp_path / "repo" / "kpi_thing"
    for name, text in {
        "__manifest__.py": "{'name': 'Thing', 'depends': ['crm', 'kpi_base']}",
        "models/thing.py": "x = 1\n",
        "static/src/thing.js": "let x;\n",
        "tests/test_thing.py": "",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def call(*arguments, **env):
    """Run the script as its users do, without the environment variables of this machine."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PG", "ODOO_", "CRM_KPI_"))
    }
    return subprocess.run(
        [sys.executable, str(REPO / "run"), *arguments],
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_one_line(done, *words):
    """The call failed with a single line that contains these words, without a traceback."""
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("==> ")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("run: ")
    for word in words:
        assert word in lines[0]


# -- command line ----------------------------------------------------------------------------------


def test_every_command_is_described():
    done = call("--help")
    assert done.returncode == 0
    for name in ("demo", "test", "shell", "db", "lint", "wheel", "import-sales", "scale"):
        assert re.search(rf"^\s+{name}\s+\w", done.stdout, re.M), name


def test_pytest_arguments_pass_through():
    options = cli.parse(["test", "-k", "goal or value", "crm_kpi/tests", "-x", "--maxfail=2"])
    assert options.arguments == ["-k", "goal or value", "crm_kpi/tests", "-x", "--maxfail=2"]
    assert cli.parse(["test", "--", "-m", "benchmark"]).arguments == ["-m", "benchmark"]


def test_unknown_arguments_are_refused_elsewhere(capsys):
    with pytest.raises(SystemExit):
        cli.parse(["db", "name", "--modulse", "crm"])
    assert "--modulse" in capsys.readouterr().err


def test_paths_are_separated_from_options(addon, monkeypatch):
    monkeypatch.chdir(addon.parent)
    arguments = ["-k", "thing", "kpi_thing/tests/test_thing.py::TestThing", "-x"]
    options, paths = testing.split_test_arguments(arguments)
    assert options == ["-k", "thing", "-x"]
    assert paths == ["kpi_thing/tests/test_thing.py::TestThing"]


def test_value_of_an_option_is_not_a_path(addon, monkeypatch):
    monkeypatch.chdir(addon.parent)
    options, paths = testing.split_test_arguments(["-k", "kpi_thing", "--cov", "kpi_thing"])
    assert options == ["-k", "kpi_thing", "--cov", "kpi_thing"]
    assert paths == []


MARKED = '''
from odoo import tests
from odoo.tests import tagged

@tagged("post_install", "-at_install", "browser")
class TestTour(HttpCase):
    """self.start_tour("office")"""

class TestOther(TransactionCase):
    pass
'''


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (MARKED, {"browser"}),
        (MARKED.replace("@tagged", "@tests.tagged").replace('"browser"', '"office"'), {"office"}),
        ('"""@tagged("browser")"""\nimport odoo\n', set()),
        ("import pytest\npytestmark = pytest.mark.no_odoo\n", {"no_odoo"}),
        ("pytestmark = [pytest.mark.no_odoo, pytest.mark.benchmark]\n", {"no_odoo"}),
    ],
)
def test_marks_are_read_from_the_source(tmp_path, source, expected):
    file = tmp_path / "test_thing.py"
    file.write_text(source)
    assert marks(file) == expected


def test_selected_files_decide_what_is_fetched(tmp_path):
    def file(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    tour, plain = file("test_tour.py", MARKED), file("test_plain.py", "class TestGoal: pass")
    script = file("test_script.py", "pytestmark = pytest.mark.no_odoo")
    assert testing.Selection.of([tour, script]).browser
    assert testing.Selection.of([f"{tour}::TestTour"]).browser
    assert not testing.Selection.of([plain]).browser
    assert testing.Selection.of([plain, script]).odoo
    assert not testing.Selection.of([script]).odoo
    assert testing.Selection.of([]).odoo


def test_every_browser_test_is_marked():
    """Tests that start a browser are tagged: otherwise their run gets no assets and no Chromium."""
    for file in REPO.glob("crm_kpi*/tests/test_*.py"):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert bool(calls & {"start_tour", "browser_js"}) == ("browser" in marks(file)), file


def test_demo_addons_are_for_demo_databases():
    odoo = installation.Odoo.__new__(installation.Odoo)
    odoo.addons = {"kpi_base": {}, "kpi_base_demo": {}}
    odoo.databases, odoo.state = None, State(Path())
    assert Templates(odoo).all_addons(demo=True) == {"kpi_base", "kpi_base_demo"}
    assert Templates(odoo).all_addons(demo=False) == {"kpi_base"}


@pytest.mark.parametrize(
    ("processors", "arguments", "workers"),
    [
        (2, [], "2"),
        (2, ["-x", "-k", "goal", "--maxfail=2", "--durations=20"], "2"),
        (64, [], str(testing.MAX_WORKERS)),
        (1, [], None),
        (2, ["-n", "3"], None),
        (2, ["-m", "benchmark"], None),
        (2, ["--pdb"], None),
    ],
)
def test_all_tests_share_the_processors(monkeypatch, processors, arguments, workers):
    """Benchmarks and runs with a debugger are not distributed."""
    monkeypatch.setattr(testing.os, "cpu_count", lambda: processors)
    assert testing.distribution(arguments)[1:2] == ([workers] if workers else [])


def test_tasks_side_by_side():
    """Each task waits for the other: one after the other, they would never end."""
    meet = threading.Barrier(2, timeout=20)
    assert sorted(common.side_by_side(meet.wait, meet.wait)) == [0, 1]

    def fail():
        raise common.Problem("no network")

    with pytest.raises(common.Problem, match="no network"):
        common.side_by_side(fail, lambda: 1)


# -- hashes ----------------------------------------------------------------------------------------


def test_tree_hash_follows_content_not_place_or_time(addon, tmp_path):
    before = addons.tree_hash([addon])
    copy = tmp_path / "elsewhere" / addon.name
    copy.parent.mkdir()
    addon.rename(copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    assert addons.tree_hash([copy]) == before
    (copy / "models" / "thing.py").write_text("x = 2\n")
    assert addons.tree_hash([copy]) != before


def test_tree_hash_sees_renames_and_new_files(addon):
    before = addons.tree_hash([addon])
    (addon / "models" / "thing.py").rename(addon / "models" / "other.py")
    renamed = addons.tree_hash([addon])
    (addon / "models" / "empty.py").touch()
    assert len({before, renamed, addons.tree_hash([addon])}) == 3


def test_tests_and_byte_code_need_no_new_template(addon):
    before = addons.tree_hash([addon])
    (addon / "tests" / "test_thing.py").write_text("assert True\n")
    (addon / "models" / "__pycache__").mkdir()
    (addon / "models" / "__pycache__" / "thing.cpython-311.pyc").write_bytes(b"x")
    assert addons.tree_hash([addon]) == before


def test_assets_hash_follows_times_of_static_files(addon):
    before = addons.assets_hash([addon])
    os.utime(addon / "models" / "thing.py", (1, 1))
    assert addons.assets_hash([addon]) == before
    os.utime(addon / "static" / "src" / "thing.js", (1, 1))
    assert addons.assets_hash([addon]) != before


def test_digest_keeps_parts_apart():
    assert common.digest("ab", "c") != common.digest("a", "bc")


def test_modules_are_split_into_own_and_external():
    manifests = {
        "kpi": {"depends": ["sale_crm"]},
        "kpi_desk": {"depends": ["kpi", "helpdesk_mgmt"]},
    }
    assert addons.split_modules(["kpi_desk", "stock"], manifests) == (
        {"kpi", "kpi_desk"},
        {"sale_crm", "helpdesk_mgmt", "stock"},
    )


def test_addons_are_found_and_a_broken_manifest_is_reported(addon, monkeypatch):
    monkeypatch.setattr(addons, "REPO", addon.parent)
    assert list(addons.repo_addons(addon.parent)) == ["kpi_thing"]
    (addon / "__manifest__.py").write_text("{'name': ")
    with pytest.raises(common.Problem, match=r"kpi_thing/__manifest__.py is not a valid manifest"):
        addons.repo_addons(addon.parent)


# -- stamps ----------------------------------------------------------------------------------------


def test_environment_is_made_once_per_content(state, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(python_envs, "empty_venv", lambda target, _log: target.mkdir())
    monkeypatch.setattr(
        python_envs, "install_packages", lambda *arguments: made.append(arguments[1].name)
    )
    pins = tmp_path / "pins.txt"
    pins.write_text("a==1\n")
    first = python_envs.make_venv(state, "venv", [pins])
    assert python_envs.make_venv(state, "venv", [pins]) == first
    pins.write_text("a==2\n")
    assert python_envs.make_venv(state, "venv", [pins]) != first
    assert len(made) == 2


def test_broken_environment_is_made_again(state, tmp_path, monkeypatch):
    monkeypatch.setattr(python_envs, "empty_venv", lambda target, _log: target.mkdir(exist_ok=True))
    pins = tmp_path / "pins.txt"
    pins.write_text("a==1\n")

    def fail(*_arguments):
        raise common.Problem("no network")

    monkeypatch.setattr(python_envs, "install_packages", fail)
    with pytest.raises(common.Problem):
        python_envs.make_venv(state, "venv", [pins])
    monkeypatch.setattr(python_envs, "install_packages", lambda *_arguments: None)
    assert (python_envs.make_venv(state, "venv", [pins]) / ".complete").exists()


def test_files_are_only_written_when_they_change(tmp_path):
    path = tmp_path / "odoo.conf"
    common.write_if_changed(path, "a")
    os.utime(path, (1, 1))
    common.write_if_changed(path, "a")
    assert path.stat().st_mtime == 1
    common.write_if_changed(path, "b")
    assert path.read_text() == "b"
    assert list(tmp_path.iterdir()) == [path]


# -- what is missing is reported in one line -----------------------------------------------------------


def test_port_in_use(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("demo", "--port", str(port), CRM_KPI_STATE=str(tmp_path))
    assert_one_line(done, f"port {port} is in use", f"./run demo --port {port + 1}")


def test_wrong_odoo_series(tmp_path):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo" / "release.py").write_text("version_info = (18, 0, 0, FINAL, 0, '')\n")
    done = call("db", "x", CRM_KPI_STATE=str(tmp_path / "state"), ODOO_HOME=str(tmp_path))
    assert_one_line(done, "is Odoo 18.0, but 19.0 is needed", "unset ODOO_HOME")


def test_no_odoo_where_it_should_be(tmp_path):
    done = call("db", "x", CRM_KPI_STATE=str(tmp_path / "state"), ODOO_HOME=str(tmp_path))
    assert_one_line(done, "holds no odoo/release.py")


def test_postgresql_user_that_odoo_refuses(tmp_path):
    url = "postgresql://postgres@localhost/"
    assert_one_line(call("db", "x", "--db-url", url, CRM_KPI_STATE=str(tmp_path)), "createuser")


def test_state_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    done = call("db", "x", CRM_KPI_STATE=str(tmp_path / "file" / "state"))
    assert_one_line(done, "cannot be written", "CRM_KPI_STATE")


def test_no_folder_to_import(tmp_path):
    done = call("import-sales", str(tmp_path / "none"), "x", CRM_KPI_STATE=str(tmp_path))
    assert_one_line(done, "none is not there: name the folder")
    done = call("import-sales", str(tmp_path), "x", CRM_KPI_STATE=str(tmp_path))
    assert_one_line(done, "holds no sales_pipeline.csv")
    assert not (tmp_path / "locks").exists()  # nothing was created for it


def test_unknown_module(tmp_path):
    """Odoo would create a database without it, without an error."""
    packages = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    for place in (tmp_path / "odoo" / "addons" / "crm", packages / "odoo" / "addons" / "helpdesk"):
        place.mkdir(parents=True)
        (place / "__manifest__.py").touch()
    odoo = installation.Odoo.__new__(installation.Odoo)
    odoo.home, odoo.venv, odoo.addons = tmp_path, tmp_path / "venv", {"kpi_base": {}}
    odoo.need_modules(["crm", "helpdesk"])
    with pytest.raises(common.Problem, match=r"no module croquet: .* kpi_base"):
        odoo.need_modules(["crm", "croquet"])


@pytest.mark.skipif(not Path("/usr/bin/apt-get").exists(), reason="needs apt")
def test_no_network_for_odoo(state, monkeypatch):
    """apt is directed to a port where nothing listens."""
    monkeypatch.setattr(odoo_source, "installed_odoo", list)
    monkeypatch.setattr(debian.Apt, "RETRIES", "0")
    monkeypatch.setattr(odoo_source, "debian_release", lambda: "bookworm")
    monkeypatch.setattr(odoo_source, "debian_mirror", lambda suite: "http://127.0.0.1:9/debian")
    monkeypatch.delenv("ODOO_HOME", raising=False)
    monkeypatch.setenv("http_proxy", "")
    with pytest.raises(
        common.Problem,
        match=r"lists cannot be fetched \(.*127\.0\.0\.1.*check the network .*ODOO_HOME",
    ):
        odoo_source.find_odoo(state)


def test_no_network_for_python_packages(state, tmp_path, monkeypatch):
    """Both uv and pip are directed to an index where nothing listens."""
    pins = tmp_path / "pins.txt"
    pins.write_text("a-package==1\n")
    monkeypatch.setattr(python_envs, "installer", lambda _state: Path(sys.executable))
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull if name == "PIP_CONFIG_FILE" else "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (state.root / "venv" / "bin").mkdir(parents=True)
    (state.root / "venv" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(
        python_envs,
        "run_logged",
        lambda command, log, **_options: _fail(command, log, "Error: no route"),
    )
    with pytest.raises(common.Problem, match=r"cannot be installed .*no route.*check the network"):
        python_envs.install_packages(
            state, state.root / "venv", [([pins], [])], state.logs / "pip.log"
        )


def _fail(command, log, words):
    log.write_text(f"{words}\n")
    raise subprocess.CalledProcessError(1, command)


def test_no_chromium(state, monkeypatch, capsys):
    """Without a browser its tests are skipped with a message; in strict mode it is an error."""

    def fail(_state):
        raise common.Problem("no network")

    monkeypatch.setattr(browser, "find_chromium", lambda _state: None)
    monkeypatch.setattr(browser, "fetch_chromium", fail)
    monkeypatch.delenv("CRM_KPI_STRICT", raising=False)
    browser.need_chromium(state)
    shown = capsys.readouterr().err
    assert "apt install chromium" in shown
    assert "skipped" in shown
    monkeypatch.setenv("CRM_KPI_STRICT", "1")
    with pytest.raises(common.Problem, match="apt install chromium"):
        browser.need_chromium(state)


def test_no_office(state, monkeypatch, capsys):
    """The same for LibreOffice, which recalculates workbooks."""

    def fail(_state):
        raise common.Problem("no network")

    monkeypatch.setattr(office, "find_office", lambda _state: None)
    monkeypatch.setattr(office, "fetch_office", fail)
    monkeypatch.delenv("CRM_KPI_STRICT", raising=False)
    office.need_office(state)
    assert "apt install libreoffice-calc" in capsys.readouterr().err
    monkeypatch.setenv("CRM_KPI_STRICT", "1")
    with pytest.raises(common.Problem, match="apt install libreoffice-calc"):
        office.need_office(state)


def test_not_debian(monkeypatch):
    monkeypatch.setattr(debian.Path, "read_text", lambda _path: "ID=fedora\n")
    with pytest.raises(common.Problem, match=r"not Debian.*ODOO_HOME"):
        debian.debian_release()


def test_unsupported_python(monkeypatch):
    monkeypatch.setattr(python_envs.sys, "version_info", (3, 15, 0))
    monkeypatch.setattr(python_envs.shutil, "which", lambda _name: None)
    with pytest.raises(common.Problem, match=r"Python 3.10 to 3.13"):
        python_envs.base_python()


def test_older_python_shows_the_required_version():
    """An older Python must be able to parse the file, or it shows only a syntax error."""
    ast.parse(Path(run.__file__).read_text(), feature_version=(3, 8))


def test_too_old_python(monkeypatch, capsys):
    monkeypatch.setattr(run.sys, "version_info", (3, 8, 18))
    assert run.main(["demo"]) == 2
    assert re.fullmatch(
        r"run: Python 3\.10 or newer is needed, this is 3\.8\.18: .*\n", capsys.readouterr().err
    )


def test_existing_server_is_read_from_the_address():
    server = postgres.existing_server("postgresql://kpi:se%40cret@db.example:6543/?sslmode=require")
    assert server.env() == {
        "PGHOST": "db.example",
        "PGPORT": "6543",
        "PGUSER": "kpi",
        "PGPASSWORD": "se@cret",
        "PGSSLMODE": "require",
    }


def test_existing_server_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("PGHOST", "/var/run/postgresql")
    monkeypatch.setenv("PGUSER", "kpi")
    monkeypatch.delenv("CRM_KPI_DB_URL", raising=False)
    assert postgres.existing_server(None).host == "/var/run/postgresql"
    monkeypatch.delenv("PGHOST")
    assert postgres.existing_server(None) is None


def test_error_line_of_a_log(tmp_path):
    log = tmp_path / "log"
    log.write_text("fine\nE: Unable to fetch\nwaiting\n")
    assert process.error_line(log) == "E: Unable to fetch"
