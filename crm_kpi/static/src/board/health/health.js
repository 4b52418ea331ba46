import { Component, onWillStart, onWillUnmount, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { formatInteger } from "@web/views/fields/formatters";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { errorText } from "../answer";
import { LoadError } from "../load_error/load_error";
import { ShareBar } from "../share_bar/share_bar";

/** Seconds after which an open page is read again, if no message arrives. */
const RELOAD_INTERVAL = 60;

/**
 * How the scheduled refresh runs, what fails, and what waits. It follows a run while it lasts.
 */
export class Health extends Component {
    static template = "crm_kpi.Health";
    static components = { Layout, LoadError, ShareBar };
    static props = { ...standardActionServiceProps };
    static path = "kpi-system-health";
    static displayName = _t("Health");

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.bus = useService("bus_service");
        this.notification = useService("notification");
        this.keepLast = new KeepLast();
        this.display = { controlPanel: {} };
        this.state = useState({
            data: null,
            warnings: null, // not read yet
            error: "",
            asked: false, // for a refresh that has not begun yet
            progress: null, // of the present run: done, due and title
            runId: null, // whose parts are shown; by default the last one
        });
        const follow = (message) => this.follow(message);
        onWillStart(() => {
            // not awaited, so that the frame of the page is shown at once
            this.read();
            this.readWarnings();
        });
        this.bus.subscribe("crm_kpi/run", follow);
        const timer = browser.setInterval(() => this.read(), RELOAD_INTERVAL * 1000);
        onWillUnmount(() => {
            this.bus.unsubscribe("crm_kpi/run", follow);
            browser.clearInterval(timer);
        });
    }

    async read() {
        try {
            this.state.data = await this.keepLast.add(
                this.orm.silent.call("crm.kpi.health", "get_health", [])
            );
            this.state.error = "";
            if (!this.state.data.is_running) {
                this.state.progress = null;
            }
        } catch (error) {
            this.state.error = errorText(error);
        }
    }

    async readWarnings() {
        const call = this.orm.silent.call("crm.kpi.health", "get_warnings", []);
        this.state.warnings = await call.catch((error) => [errorText(error)]);
    }

    /** A message of a run: its progress, or its end. */
    follow(message) {
        if (message.kind !== "refresh") {
            return;
        }
        this.state.asked = false;
        if (message.state === "running") {
            this.state.progress = message;
            return;
        }
        this.state.progress = null;
        this.notification.add(this.endText(message), {
            type: message.failed ? "warning" : "success",
        });
        this.read();
    }

    endText({ state, done, due, failed, seconds, written }) {
        if (state === "history") {
            return _t("The history is being read. Values follow after that.");
        }
        if (state === "stopped") {
            return _t(
                "The time of the refresh is over after %(done)s of %(due)s steps. It continues.",
                {
                    done,
                    due,
                }
            );
        }
        const values = { written: formatInteger(written), seconds, failed };
        if (failed) {
            return _t(
                "Refresh finished in %(seconds)s s: %(written)s values written, %(failed)s steps failed.",
                values
            );
        }
        return _t("Refresh finished in %(seconds)s s: %(written)s values written.", values);
    }

    async refreshNow() {
        await this.orm.call("crm.kpi.health", "refresh_now", []);
        this.state.asked = true;
    }

    get isRunning() {
        return Boolean(this.state.progress || this.state.data.is_running);
    }

    get share() {
        const { progress, data } = this.state;
        return progress ? progress.done / Math.max(1, progress.due) : data.progress;
    }

    /** The run whose slowest parts are shown. */
    get run() {
        const { runs } = this.state.data;
        return (
            runs.find(({ id }) => id === this.state.runId) ||
            runs.find(({ kind, parts }) => kind === "refresh" && parts.length)
        );
    }

    number(value) {
        return formatInteger(value);
    }

    openFailure({ name, model, res_id }) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: model,
            res_id,
            views: [[false, "form"]],
        });
    }

    openWaiting() {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name: _t("Without values"),
            res_model: "crm.kpi",
            domain: [
                ["state", "=", "published"],
                ["last_refresh", "=", false],
            ],
            views: [
                [false, "list"],
                [false, "form"],
            ],
        });
    }

    openFailures() {
        return this.action.doAction("crm_kpi.crm_kpi_health_action");
    }

    openSchedule() {
        return this.action.doAction("crm_kpi.crm_kpi_schedule_action", {
            onClose: () => this.read(),
        });
    }
}

registry.category("actions").add("crm_kpi.health", Health, { force: true });
