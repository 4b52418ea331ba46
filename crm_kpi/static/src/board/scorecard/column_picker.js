import { Component, useState } from "@odoo/owl";

/**
 * The KPIs that are shown as columns. Reports them when the user applies the choice.
 */
export class ColumnPicker extends Component {
    static template = "crm_kpi.ColumnPicker";
    static props = { choices: Array, chosen: Array, onApply: Function };

    setup() {
        this.state = useState({ search: "", ids: new Set(this.props.chosen) });
    }

    /** KPIs that contain the search words, by category. */
    get categories() {
        const search = this.state.search.trim().toLowerCase();
        const found = this.props.choices.filter((kpi) =>
            `${kpi.name} ${kpi.category}`.toLowerCase().includes(search)
        );
        return Object.entries(Object.groupBy(found, (kpi) => kpi.category || ""));
    }

    toggle(id) {
        if (!this.state.ids.delete(id)) {
            this.state.ids.add(id);
        }
    }

    /** In the order of the former columns; new ones come last. */
    apply() {
        const { chosen, choices } = this.props;
        const kept = chosen.filter((id) => this.state.ids.has(id));
        const added = choices
            .map((kpi) => kpi.id)
            .filter((id) => this.state.ids.has(id) && !kept.includes(id));
        this.props.onApply([...kept, ...added]);
    }
}
