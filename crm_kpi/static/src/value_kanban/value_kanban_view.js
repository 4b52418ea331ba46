import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { registry } from "@web/core/registry";

/**
 * An empty kanban that is grouped by a record is blank in Odoo, because users may add columns.
 * Here they cannot, so the help for empty lists is shown.
 */
export class ValueKanbanRenderer extends KanbanRenderer {
    get showNoContentHelper() {
        const { isGrouped, groups } = this.props.list;
        return super.showNoContentHelper || (isGrouped && !groups.length);
    }
}

registry.category("views").add("crm_kpi_value_kanban", {
    ...kanbanView,
    Renderer: ValueKanbanRenderer,
});
