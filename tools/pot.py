# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The translation templates of the addons, <addon>/i18n/<addon>.pot, and their translations.

``./run pot`` writes them again. It needs a database with all addons, because some terms belong to
fields that an app adds to a model of another app.
"""

import io
from pathlib import Path

import polib

from odoo.tools.translate import trans_export

REPO = Path(__file__).resolve().parents[1]


def addons():
    """Names of the addons with terms: those with demo data only have none."""
    names = sorted(path.parent.name for path in REPO.glob("crm_kpi*/__manifest__.py"))
    return [name for name in names if not name.endswith("_demo")]


def file_of(addon):
    return REPO / addon / "i18n" / f"{addon}.pot"


def write(env):
    """Write the templates that have changed, and print their names."""
    for addon in addons():
        buffer = io.BytesIO()
        # one by one: in a common export, a record of two addons would be in one template only
        trans_export(None, [addon], buffer, "po", env)
        path, text = file_of(addon), buffer.getvalue().decode()
        if not path.exists() or _undated(path.read_text()) != _undated(text):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(path.relative_to(REPO))
        for translation in sorted(path.parent.glob("*.po")):
            update(translation, polib.pofile(str(path)))


def update(path, template):
    """Give a translation the terms of its template: new terms are empty, removed ones go."""
    translation = polib.pofile(str(path), wrapwidth=78)
    before = str(translation)
    translation.merge(template)
    for entry in translation.obsolete_entries():
        translation.remove(entry)
    translation.sort(key=lambda entry: entry.msgid)
    if str(translation) != before:
        translation.save()
        print(path.relative_to(REPO))


def _undated(text):
    return [line for line in text.splitlines() if "-Date: " not in line]
