import { Component, onMounted, onWillUpdateProps, useState } from "@odoo/owl";
import { hasTouch } from "@web/core/browser/feature_detection";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { DateRange } from "../date_range/date_range";
import { RUNNING_PERIOD } from "../filters";

/** What the choices depend on. */
function keyOf({ board, filters, kpi_ids }) {
    return JSON.stringify([board.id, filters, kpi_ids]);
}

/**
 * Period, comparison, people and customers. Reports changes to its parent.
 *
 * The server sends only the names of what is chosen with a board. The choices, hundreds of names
 * perhaps, are read when pointer or focus reach the filters.
 */
export class BoardFilters extends Component {
    static template = "crm_kpi.BoardFilters";
    static components = { DateRange };
    static props = { data: Object, onChange: Function };

    setup() {
        this.orm = useService("orm");
        // custom days are being chosen; the board still shows another period
        this.state = useState({ choosing: false });
        this.choices = useAnswer(async (data) => ({
            key: keyOf(data),
            lists: await this.orm.silent.call("crm.kpi.board", "get_filter_choices", [
                data.board.id,
                data.filters,
                data.kpi_ids || [],
            ]),
        }));
        this.askedFor = "";
        onMounted(() => {
            if (hasTouch()) {
                this.readChoices(); // the first touch opens a list
            }
        });
        onWillUpdateProps(({ data }) => {
            if (this.askedFor) {
                this.readChoices(data);
            }
        });
    }

    /** Read the choices, unless they are those of the same filters. */
    async readChoices(data = this.props.data) {
        const key = keyOf(data);
        if (key === this.askedFor) {
            return;
        }
        this.askedFor = key;
        await this.choices.load(data);
        if (this.choices.error && key === this.askedFor) {
            this.askedFor = ""; // tries again when the user comes back
        }
    }

    get filters() {
        return this.props.data.filters;
    }

    get options() {
        const { data } = this.props;
        const choices = this.choices.value;
        return choices?.key === keyOf(data) ? choices.lists : data.options;
    }

    get canChoose() {
        return this.props.data.can_choose;
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
        if (this.canChoose.team) {
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
