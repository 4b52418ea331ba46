import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { DateRange } from "../date_range/date_range";
import { RUNNING_PERIOD } from "../filters";

/**
 * Period, comparison, people and customers. Reports changes to its parent.
 */
export class BoardFilters extends Component {
    static template = "crm_kpi.BoardFilters";
    static components = { DateRange };
    static props = { data: Object, onChange: Function };

    setup() {
        // custom days are being chosen; the board still shows another period
        this.state = useState({ choosing: false });
    }

    get filters() {
        return this.props.data.filters;
    }

    get options() {
        return this.props.data.options;
    }

    get custom() {
        return this.state.choosing || this.filters.period_kind === "custom";
    }

    get daysText() {
        return this.state.choosing ? _t("Choose days") : this.props.data.period.label;
    }

    get comparisons() {
        return this.custom
            ? { previous: _t("vs. the days before"), last_year: _t("vs. same days last year") }
            : { previous: _t("vs. previous period"), last_year: _t("vs. last year") };
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
        this.state.choosing = kind === "custom";
        if (kind !== "custom") {
            this.props.onChange({ period_kind: kind, ...RUNNING_PERIOD });
        }
    }

    setDays(date, date_to) {
        return this.props.onChange({ period_kind: "custom", date, date_to });
    }

    /** Another team: the person belongs to the former one. */
    setTeam(ev) {
        this.props.onChange({ team_id: Number(ev.target.value) || false, user_id: false });
    }

    setScope(scope) {
        this.props.onChange({ scope, team_id: false, user_id: false });
    }

    setSegmentSet(ev) {
        this.props.onChange({ segment_set_id: Number(ev.target.value), segment_id: false });
    }
}
