# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What follows from a changed definition: versions, and values that are computed again."""


def next_version(kpi, version):
    """The version after this one; that of a formula is never lower than its components'."""
    return max(version + 1, *kpi.component_ids.mapped("version"), 1)


def note_new_version(kpis):
    """The definition changed, and with it that of the formulas that rest on it.

    The next refresh computes all periods that are not locked again, and notes what the locked
    ones would be.
    """
    # superuser: formulas follow, also those that the user may not change
    for kpi in kpis.sudo()._with_formula_users():
        kpi.write(
            {
                "version": next_version(kpi, kpi.version),
                "next_try": False,
                "failure_count": 0,
                "failed_company_id": False,
            }
        )


def recompute_history(kpis):
    """Have the next refresh replace locked values, of the formulas on these KPIs too.

    What was reported stays in the restatements. A snapshot of which the past is not known
    keeps its values.
    """
    # superuser: formulas follow, also those that the user may not change, and in all companies
    followers = kpis.sudo()._with_formula_users()
    rebuilt = followers.filtered(lambda kpi: not kpi._is_stock())
    computations = followers.env["crm.kpi.computation"]
    computations.search([("kpi_id", "in", rebuilt.ids), ("period_id.state", "=", "locked")]).write(
        {"fingerprint": False, "recompute": True}
    )


def follow_change(kpis, vals):
    """Do what follows from values that were written."""
    if {"unit", "small_segments", "kind", "formula"} & vals.keys():
        # superuser: what is withheld is decided again in all companies; no setting changes
        kpis.env["res.company"].sudo().search([]).kpi_withheld_at = False
    if vals.get("company_id"):
        _drop_other_companies(kpis)
        kpis.filtered("failed_company_id").failed_company_id = False
    if "code" in vals:
        users = kpis.with_context(active_test=False).search([("formula", "!=", False)])
        kpis.env.add_to_compute(kpis._fields["component_ids"], users)


def _drop_other_companies(kpis):
    """Delete the values of companies in which a KPI is not computed any more.

    Locked values stay: they were reported.
    """
    for kpi in kpis:
        domain = [
            ("kpi_id", "=", kpi.id),
            ("period_id.company_id", "!=", kpi.company_id.id),
            ("period_id.state", "!=", "locked"),
        ]
        # superuser: the user may have no access to the other companies
        kpi.env["crm.kpi.value"].sudo().search(domain).unlink()
        kpi.env["crm.kpi.computation"].sudo().search(domain).unlink()
