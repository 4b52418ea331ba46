import { reactive, useSubEnv } from "@odoo/owl";
import { FormController } from "@web/views/form/form_controller";
import { FormRenderer } from "@web/views/form/form_renderer";
import { formView } from "@web/views/form/form_view";
import { registry } from "@web/core/registry";

/**
 * The form of a KPI or a source. When a changed definition is saved, a dialog asks from which
 * period it applies; the dialog then writes the changes in place of the form.
 */
export class DefinitionFormController extends FormController {
    setup() {
        super.setup();
        // what fields of the form show of the preview beside it
        useSubEnv({ kpiPreview: reactive({ countText: "" }) });
    }

    get hasPreview() {
        return Boolean(this.archInfo.xmlDoc.querySelector("widget[name=crm_kpi_preview]"));
    }

    /** The preview takes the place that the chatter has on wide screens: the form scrolls as one. */
    get className() {
        const result = super.className;
        if (this.hasPreview) {
            delete result["o_xxl_form_view h-100"];
        }
        return result;
    }

    async onWillSaveRecord(record, changes) {
        if (record.resId) {
            const action = await this.orm.call("crm.kpi.definition.change", "propose", [
                record.resModel,
                record.resId,
                changes,
            ]);
            if (action) {
                this.actionService.doAction(action, {
                    onClose: (infos) => this.onDefinitionAnswered(infos),
                });
                return false;
            }
        }
        return super.onWillSaveRecord(record, changes);
    }

    /** Show what the dialog wrote; without an answer, the changes stay in the form. */
    async onDefinitionAnswered(infos) {
        if (!infos?.applied) {
            return;
        }
        await this.model.root.discard();
        if (infos.kpi_id) {
            // not awaited: the dialog waits for this method before it closes
            this.actionService.doAction({
                type: "ir.actions.act_window",
                res_model: "crm.kpi",
                res_id: infos.kpi_id,
                views: [[false, "form"]],
            });
        } else {
            await this.model.root.load();
        }
    }
}

/** The form of a KPI or a source; beside a preview, the chatter is always below the form. */
export class DefinitionFormRenderer extends FormRenderer {
    mailLayout(...args) {
        const layout = super.mailLayout(...args);
        const hasPreview = this.props.archInfo.xmlDoc.querySelector("widget[name=crm_kpi_preview]");
        return hasPreview && layout === "SIDE_CHATTER" ? "BOTTOM_CHATTER" : layout;
    }
}

registry.category("views").add("crm_kpi_definition_form", {
    ...formView,
    Controller: DefinitionFormController,
    Renderer: DefinitionFormRenderer,
});
