import { useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";

/**
 * The message of an error, for the user.
 */
export function errorText(error) {
    return error.data?.message || _t("The server does not respond.");
}

/**
 * The state of a call to the server: its answer, or an error. Only the answer to the last call
 * is kept; the previous answer stays until then.
 *
 * @template T
 * @param {(...args: any[]) => Promise<T>} ask
 * @returns {{ value: T | null, error: string, load: (...args: any[]) => Promise<void> }}
 */
export function useAnswer(ask) {
    const keepLast = new KeepLast();
    const answer = useState({
        value: null,
        error: "",
        async load(...args) {
            answer.error = "";
            try {
                answer.value = await keepLast.add(ask(...args));
            } catch (error) {
                answer.error = errorText(error);
            }
        },
    });
    return answer;
}
