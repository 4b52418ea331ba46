import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/**
 * In which KPIs and periods the record of a form counts, and why it does not count in others.
 * Asked only when its page is opened.
 */
export class CountsIn extends Component {
    static template = "crm_kpi.CountsIn";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ answer: null });
        onWillStart(() => {
            this.load(this.props.record); // not awaited: the form is shown at once
        });
        onWillUpdateProps(({ record }) => {
            if (record.resId !== this.resId) {
                this.load(record);
            }
        });
    }

    async load({ resModel, resId }) {
        this.resId = resId;
        this.state.answer = null;
        if (!resId) {
            return;
        }
        const answer = await this.orm.silent.call("crm.kpi", "get_counts_in", [resModel, resId]);
        if (resId === this.resId) {
            this.state.answer = answer;
        }
    }

    async openDefinition(kpi) {
        this.action.doAction(await this.orm.call("crm.kpi", "action_definition", [[kpi.id]]));
    }
}

registry.category("view_widgets").add("crm_kpi_counts_in", { component: CountsIn });
