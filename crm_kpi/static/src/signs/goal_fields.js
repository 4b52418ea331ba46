import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { BulletBar, bulletLabel } from "./bullet_bar";
import { StatusBadge } from "./status_badge";

/**
 * Target, pace, forecast and status of a goal, as a card of a board shows them.
 */
export class GoalSigns extends Component {
    static template = "crm_kpi.GoalSigns";
    static components = { BulletBar, StatusBadge };
    static props = { ...standardFieldProps };

    get goal() {
        return this.props.record.data[this.props.name];
    }

    get label() {
        return bulletLabel(this.goal, this.goal.value_text, this.goal.forecast_text);
    }
}

registry.category("fields").add("crm_kpi_goal_signs", {
    component: GoalSigns,
    supportedTypes: ["json"],
});

/**
 * The text of a status with the look that it has on a board. The prefix is that of the fields
 * `status` and `counter_missed` of the record.
 */
export class StatusField extends Component {
    static template = "crm_kpi.StatusField";
    static components = { StatusBadge };
    static props = { ...standardFieldProps, prefix: { type: String, optional: true } };
    static defaultProps = { prefix: "" };

    value(name) {
        return this.props.record.data[this.props.prefix + name];
    }

    get text() {
        return this.props.record.data[this.props.name];
    }
}

registry.category("fields").add("crm_kpi_status", {
    component: StatusField,
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({ prefix: options.prefix }),
});
