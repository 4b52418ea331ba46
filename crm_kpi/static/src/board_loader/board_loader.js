import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

const actions = registry.category("actions");

/**
 * Loads the code of the board when it is opened for the first time.
 */
async function loadBoard(env, action) {
    await loadBundle("crm_kpi.board_assets");
    if (actions.get("crm_kpi.board") === loadBoard) {
        // the bundle does not contain the board: show an error instead of loading it again
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
