import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** What a setting means with its present value: one sentence of those that the field holds. */
export class ExampleField extends Component {
    static template = "crm_kpi.ExampleField";
    static props = { ...standardFieldProps, setting: String };

    get text() {
        return this.props.record.data[this.props.name]?.[this.props.setting];
    }
}

registry.category("fields").add("crm_kpi_example", {
    component: ExampleField,
    supportedTypes: ["json"],
    extractProps: ({ options }) => ({ setting: options.setting }),
});
