import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";
import { registry } from "@web/core/registry";
import { SelectMenu } from "@web/core/select_menu/select_menu";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** The choice that opens the field selector. */
const OTHER = "@other";

/**
 * A model or a path of fields, chosen by its label from what the server offers in a JSON field of
 * the record: `{[part]: {choices, types, relation}}`. Where the record has a model, fields of
 * linked records can be chosen with the field selector. Several paths, separated by commas, can be
 * typed.
 */
export class PathField extends Component {
    static template = "crm_kpi.PathField";
    static components = { ModelFieldSelector, SelectMenu };
    static props = {
        ...standardFieldProps,
        choices: { type: String, optional: true },
        part: { type: String, optional: true },
        model: { type: String, optional: true },
        placeholder: { type: String, optional: true },
        required: { type: Boolean, optional: true },
    };
    static defaultProps = { choices: "choices" };

    setup() {
        this.state = useState({ isSelecting: false });
    }

    get value() {
        return this.props.record.data[this.props.name] || "";
    }

    get offer() {
        const offers = this.props.record.data[this.props.choices] || {};
        return offers[this.props.part || this.props.name] || { choices: [] };
    }

    get resModel() {
        return (this.props.model && this.props.record.data[this.props.model]) || "";
    }

    get choices() {
        const choices = this.offer.choices.map(([value, label]) => ({ value, label }));
        if (this.resModel) {
            choices.push({ value: OTHER, label: _t("Other field…") });
        }
        return choices;
    }

    get label() {
        const chosen = this.offer.choices.find(([value]) => value === this.value);
        return chosen ? chosen[1] : this.value;
    }

    get hasSeveral() {
        return this.value.includes(",");
    }

    get selectorProps() {
        return {
            path: this.value,
            resModel: this.resModel,
            readonly: false,
            allowEmpty: !this.props.required,
            isDebugMode: Boolean(this.env.debug),
            filter: (field) => this.isOffered(field),
            update: (path) => this.update(path),
        };
    }

    /** Fields that fit, and links to other records, whose fields may fit. */
    isOffered(field) {
        const { types, relation } = this.offer;
        const isStored = field.store || field.related;
        const fits =
            (!types || types.includes(field.type)) && (!relation || field.relation === relation);
        return isStored && (fits || field.type === "many2one");
    }

    onSelect(value) {
        if (value === OTHER) {
            this.state.isSelecting = true;
        } else {
            this.update(value);
        }
    }

    async update(path) {
        this.state.isSelecting = false;
        await this.props.record.update({ [this.props.name]: path || false });
    }
}

registry.category("fields").add("crm_kpi_path", {
    component: PathField,
    supportedTypes: ["char"],
    extractProps: ({ options, placeholder }, dynamicInfo) => ({
        choices: options.choices,
        part: options.part,
        model: options.model,
        placeholder,
        required: dynamicInfo.required,
    }),
});
