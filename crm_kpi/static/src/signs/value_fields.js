import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { ChangeText } from "./change_text";

/**
 * The text of a value; where there is no value, the reason stands below the dash.
 */
export class ValueField extends Component {
    static template = "crm_kpi.ValueField";
    static props = { ...standardFieldProps };

    get text() {
        return this.props.record.data[this.props.name];
    }

    get reason() {
        return this.props.record.data.missing_text;
    }
}

registry.category("fields").add("crm_kpi_value", {
    component: ValueField,
    supportedTypes: ["char"],
    fieldDependencies: [{ name: "missing_text", type: "char" }],
});

/**
 * The text of a change with the look that it has on a board.
 */
export class ChangeField extends Component {
    static template = "crm_kpi.ChangeField";
    static components = { ChangeText };
    static props = { ...standardFieldProps };

    get change() {
        return this.props.record.data.change_signs;
    }
}

registry.category("fields").add("crm_kpi_change", {
    component: ChangeField,
    supportedTypes: ["char"],
    fieldDependencies: [{ name: "change_signs", type: "json" }],
});
