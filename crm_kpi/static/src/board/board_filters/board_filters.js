import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { RUNNING_PERIOD } from "../filters";

/**
 * Period, comparison, people and customers. Reports changes to its parent; has no state.
 */
export class BoardFilters extends Component {
    static template = "crm_kpi.BoardFilters";
    static props = { data: Object, onChange: Function };

    get filters() {
        return this.props.data.filters;
    }

    get options() {
        return this.props.data.options;
    }

    get custom() {
        return this.filters.period_kind === "custom";
    }

    get segments() {
        const set = this.options.segment_sets.find((s) => s.id === this.filters.segment_set_id);
        return set ? set.segments : [];
    }

    get scopes() {
        const scopes = [["mine", _t("My values")]];
        if (this.options.teams.length) {
            scopes.push(["team", _t("Team")]);
        }
        scopes.push(["company", _t("Company")]);
        return scopes;
    }

    set(name, value) {
        this.props.onChange({ [name]: value });
    }

    setId(name, ev) {
        this.set(name, Number(ev.target.value) || false);
    }

    setKind(ev) {
        const kind = ev.target.value;
        if (kind !== "custom") {
            return this.props.onChange({ period_kind: kind, ...RUNNING_PERIOD });
        }
        // start with the days that are shown
        const { date_from, date_to } = this.props.data.period;
        return this.props.onChange({ period_kind: kind, date: date_from, date_to });
    }

    setScope(scope) {
        this.props.onChange({ scope, team_id: false, user_id: false });
    }

    setSegmentSet(ev) {
        this.props.onChange({ segment_set_id: Number(ev.target.value), segment_id: false });
    }
}
