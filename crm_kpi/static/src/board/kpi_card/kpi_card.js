import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { BarList } from "../bar_list/bar_list";
import { BulletBar } from "../bullet_bar/bullet_bar";
import { Sparkline } from "../sparkline/sparkline";
import { StatusBadge } from "../status_badge/status_badge";

/**
 * One KPI on a board: value, goal, change, course, and how far to trust it. The name is the
 * button that opens it, so that those who listen hear what it is; with a mouse all of the card
 * can be clicked.
 */
export class KpiCard extends Component {
    static template = "crm_kpi.KpiCard";
    static components = { BarList, BulletBar, Sparkline, StatusBadge };
    static props = {
        card: Object,
        asOf: { type: [String, Boolean], optional: true },
        onOpen: { type: Function, optional: true },
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

    /** Elements that say the rest to those who listen to the name. */
    get describedBy() {
        const parts = ["value", "state", "change", "goal", "record_count"];
        return parts.map((part) => `${this.id}_${part}`).join(" ");
    }

    /** What the number of records is, in words. */
    get sample() {
        const { record_count: count } = this.props.card;
        return this.props.asOf
            ? _t("Records: %(count)s, as of %(as_of)s", { count, as_of: this.props.asOf })
            : _t("Records: %s", count);
    }

    get arrow() {
        return { increase: "↑", decrease: "↓", maintain: "↔" }[this.kpi.direction];
    }

    get bulletLabel() {
        const goal = this.props.card.goal;
        const label = _t("%(value)s of the goal %(target)s: %(attainment)s", {
            value: this.props.card.value_text,
            target: goal.target_text,
            attainment: goal.attainment_text,
        });
        if (goal.projected === null) {
            return label;
        }
        return _t("%(label)s. At this pace: %(projected)s", {
            label,
            projected: goal.projected_text,
        });
    }

    get change() {
        const change = this.props.card.change;
        return (
            change && { ...change, shape: change.trend === "same" ? "→" : change.up ? "↗" : "↘" }
        );
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
