import { useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { DomainField, domainField } from "@web/views/fields/domain/domain_field";

/**
 * The filter of a KPI. The number of records beside it is that of the preview, which applies the
 * filter of the source, too.
 */
export class FilterField extends DomainField {
    static template = "crm_kpi.FilterField";

    setup() {
        super.setup();
        this.preview = useState(this.env.kpiPreview || { countText: "" });
    }
}

registry.category("fields").add("crm_kpi_filter", { ...domainField, component: FilterField });
