import { useState } from "@odoo/owl";
import { Domain } from "@web/core/domain";
import { registry } from "@web/core/registry";
import { DomainField, domainField } from "@web/views/fields/domain/domain_field";

/**
 * The filter of a KPI. The number of records beside it is that of the preview, which applies the
 * filter of the source, too. Rules that many filters have are added with one click.
 */
export class FilterField extends DomainField {
    static template = "crm_kpi.FilterField";

    setup() {
        super.setup();
        this.preview = useState(this.env.kpiPreview || { countText: "" });
    }

    get rules() {
        const { value_choices } = this.props.record.data;
        return (!this.props.readonly && this.state.isValid && value_choices?.rules) || [];
    }

    addRule(rule) {
        this.update(Domain.and([this.getDomain(), rule.domain]).toString());
    }
}

registry.category("fields").add("crm_kpi_filter", { ...domainField, component: FilterField });
