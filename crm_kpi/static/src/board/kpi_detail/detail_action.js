import { registry } from "@web/core/registry";
import { KpiDetail } from "./kpi_detail";

/**
 * Opens the details of a KPI over a list. A person or segment that is picked there opens the board.
 */
export function openDetail(env, { name, params }) {
    const { kpi_id, filters, tab } = params;
    env.services.dialog.add(KpiDetail, {
        kpiId: kpi_id,
        filters,
        tab,
        title: name,
        onPick: (field, id) => {
            if (field === "date") {
                return; // the dialog shows the period itself
            }
            const scope = field === "user_id" ? { scope: "team" } : {};
            env.services.action.doAction({
                type: "ir.actions.client",
                tag: "crm_kpi.board",
                params: { ...filters, [field]: id, ...scope },
            });
        },
    });
}

registry.category("actions").add("crm_kpi.detail", openDetail, { force: true });
