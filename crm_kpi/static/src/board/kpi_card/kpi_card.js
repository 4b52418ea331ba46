import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { BarList } from "../bar_list/bar_list";
import { BulletBar } from "../bullet_bar/bullet_bar";
import { Sparkline } from "../sparkline/sparkline";
import { StatusBadge } from "../status_badge/status_badge";

/**
 * One KPI on a board: value, goal, change, course, and how far to trust it.
 */
export class KpiCard extends Component {
    static template = "crm_kpi.KpiCard";
    static components = { BarList, BulletBar, Sparkline, StatusBadge };
    static props = {
        card: Object,
        onOpen: Function,
        onRecords: { type: Function, optional: true },
        onMove: { type: Function, optional: true },
        onChange: { type: Function, optional: true },
        onRemove: { type: Function, optional: true },
        editing: { type: Boolean, optional: true },
        stale: { type: Boolean, optional: true },
        large: { type: Boolean, optional: true },
    };

    setup() {
        this.state = useState({ definition: false });
    }

    get kpi() {
        return this.props.card.kpi;
    }

    get arrow() {
        return { increase: "↑", decrease: "↓", maintain: "↔" }[this.kpi.direction];
    }

    get bulletLabel() {
        const goal = this.props.card.goal;
        return _t("%(value)s of the goal %(target)s: %(attainment)s", {
            value: this.props.card.value_text,
            target: goal.target_text,
            attainment: goal.attainment_text,
        });
    }

    get change() {
        const change = this.props.card.change;
        return (
            change && { ...change, shape: change.trend === "same" ? "=" : change.up ? "▲" : "▼" }
        );
    }

    onKeydown(ev) {
        if (ev.target !== ev.currentTarget) {
            return;
        }
        if (ev.key === "Enter" || ev.key === " ") {
            ev.preventDefault();
            this.props.onOpen(this.props.card);
        } else if (ev.key === "d") {
            this.state.definition = !this.state.definition;
        } else if (ev.key === "Escape" && this.state.definition) {
            ev.stopPropagation();
            this.state.definition = false;
        }
    }

    toggleDefinition() {
        this.state.definition = !this.state.definition;
    }
}
