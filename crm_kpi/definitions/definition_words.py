# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The definition of a KPI in words, for every reader: source, filter, date, credit, exclusions."""

from typing import NamedTuple

from markupsafe import Markup

from ..engine import formula as engine
from ..engine.values import days_between
from .changes import definition_changes
from .filter_words import filter_text, path_label
from .words import days_text


class Line(NamedTuple):
    """A part of a definition, and what it is called."""

    label: str
    text: str


def definition_lines(kpi):
    """What a reader needs to know of a definition, as list of :class:`Line`.

    :param kpi: in the environment of the reader
    """
    env = kpi.env
    lines = [Line(env._("Computed as"), kpi.computation_text or "")]
    if kpi.kind == "aggregate":
        lines += _aggregate_lines(kpi)
    elif kpi.kind == "formula":
        parts = (kpi._aggregates_behind() - kpi)._filtered_access("read")
        lines += [Line(part.name, _summary(part)) for part in parts]
    if excluded := _exclusions(kpi):
        lines.append(Line(env._("Not included"), "; ".join(excluded)))
    if kpi.min_sample:
        lines.append(
            Line(env._("Status"), env._("Only from %s records", kpi.min_sample)),
        )
    if kpi.company_id:
        # superuser: the name of the company of a KPI that the user may read
        lines.append(Line(env._("Company"), kpi.sudo().company_id.name))
    return [line for line in lines if line.text]


def definition_html(kpi):
    """The same as HTML, for a form, with the changes of the definition."""
    rows = [Markup("<dt>%s</dt><dd>%s</dd>") % line for line in definition_lines(kpi)]
    result = Markup('<dl class="o_kpi_facts">%s</dl>') % Markup("").join(rows)
    entries = [
        Markup("<li>%s, %s: %s</li>") % (entry.date_text, entry.author, "; ".join(entry.changes))
        for entry in definition_changes(kpi)
    ]
    if entries:
        result += Markup("<h3>%s</h3><ul>%s</ul>") % (
            kpi.env._("Changes of the definition"),
            Markup("").join(entries),
        )
    return result


def _aggregate_lines(kpi):
    env, source = kpi.env, kpi.source_id
    accepted = filter_text(source, kpi.domain)
    return [
        Line(env._("Source"), source.name or ""),
        Line(env._("Records of the source"), filter_text(source, source.domain)),
        Line(env._("Filter"), accepted or env._("All records of the source")),
        Line(env._("Date that counts"), date_text(source)),
        Line(env._("Credited to"), _credit_text(source)),
    ]


def _summary(kpi):
    """The definition of a part of a formula in one line."""
    if kpi.kind == "manual":
        return kpi.computation_text
    parts = [kpi.computation_text, kpi.source_id.name, filter_text(kpi.source_id, kpi.domain)]
    return " · ".join(filter(None, parts))


def date_text(source):
    """The date that places a record of a source in a period, in words."""
    env, names = source.env, {}
    for name in ("date_field", "date_end_field"):
        names[name] = _labels(source, name)
    start, end = names["date_field"], names["date_end_field"]
    if source.kind == "cohort":
        return env._("Every customer once per period")
    if source.kind == "snapshot":
        if not start:
            return env._("Open at the end of the period")
        if not end:
            return env._("Open at the end of the period; since %s", start)
        return env._(
            "Open at the end of the period; from %(start)s to %(end)s", start=start, end=end
        )
    if end:
        return env._(
            "From %(start)s to %(end)s, in the periods that contain all of these days",
            start=start,
            end=end,
        )
    if source.trailing_months:
        return env._(
            "%(date)s, in the periods that end within %(months)s months after it",
            date=start,
            months=source.trailing_months,
        )
    return start


def _credit_text(source):
    env = source.env
    user, team = _labels(source, "user_field"), _labels(source, "team_field")
    if not user and not team:
        return env._("The company only")
    if user and team:
        return env._("%(user)s; team: %(team)s", user=user, team=team)
    return user or env._("Team: %s", team)


def _labels(source, name):
    """The labels of the paths of a field of a source; of several, the first that is set counts."""
    return _path_labels(source, source[name] or "")


def _path_labels(source, text):
    env = source.env
    model = env.get(source.model or "")
    paths = [path.strip() for path in text.split(",") if path.strip()]
    labels = [path_label(env["base"] if model is None else model, path) for path in paths]
    return env._(" or else ").join(dict.fromkeys(labels))


def _exclusions(kpi):
    env = kpi.env
    texts = []
    if kpi.kind == "aggregate" and kpi.maturity_days:
        days = f"{kpi.maturity_days:g}"
        texts.append(env._("records of the last %s days, whose result is not known yet", days))
    if kpi.complete_only:
        texts.append(env._("periods that are not over"))
    if kpi.needs_history:
        texts.append(env._("periods before the customers are known"))
    # superuser: a setting that every reader sees the effect of
    if least := kpi._least_cell(env.company.sudo()):
        texts.append(env._("segments with fewer than %s records", least))
    return texts


# --- CHANGES ---


def changed_text(kpi, field, value, source):
    """A former or present value of a field that defines a KPI, in words.

    :param field: names of the model and of the field
    :param value: as it was noted
    :param source: the source that it belongs to
    """
    env = kpi.env
    if not value or not isinstance(value, str):
        return value
    match field.rpartition(".")[::2]:
        case "crm.kpi", "domain":
            return filter_text(source, value) or env._("All records of the source")
        case "crm.kpi.source", "domain":
            return filter_text(source, value) or env._("All records")
        case "crm.kpi", "value_field":
            if (dates := days_between(value)) and source.model in env:
                return days_text(env[source.model], dates)
            choices = dict(kpi._fields["value_choice"]._description_selection(env))
            return choices.get(value) or _path_labels(source, value)
        case "crm.kpi.source", name if name.endswith("_field"):
            return _path_labels(source, value)
        case "crm.kpi", "formula":
            try:
                formula = engine.parse(value)
            except engine.FormulaError:
                return value
            # superuser: readers of a formula see the names of its components, not their values
            names = {part.code: part.name for part in kpi.sudo()._by_code(formula.codes)}
            return formula.in_words(names, env._)
    return value


def source_at(kpi, message, is_new):
    """The source that a KPI had before a noted change, or after it.

    :param message: with the change
    """
    # superuser: only which source it was; readers of the KPI may read all of its changes
    change = (
        kpi.env["mail.tracking.value"]
        .sudo()
        .search(
            [
                ("field_id.model", "=", kpi._name),
                ("field_id.name", "=", "source_id"),
                ("mail_message_id.model", "=", kpi._name),
                ("mail_message_id.res_id", "=", kpi.id),
                ("mail_message_id.id", ">=", message.id),
            ],
            order="id",
            limit=1,
        )
    )
    if not change:
        return kpi.source_id
    is_after = is_new and change.mail_message_id == message
    source_id = change.new_value_integer if is_after else change.old_value_integer
    return kpi.source_id.browse(source_id or ()).exists() or kpi.source_id
