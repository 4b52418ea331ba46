# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Why a number is what it is: which records are in it, and why the others are not."""


def why(look, kpi):
    """Records of the period, counted for each aggregate behind the KPI.

    Of what the reader could not read as a number nothing is counted, and records of others
    only where the total of the company is his to see.

    :return: list of dicts: ``name``, ``total``, ``steps`` (``reason``, ``text``, ``count``)
        that add up to the total, ``stored``: how many there were when the value was computed,
        and a ``note`` where both differ or cannot be compared
    """
    # superuser: the parts are counted after it was checked that their numbers may be seen
    parts = kpi.sudo()._aggregates_behind()
    seen = parts.with_env(look.env)._filtered_access("read")
    return [_part(look, part.sudo()) for part in seen if part._has_figures() and look.may_see(part)]


def _part(look, kpi):
    env, source = look.env, kpi.source_id
    row = look.values(kpi, look.period).get((kpi.id, look.period.id))
    entry = {
        "kpi_id": kpi.id,
        "name": kpi.name,
        "total": 0,
        "stored": row.record_count if row else 0,
        "steps": [],
        "note": False,
    }
    if source.kind == "snapshot" and not source.rebuildable and look.elapsed.over:
        entry["note"] = env._(
            "Counted while the period ran. Odoo does not keep how the records were then."
        )
        return entry
    # superuser: the numbers of records, as said above
    counts = source._reasons(kpi, look.period.sudo(), look.cell._asdict(), look.now)
    if not look.sees_all and kpi.visibility != "company":
        counts.pop("others", None)
    texts = {
        "others": env._("Of others than chosen"),
        "source": env._("Not of the kind: %s", source.name),
        "filter": env._("Outside of the KPI's filter"),
        "young": env._("Too young to be judged"),
        "empty": env._("Without a value to compute from"),
        "included": env._("In the number"),
    }
    entry["total"] = sum(counts.values())
    entry["steps"] = [
        {"reason": reason, "text": text, "count": counts[reason]}
        for reason, text in texts.items()
        if counts.get(reason) or reason == "included"
    ]
    if entry["stored"] != counts["included"]:
        entry["note"] = env._(
            "%s when the value was computed: records were changed since.", entry["stored"]
        )
    return entry
