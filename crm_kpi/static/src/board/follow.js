import { useService } from "@web/core/utils/hooks";

/**
 * A function that follows a KPI or a board by mail, or stops following it, and says what happens
 * next.
 *
 * @returns {(filters: Object, subject: { kpi_id?: number, board_id?: number }) => Promise<boolean>}
 *     whether it is followed now
 */
export function useFollow() {
    const orm = useService("orm");
    const notification = useService("notification");
    return async (filters, subject) => {
        const { followed, text } = await orm.call("crm.kpi.follow", "toggle", [filters], subject);
        notification.add(text, { type: "success" });
        return followed;
    };
}
