import { Component, onMounted, useState } from "@odoo/owl";
import { LazyComponent } from "@web/core/assets";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * The preview beside the form of a KPI. Its code is loaded with that of the boards, when the form
 * is shown.
 */
export class KpiPreviewWidget extends Component {
    static template = "crm_kpi.KpiPreviewWidget";
    static components = { LazyComponent };
    static props = { ...standardWidgetProps };

    setup() {
        this.state = useState({ isShown: false });
        onMounted(() => {
            // a form in a dialog has no place for it
            this.state.isShown = !this.env.inDialog;
        });
    }
}

registry.category("view_widgets").add("crm_kpi_preview", { component: KpiPreviewWidget });
