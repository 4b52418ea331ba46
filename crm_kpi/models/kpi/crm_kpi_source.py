# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain

from ...definitions import changes, fitting, measurable, usage
from ...refresh.fact_plan import plan_for_reader
from ...refresh.records import count_reasons, counted_record_ids, record_ids_by_reason

#: A change of one of these fields is a new version of the definition of the source's KPIs.
DEFINING = {
    "model_id", "kind", "domain", "rebuildable", "stable_fields", "base_source_ids", "trailing_months",
    "unassigned", *fitting.PARTS,
}  # fmt: skip
#: What the sources that take another date have in common with the one they were made from.
FOLLOWED = (DEFINING - {"date_field", "date_end_field"}) | {"active", "compared_people"}
#: Who is compared with each other. People with own records in the period always are.
COMPARED_PEOPLE = [
    ("sales", "Members of sales teams"),
    ("service", "Members of service teams"),
    ("all", "Members of all teams"),
    ("records", "Only people with records"),
]


class CrmKpiSource(models.Model):
    """How the records of one model become facts that KPIs are computed from.

    An *event* belongs to the period of its date. A *snapshot* counts the records that are
    open at the end of the period (now, in a running one). A *cohort* reads a model that
    has one row per customer and period. :mod:`~odoo.addons.crm_kpi.refresh` makes SQL of it.
    """

    _name = "crm.kpi.source"
    _description = "KPI Source"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, copy=False)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            ("event", "Event: in the period of its date"),
            ("snapshot", "Snapshot: open at the end of the period"),
            ("cohort", "Cohort: one row per customer and period"),
        ],
        required=True,
        default="event",
    )
    model_id = fields.Many2one("ir.model", required=True, ondelete="cascade")
    model = fields.Char(
        related="model_id.model",
        string="Records",
        readonly=False,
        help="The kind of records, such as orders or invoices. Business documents that you may read "
        "can be chosen.",
    )
    model_name = fields.Char(related="model_id.name", string="Name of the records")
    date_label = fields.Char("Date of a record", compute="_compute_date_label")
    choices = fields.Json(compute="_compute_choices", help="What the lists of the form offer.")
    domain = fields.Char("Filter", default="[]", help="Which records the source contains.")
    date_field = fields.Char(
        "Date",
        help="Date of the event, or since when a record is open (path of fields). Cohort: day at "
        "which the segment of the customer is looked up, by default the first day of the period.",
    )
    date_end_field = fields.Char(
        "End date",
        help="Snapshot: until when a record is open, empty while it is. Event: the record "
        "spans days and counts in the periods that contain all of them.",
    )
    user_field = fields.Char("Salesperson", help="Path to the user to whom the record is credited.")
    team_field = fields.Char("Sales Team")
    compared_people = fields.Selection(
        COMPARED_PEOPLE,
        "People compared",
        required=True,
        default="sales",
        help="Who is compared with each other by the KPIs of this source. Each KPI can have "
        "another choice.",
    )
    company_field = fields.Char(
        "Company",
        default="company_id",
        help="Path to the company; several, separated by commas: the first that is set.",
    )
    partner_field = fields.Char(
        "Customer", help="Path to a contact; the company it belongs to is the customer."
    )
    segment_field = fields.Char("Segment", help="Path to a segment that replaces the customer's.")
    country_field = fields.Char(
        "Country", help="Path to the country, for records that have no customer yet."
    )
    unassigned = fields.Boolean(
        "Unassigned row",
        default=True,
        help="Records without a salesperson or team have a row of their own, so that the rows "
        "add up to the total. Off: they belong to the company only, as overheads do.",
    )
    rebuildable = fields.Boolean(
        help="Snapshot: past periods can be computed from the two dates, or from the history of the "
        "records. Otherwise only running periods are computed, and they keep their last value."
    )
    stable_fields = fields.Char(
        "Fields that do not change",
        help="Names of fields, separated by commas. A KPI with a filter or value on another field "
        "cannot be computed for past periods, unless the history of the field is kept: it would "
        "count by the value of today.",
    )
    trailing_months = fields.Integer(
        "Months looked back",
        help="Event: a record counts in every period that ends within this number of months "
        "after it, as in 'revenue of the last twelve months'. 0: only in the period of its date.",
    )
    base_source_ids = fields.Many2many(
        "crm.kpi.source",
        "crm_kpi_source_base_rel",
        "source_id",
        "base_source_id",
        "Events behind it",
        domain="[('kind', '=', 'event')]",
        help="Cohort: the sources whose records make the history. When they change, the KPIs are "
        "recomputed.",
    )
    needs_approval = fields.Boolean(
        readonly=True,
        copy=False,
        help="The user who defined the source may not read all of its records. Its KPIs have no "
        "values until a system administrator approves it.",
    )
    approved_by_id = fields.Many2one(
        "res.users",
        "Approved by",
        readonly=True,
        copy=False,
        help="The system administrator who defined or approved the source in its present form.",
    )
    note = fields.Text(translate=True)
    kpi_ids = fields.One2many("crm.kpi", "source_id", "KPIs")
    dated_as_id = fields.Many2one(
        "crm.kpi.source",
        "Another date of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="cascade",
        help="The source whose records are counted by another of their dates here, for KPIs with a "
        "date of their own. It follows that source in everything else.",
    )
    other_date_ids = fields.One2many(
        "crm.kpi.source",
        "dated_as_id",
        "By other dates",
        context={"active_test": False},
    )

    _code_uniq = models.Constraint(
        "UNIQUE(code)", "Code: another source has this code already. Choose another."
    )

    # --- WHAT THE FORM OFFERS AND PROPOSES ---

    @api.depends("model_id", "date_field")
    @api.depends_context("lang")
    def _compute_date_label(self):
        for source in self:
            model = self.env.get(source.model) if source.model else None
            known = source.date_field and model is not None
            source.date_label = known and fitting.paths_label(model, source.date_field)

    @api.depends("model_id", *fitting.PARTS)
    @api.depends_context("lang", "uid")
    def _compute_choices(self):
        models_to_choose = measurable.measurable_models(self.env)
        for source in self:
            source.choices = source._choices(models_to_choose)

    def _choices(self, models_to_choose):
        """By field: the choices with their labels, and what a path has to lead to."""
        models_to_choose = [*models_to_choose]
        known = dict(models_to_choose)
        if self.model and self.model not in known:
            # the app is not installed any more, or the user may not read the model
            models_to_choose.append((self.model, self.model_name))
        result = {"model": {"choices": models_to_choose}}
        model = self.env.get(self.model) if self.model else None
        if model is None:
            return result
        for part, expected in fitting.PARTS.items():
            paths = fitting.fitting_paths(model, part, expected) if self.model in known else []
            if self[part] and self[part] not in paths:
                paths.append(self[part])
            of_types = isinstance(expected, tuple)
            result[part] = {
                "choices": fitting.labelled(model, paths),
                "types": list(expected) if of_types else ["many2one"],
                "relation": False if of_types else expected,
            }
        return result

    @api.onchange("model")
    def _onchange_model(self):
        """Propose the fields of the model that is chosen."""
        self.model_id = self.env["ir.model"]._get(self.model or "")
        own = {"domain", "stable_fields", *fitting.PARTS}
        if self.model and self.model == self._origin.model:
            self.update({name: self._origin[name] for name in own})
            return
        self.update({name: "[]" if name == "domain" else False for name in own})
        model = self._readable_model()
        if model is None:
            return
        for part in fitting.PROPOSED:
            paths = fitting.fitting_paths(model, part, fitting.PARTS[part])
            self[part] = fitting.proposed_path(paths, part)
        self._propose_end()

    @api.onchange("kind")
    def _onchange_kind(self):
        if self.kind != self._origin.kind:
            self._propose_end()

    def _propose_end(self):
        """Only a snapshot needs an end date. An event with one counts in periods that hold both."""
        model, part = self._readable_model(), "date_end_field"
        if self.kind != "snapshot" or model is None:
            self[part] = False
        elif not self[part]:
            paths = fitting.fitting_paths(model, part, fitting.PARTS[part])
            self[part] = fitting.proposed_path(paths, part)

    def _readable_model(self):
        """The model of the records, ``None`` where the user may not read it."""
        model = self.env.get(self.model) if self.model else None
        return model if model is not None and model.has_access("read") else None

    @api.model
    def _with_model_id(self, vals):
        """Values with the model instead of its name."""
        if "model" not in vals:
            return vals
        vals = dict(vals)
        name = vals.pop("model")
        model_id = self.env["ir.model"]._get_id(name) if isinstance(name, str) and name else False
        if not model_id:
            raise ValidationError(self.env._("Records: choose the kind of records to measure."))
        vals["model_id"] = model_id
        return vals

    # --- CHECKS ---

    @api.constrains("kind", "trailing_months", "date_end_field")
    def _check_trailing_months(self):
        for source in self.filtered("trailing_months"):
            if source.trailing_months < 0:
                raise ValidationError(
                    self.env._(
                        "Months looked back: enter 0 or more, not %s.", source.trailing_months
                    )
                )
            if source.kind != "event" or source.date_end_field:
                raise ValidationError(
                    self.env._(
                        "Months looked back: only events at one date can count in later periods. "
                        "Enter 0, or choose the kind Event without an end date."
                    )
                )

    @api.constrains("model_id", "stable_fields")
    def _check_stable_fields(self):
        for source in self:
            for name in source._paths("stable_fields"):
                source._path_field(name, self.env._("Fields that do not change"))

    @api.constrains("kind", "date_end_field", "dated_as_id")
    def _check_other_dates(self):
        for source in self:
            if source.dated_as_id and (source.kind != "event" or source.dated_as_id.date_end_field):
                raise ValidationError(
                    self.env._(
                        "Date: %s counts records by other dates, for KPIs with a date of their own. "
                        "Only events without an end date can do that. Clear the date of these KPIs "
                        "first, or choose another source.",
                        source.dated_as_id.name,
                    )
                )

    @api.constrains("kind", "base_source_ids")
    def _check_base_sources(self):
        for source in self:
            if wrong := source.base_source_ids.filtered(lambda base: base.kind != "event"):
                raise ValidationError(
                    self.env._(
                        "Events behind it: %s is not a source of events. Choose sources of the "
                        "kind Event.",
                        ", ".join(wrong.mapped("name")),
                    )
                )

    @api.constrains("model_id", "kind", "domain", *fitting.PARTS)
    def _check_definition(self):
        labels = {name: self._fields[name]._description_string(self.env) for name in fitting.PARTS}
        for source in self:
            model = self.env.get(source.model)
            if model is None or model._abstract or model._transient:
                raise ValidationError(
                    self.env._("Model: %s has no stored records. Choose another.", source.model)
                )
            if source.kind == "cohort":
                if "period_id" not in model._fields:
                    raise ValidationError(
                        self.env._(
                            "Kind: a cohort needs records with a period; %s has none. Choose "
                            "Event or Snapshot.",
                            model._description,
                        )
                    )
            elif not source.date_field:
                raise ValidationError(
                    self.env._("Date: choose the date field that places a record in time.")
                )
            for name, expected in fitting.PARTS.items():
                for path in source._paths(name):
                    source._check_path(labels[name], path, expected)
                    source._check_readable(path)
            source._check_domain(self.env._("Filter"), source.domain)
            measurable.check_model(model)

    def _check_path(self, label, path, expected):
        """Refuse a path that does not lead to a field of the expected type or model."""
        if fitting.fits(self._path_field(path, label), expected):
            return
        names = {"label": label, "field": fitting.paths_label(self.env[self.model], path)}
        if expected == fitting.DATES:
            text = self.env._("%(label)s: %(field)s is not a date. Choose a date.", **names)
        else:
            text = self.env._(
                "%(label)s: %(field)s does not lead to a record of the kind %(kind)s. Choose "
                "another field.",
                kind=self.env[expected]._description,
                **names,
            )
        raise ValidationError(text)

    def _path_field(self, path, label):
        """The field at the end of a path of many2one fields; all fields must be stored."""
        model = self.env[self.model]
        names = path.split(".")
        for index, name in enumerate(names):
            field = model._fields.get(name)
            if field is None:
                raise ValidationError(self._no_field_text(label, model, name))
            if not (field.store or field.related) or (not field.column_type and not field.related):
                raise ValidationError(
                    self.env._(
                        "%(label)s: %(name)s is not stored in the database. Choose a stored field.",
                        label=label,
                        name=name,
                    )
                )
            if index < len(names) - 1:
                if field.type != "many2one":
                    raise ValidationError(
                        self.env._(
                            "%(label)s: %(path)s goes through %(name)s, which is not a link to "
                            "one record. Choose another path.",
                            label=label,
                            path=path,
                            name=name,
                        )
                    )
                model = self.env[field.comodel_name]
        return field

    def _check_readable(self, path):
        """Refuse a path through models or fields that the user who defines it may not read.

        Values are computed as superuser: a definition must not show what its author may not
        read. Constraints run as superuser, hence ``sudo(False)``.
        """
        model = self.env[self.model].sudo(False)
        for name in path.split("."):
            model.check_access("read")
            field = model._fields[name]
            model._check_field_access(field, "read")
            if field.comodel_name:
                model = model.env[field.comodel_name]
        measurable.check_path(self.env[self.model], path, self.env._("Field"))

    def _check_domain(self, label, text):
        """Refuse a filter that cannot be used on the source's model, or not by this user."""
        try:
            # under the user's own rights on models and fields; nothing is queried
            model = self.env[self.model].sudo(False).with_context(active_test=False)
            domain = self._parse_domain(text)
            model._search(domain)
        except (ValueError, TypeError, NotImplementedError) as error:
            # what Odoo raises for a condition that does not fit its field
            raise ValidationError(
                self.env._(
                    "%(label)s: %(text)s cannot be used on %(model)s (%(error)s). Build it with "
                    "the filter editor, with plain values or relative dates such as 'today -1m'.",
                    label=label,
                    text=text,
                    model=self.env[self.model]._description,
                    error=error,
                )
            ) from error
        measurable.check_domain(self.env[self.model], domain, label)

    def _check_usable(self):
        """Refuse a definition whose fields were deleted since it was saved.

        :raise ValidationError: names the field and the remedy
        """
        for name in fitting.PARTS:
            for path in self._paths(name):
                self._path_field(path, self._label_of(name))
        self._usable_domain(self.domain, self._label_of("domain"))

    def _label_of(self, name):
        return self.env._(
            "%(field)s of the source “%(name)s”",
            field=self._fields[name]._description_string(self.env),
            name=self.name,
        )

    def _usable_domain(self, text, label):
        """The domain written in a filter on the source's model.

        :param label: what the filter is called, for the error
        :raise ValidationError: a field does not exist (any more)
        :raise ValueError: the text is no domain
        """
        domain = self._parse_domain(text)
        self._check_domain_fields(self.env[self.model], domain, label)
        return domain

    def _check_domain_fields(self, model, domain, label):
        for condition in domain.iter_conditions():
            owner = model
            for name in condition.field_expr.split("."):
                field = owner._fields.get(name)
                if field is None:
                    raise ValidationError(self._no_field_text(label, owner, name))
                if not field.comodel_name:
                    break  # part of a date, or a property
                owner = self.env[field.comodel_name]
            if condition.operator in ("any", "not any"):
                self._check_domain_fields(owner, Domain(condition.value), label)

    def _no_field_text(self, label, model, name):
        return self.env._(
            "%(label)s: %(model)s has no field %(name)s. Choose an existing field.",
            label=label,
            model=model._description,
            name=name,
        )

    @staticmethod
    def _parse_domain(text):
        """The domain written in a filter.

        :raise ValueError: where it is none
        """
        try:
            return Domain(ast.literal_eval((text or "[]").strip()))
        except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise ValueError(str(error)) from error

    def _paths(self, name):
        return [path.strip() for path in (self[name] or "").split(",") if path.strip()]

    @property
    def _grows(self):
        """Whether counts of a running period start at 0 and grow day by day."""
        return self.kind == "event" and not self.trailing_months

    # --- APPROVAL ---

    def _note_author(self):
        """Note who defined the sources, and whether a system administrator must approve them."""
        if self.env.su:
            return  # data files and the refresh
        is_system = self.env.user.has_group("base.group_system")
        for source in self:
            # superuser: users cannot write these fields
            source.sudo().write(
                {
                    "needs_approval": not is_system and not source._is_readable_by_user(),
                    "approved_by_id": self.env.uid if is_system else False,
                }
            )

    def _is_readable_by_user(self):
        """Whether the user may read all records of the model in the own companies."""
        rules = self.env["ir.rule"]._compute_domain(self.model, "read")
        # values are read under the rules of companies, too
        of_companies = ("company_id", "company_ids")
        return rules.map_conditions(
            lambda condition: (
                Domain.TRUE
                if condition.field_expr.rpartition(".")[2] in of_companies
                else condition
            )
        ).is_true()

    def action_approve(self):
        """Have the KPIs of the sources computed, although their author may not read all records."""
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only system administrators can approve sources."))
        self.check_access("read")
        # superuser: users cannot write these fields; the right to approve was checked above
        self.sudo().write({"needs_approval": False, "approved_by_id": self.env.uid})
        # superuser: the next refresh computes also the KPIs that the user may not read
        self.sudo().with_context(active_test=False).kpi_ids.write({"next_try": False})

    def _check_guarded(self, vals):
        if not self.env.su and "dated_as_id" in vals:
            raise AccessError(self.env._("Another date of: choose the date on the KPI instead."))
        if not self.env.su and {"needs_approval", "approved_by_id"} & vals.keys():
            raise AccessError(
                self.env._("Approved by: use the button Approve, as a system administrator.")
            )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_guarded(vals)
        sources = super().create([self._with_model_id(vals) for vals in vals_list])
        sources._note_author()
        return sources

    def write(self, vals):
        self._check_guarded(vals)
        vals = self._with_model_id(vals)
        names = DEFINING & vals.keys()
        before = {source: changes.definition_of(source, names) for source in self}
        # superuser: what changed is noted, also the name of a model
        values = {source: {name: source[name] for name in names} for source in self.sudo()}
        result = super().write(vals)
        changed = self.filtered(
            lambda source: before[source] != changes.definition_of(source, names)
        )
        changed._note_author()
        changed.with_context(active_test=False).kpi_ids._note_new_version()
        for source in changed.sudo():
            changes.note_source_change(source, values[source])
        if self.other_date_ids and (followed := FOLLOWED & vals.keys()):
            self.other_date_ids.write({name: vals[name] for name in followed})
        if self.other_date_ids and {"date_end_field", "name"} & vals.keys():
            self.other_date_ids._check_other_dates()
            for source in self.other_date_ids:
                source.name = source._name_by_date()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        usage.check_source_unused(self)

    # --- OTHER DATES ---

    def _dated_by(self, path):
        """The source of the same records by another of their dates; it is created if needed.

        :param path: path of the date; empty: the source's own date
        """
        base = self.dated_as_id or self
        if not base or not path or path == base.date_field:
            return base
        found = base.other_date_ids.filtered(lambda source: source.date_field == path)
        if found:
            return found[:1]
        base.check_access("write")
        taken = self.with_context(active_test=False).search([("code", "=like", f"{base.code}%")])
        stem = f"{base.code}_{path.replace('.', '_')}"
        numbers = ("", *range(2, len(taken) + 3))
        code = next(f"{stem}{n}" for n in numbers if f"{stem}{n}" not in taken.mapped("code"))
        values = {"code": code, "name": base.name, "date_field": path, "active": base.active}
        made = base.copy(values)
        # superuser: users cannot write the link, and it is this source that they may write
        made.sudo().dated_as_id = base
        made.name = made._name_by_date()
        return made

    def _draft_dated_by(self, path):
        """As :meth:`_dated_by`, but nothing is stored: for a KPI that is not saved.

        :raise UserError: what saving would refuse
        """
        base = self.dated_as_id or self
        if not base or not path or path == base.date_field:
            return base
        found = base.other_date_ids.filtered(lambda source: source.date_field == path)
        if found:
            return found[:1]
        base._check_path(self.env._("Date"), path, fitting.DATES)
        base._check_readable(path)
        return base.new({"date_field": path}, origin=base)

    def _name_by_date(self):
        return self.env._("%(name)s, by %(date)s", name=self.dated_as_id.name, date=self.date_label)

    def _delete_unused_dates(self):
        """Delete sources by another date that no KPI uses any more."""
        sources = self.filtered("dated_as_id").with_context(active_test=False)
        sources.filtered(lambda source: not source.kpi_ids).unlink()

    # --- WHAT OTHERS ASK A SOURCE ---

    def _plan(self, company, periods, now, kpi, reader=None):
        """The plan of the scan for one KPI; see :func:`plan_for_reader`."""
        self.ensure_one()
        return plan_for_reader(self, company, periods, now, kpi, reader)

    def _has_pieces(self):
        """Whether the records of a period are those of its days, added up.

        False where :meth:`_restrict_facts` adds a condition on the period.
        """
        return True

    def _restrict_facts(self, facts):
        """Add conditions to the query of the facts; the periods are joined as ``p``.

        For glue addons whose records need more than a filter.

        :param facts: :class:`~odoo.addons.crm_kpi.refresh.fact_query.FactQuery`
        """

    def _record_ids(self, kpi, period, cell, limit=None):
        """Ids of exactly the records that a cell counts; see :func:`counted_record_ids`."""
        self.ensure_one()
        return counted_record_ids(self, kpi, period, cell, limit)

    def _reasons(self, kpi, period, cell, now, visible=None, reader=None):
        """Number of records by why they are included or not; see :func:`count_reasons`."""
        self.ensure_one()
        return count_reasons(self, kpi, period, cell, now, visible, reader)

    def _record_ids_by_reason(self, kpi, period, cell, now, reasons, **options):
        """Ids of the records that :meth:`_reasons` counts; see :func:`record_ids_by_reason`."""
        self.ensure_one()
        return record_ids_by_reason(self, kpi, period, cell, now, reasons, **options)

    def _opens_customers(self):
        return self.kind == "cohort" and bool(self.partner_field)

    def _record_model(self):
        """Name of the model whose records are opened behind a value."""
        return "res.partner" if self._opens_customers() else self.model

    @api.model
    def _mark_changed(self, model_name):
        """Have all values of a model's sources checked by the next refresh.

        For changes that the records' own write dates do not show, such as a lost reason
        that becomes a disqualification.
        """
        self._mark_sources([("model_id.model", "=", model_name)])

    @api.model
    def _mark_sources(self, domain):
        """As :meth:`_mark_changed`, for the sources of a domain."""
        # superuser: users who change a record need no access to sources and their bookkeeping
        sources = self.sudo().search(domain)
        computations = self.env["crm.kpi.computation"].sudo()
        computations.search([("kpi_id.source_id", "in", sources.ids)]).write({"fingerprint": False})
