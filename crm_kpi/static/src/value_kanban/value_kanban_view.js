import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { registry } from "@web/core/registry";

/**
 * Grouped by a record, Odoo's kanban leaves the page blank where there is nothing, in the
 * expectation of a new column. Nobody makes columns here: say why there are no figures.
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
