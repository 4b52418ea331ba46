import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

const actions = registry.category("actions");

/**
 * Registers a screen whose code is loaded when a user opens one of these screens first.
 *
 * @param {string} tag
 * @param {string} [path] of a page; a dialog has none
 * @param {string} [displayName]
 */
function addScreen(tag, path, displayName) {
    async function loadScreen(env, action) {
        await loadBundle("crm_kpi.board_assets");
        if (actions.get(tag) === loadScreen) {
            // the bundle does not contain the screen: show an error instead of loading it again
            env.services.notification.add(
                _t("The KPI board could not be loaded. Reload the page."),
                { type: "danger" }
            );
            return;
        }
        return action;
    }
    loadScreen.path = path;
    loadScreen.displayName = displayName;
    actions.add(tag, loadScreen);
}

addScreen("crm_kpi.board", "kpis", _t("KPIs"));
addScreen("crm_kpi.health", "kpi-system-health", _t("Health"));
addScreen("crm_kpi.scorecard", "scorecard", _t("Scorecard"));
addScreen("crm_kpi.detail");
