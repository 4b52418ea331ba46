import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { BarList } from "../bar_list/bar_list";
import { BulletBar, bulletLabel } from "../../signs/bullet_bar";
import { ChangeText } from "../../signs/change_text";
import { DefinitionLines } from "../definition_lines/definition_lines";
import { recordsText } from "../records_text";
import { Sparkline } from "../sparkline/sparkline";
import { StatusBadge } from "../../signs/status_badge";

/**
 * One KPI on a board: value, target, change, sparkline, and hints on reliability. For keyboards
 * and screen readers the name is the button that opens the card; a mouse can click anywhere.
 */
export class KpiCard extends Component {
    static template = "crm_kpi.KpiCard";
    static components = {
        BarList,
        BulletBar,
        ChangeText,
        DefinitionLines,
        Sparkline,
        StatusBadge,
    };
    static props = {
        card: Object,
        asOf: { type: [String, Boolean], optional: true },
        onOpen: { type: Function, optional: true },
        onRecords: { type: Function, optional: true },
        onRemedy: { type: Function, optional: true }, // with the action that helps
        onWhy: { type: Function, optional: true },
        stale: { type: Boolean, optional: true },
    };

    setup() {
        this.state = useState({ definition: false });
    }

    get kpi() {
        return this.props.card.kpi;
    }

    get id() {
        return `o_kpi_card_${this.props.card.id}`;
    }

    get definitionLabel() {
        return this.state.definition ? _t("Close the definition") : _t("Definition");
    }

    /** Ids of the elements that a screen reader reads after the name. */
    get describedBy() {
        const parts = ["value", "state", "change", "signal", "goal", "records"];
        if (this.props.card.filter_text) {
            parts.unshift("filters");
        }
        return parts.map((part) => `${this.id}_${part}`).join(" ");
    }

    /** The number of records, with the time of the last update. */
    get sample() {
        const { record_count: count } = this.props.card;
        return this.props.asOf
            ? _t("%(records)s, as of %(as_of)s", {
                  records: recordsText(count),
                  as_of: this.props.asOf,
              })
            : recordsText(count);
    }

    get records() {
        return recordsText(this.props.card.record_count);
    }

    get recordsLabel() {
        return _t("%(kpi)s: open %(records)s", { kpi: this.kpi.name, records: this.sample });
    }

    get whyLabel() {
        return _t("%s: why this number", this.kpi.name);
    }

    get arrow() {
        return { increase: "↑", decrease: "↓", maintain: "↔" }[this.kpi.direction];
    }

    get bulletLabel() {
        const { goal, value_text } = this.props.card;
        return bulletLabel(goal, value_text, goal.forecast === null ? "" : goal.forecast_text);
    }

    open() {
        if (!this.state.definition) {
            this.props.onOpen?.(this.props.card);
        }
    }

    onKeydown(ev) {
        if (ev.key === "d" && !ev.ctrlKey && !ev.altKey && !ev.metaKey) {
            this.toggleDefinition();
        } else if (ev.key === "Escape" && this.state.definition) {
            ev.stopPropagation();
            this.state.definition = false;
        }
    }

    toggleDefinition() {
        this.state.definition = !this.state.definition;
    }
}
