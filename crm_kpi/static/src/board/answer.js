import { useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";

/**
 * What went wrong, in words for the one who looks at the screen.
 */
export function trouble(error) {
    return error.data?.message || _t("The server does not answer.");
}

/**
 * Something that is asked of the server: its answer, or why there is none. The last question
 * wins; an old answer stays until the new one is there.
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
                answer.error = trouble(error);
            }
        },
    });
    return answer;
}
