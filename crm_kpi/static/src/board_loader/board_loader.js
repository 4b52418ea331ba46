import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

const actions = registry.category("actions");

/**
 * Stands in for the board until it is opened: only then its code is loaded.
 */
async function loadBoard(env, action) {
    await loadBundle("crm_kpi.board_assets");
    if (actions.get("crm_kpi.board") === loadBoard) {
        // the bundle did not bring the board: say so instead of trying for ever
        env.services.notification.add(_t("The KPI board could not be loaded. Reload the page."), {
            type: "danger",
        });
        return;
    }
    return action;
}
loadBoard.path = "kpis";
loadBoard.displayName = _t("KPIs");
actions.add("crm_kpi.board", loadBoard);
