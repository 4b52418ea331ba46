# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Template databases in layers; a database to work with is a copy, which takes a second.

1. the modules from elsewhere, which rarely change;
2. the addons of this repository;
3. the addons with demo data; at the same time, on another copy, the web assets.

The name of a template holds a hash of everything that it depends on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from . import assets
from .addons import assets_hash, is_demo, split_modules, tree_hash
from .common import REPO, Problem, digest, side_by_side, step
from .databases import quoted
from .installation import ADDON_PINS, ODOO_PINS, Odoo

DEMO_MODULES = {"sale_management"}  # always in the first layer: the demo shows quotations
#: Modules while the repository has no addon yet.
BEFORE_ADDONS = {"sale_management", "sale_crm", "crm", "helpdesk_mgmt"}
KEPT = 6  # templates of each layer
UNUSED_SECONDS = 1200  # after which a template above that number is dropped


class Templates:
    """Makes templates with the modules of an Odoo, and drops old ones."""

    def __init__(self, odoo: Odoo) -> None:
        self.odoo = odoo
        self.databases = odoo.databases
        self.locks = odoo.state.locks

    def all_addons(self, demo: bool) -> set[str]:
        """All addons of this repository; those with demo data only for demo databases."""
        return {name for name in self.odoo.addons if demo or not is_demo(name)}

    def get(
        self, modules: Iterable[str] | None = None, demo: bool = True, web: bool = False
    ) -> str:
        """Name of the template with these modules (default: all addons); it is made if necessary."""
        chosen = set(modules or self.all_addons(demo) or BEFORE_ADDONS)
        own, external = split_modules(
            chosen if modules else chosen | DEMO_MODULES, self.odoo.addons
        )
        self.odoo.need_modules(external)
        name = self._dependencies(external, demo)
        stories = {addon for addon in own if is_demo(addon)}
        if own - stories:
            name = self._addons(name, own - stories, demo)
        base, tasks = name, []
        if stories:
            tasks.append(lambda: self._addons(base, stories, demo))
        if own and web:
            tasks.append(lambda: self._web(base, own, demo))
        if len(tasks) == 2:
            name = self._joined(*side_by_side(*tasks))
        elif tasks:
            name = tasks[0]()
        (self.locks / name).touch()
        return name

    # -- layers --------------------------------------------------------------------------------

    def _dependencies(self, external: set[str], demo: bool) -> str:
        odoo, names = self.odoo, ",".join(sorted(external))
        # The pins of packages that only tests need are left out: they change no database.
        pins = [path.read_bytes() for path in (ODOO_PINS, ADDON_PINS)]
        release = (odoo.home / "odoo" / "release.py").read_bytes()
        key = digest(names, str(demo), str(odoo.home), str(odoo.state.root), release, *pins)
        name = f"tpl_deps_{key}"

        def fill(build: str) -> None:
            with step(f"installing {', '.join(sorted(external))} and what they need"):
                odoo.install(build, external, demo, f"install-{name}")

        return self._layer(None, name, fill)

    def _addons(self, source: str, addons: set[str], demo: bool) -> str:
        key = digest(source, ",".join(sorted(addons)), tree_hash(_folders(addons)))
        name = f"tpl_addon_{key}"

        def fill(build: str) -> None:
            with step(f"installing {', '.join(sorted(addons))}"):
                self.odoo.install(build, addons, demo, f"install-{name}")

        return self._layer(source, name, fill)

    def _web(self, source: str, addons: set[str], demo: bool) -> str:
        name = f"tpl_web_{digest(source, str(REPO), assets_hash(_folders(addons)))}"

        def fill(build: str) -> None:
            arguments = ("shell", "-d", build, "--no-http")
            with step("making web assets"):
                self.odoo.call(f"assets-{name}", *arguments, stdin=assets.script(demo))

        return self._layer(source, name, fill)

    def _joined(self, stories: str, web: str) -> str:
        """Template with the data of one template and the web assets of another one."""
        name = f"tpl_joined_{digest(stories, web)}"

        def fill(build: str) -> None:
            source = f"{build}_web"  # a template accepts no connections, its copy does
            self.databases.drop(source)
            try:
                self.databases.copy(web, source)
                assets.transfer(self.databases, source, build)
            finally:
                self.databases.drop(source)

        return self._layer(stories, name, fill)

    def _layer(self, source: str | None, name: str, fill: Callable[[str], None]) -> str:
        """Make a template under another name and rename it when complete, so no half template is used."""
        if self._complete(name):
            return name
        databases = self.databases
        with self.odoo.state.lock(name):
            if self._complete(name):
                return name
            build = f"build_{name}"
            databases.drop(build)
            databases.drop(name)
            try:
                if source:
                    databases.copy(source, build)
                fill(build)
                databases.filestore(build).rename(databases.filestore(name))
                databases.sql(
                    f"ALTER DATABASE {quoted(build)} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false",
                    f"ALTER DATABASE {quoted(build)} RENAME TO {quoted(name)}",
                )
            finally:
                databases.drop(build)
        self.prune(keep=name)
        return name

    def _complete(self, name: str) -> bool:
        """Whether a template is there with its attachments (the state folder may have been removed)."""
        return self.databases.exists(name) and self.databases.filestore(name).exists()

    def prune(self, keep: str) -> None:
        """Drop templates that were not used lately: every change of the code makes a new one."""
        layer = keep.rsplit("_", 1)[0]
        names = [name for name in self.databases.names() if name.startswith(f"{layer}_")]
        used = {name: self._used(name) for name in names}
        for name in sorted(names, key=lambda item: -used[item])[KEPT:]:
            if name != keep and time.time() - used[name] > UNUSED_SECONDS:
                with contextlib.suppress(Problem):  # another run uses it
                    self.databases.drop(name)
                    (self.locks / name).unlink(missing_ok=True)

    def _used(self, name: str) -> float:
        """When a template was last used, by the time of its lock file."""
        lock = self.locks / name
        return lock.stat().st_mtime if lock.exists() else 0.0


def _folders(addons: Iterable[str]) -> list[Path]:
    return [REPO / name for name in addons]
