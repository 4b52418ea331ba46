import { Component, onWillStart } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";

/**
 * The definition of a KPI in words: source, filter, date, credit and exclusions. Asked for when it
 * is shown. The slot holds further lines.
 */
export class DefinitionLines extends Component {
    static template = "crm_kpi.DefinitionLines";
    static props = { kpiId: Number, slots: { type: Object, optional: true } };

    setup() {
        const orm = useService("orm");
        this.answer = useAnswer(() =>
            orm.silent.call("crm.kpi", "get_definition", [this.props.kpiId])
        );
        onWillStart(() => {
            this.answer.load(); // not awaited: the rest is shown at once
        });
    }
}
