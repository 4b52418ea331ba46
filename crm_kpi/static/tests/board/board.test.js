import { neighbour } from "@crm_kpi/board/board_action/neighbour";
import { BoardTv } from "@crm_kpi/board/board_tv/board_tv";
import { Leaderboard } from "@crm_kpi/board/leaderboard/leaderboard";
import { Tabs } from "@crm_kpi/board/tabs/tabs";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { press, queryAllTexts, queryFirst } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, Deferred, mockDate } from "@odoo/hoot-mock";
import {
    contains,
    getService,
    makeServerError,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { WebClient } from "@web/webclient/webclient";
import { Component, xml } from "@odoo/owl";
import { makeBoard, makeCard, makeChoices, makeDetail } from "./board_data";

describe.current.tags("desktop");
defineMailModels();

function answer(method, reply) {
    onRpc("crm.kpi.board", method, ({ args, kwargs }) => reply(...args, kwargs));
}

beforeEach(() => {
    answer("get_attention", () => []);
    answer("get_filter_choices", () => makeChoices());
});

async function mountBoard(params = {}) {
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "crm_kpi.board",
        params,
    });
    await animationFrame();
}

test("one call for the figures, placeholders until its answer arrives", async () => {
    const reply = new Deferred();
    answer("get_board", () => {
        expect.step("get_board");
        return reply;
    });
    await mountBoard();
    expect(".o_kpi_grid_waiting .o_kpi_card:empty").toHaveCount(8);
    reply.resolve(makeBoard());
    await animationFrame();
    expect(queryAllTexts(".o_kpi_card_name")).toEqual(["Deals won", "Win rate", "Sales cycle"]);
    expect(".o_kpi_grid_waiting").toHaveCount(0);
    expect(".o_kpi_asof").toHaveText("As of 08:00", { inline: true });
    expect.verifySteps(["get_board"]);
});

test("shows an error, and tries again", async () => {
    let broken = true;
    answer("get_board", () => {
        if (broken) {
            throw makeServerError({ message: "There is no board for you." });
        }
        return makeBoard();
    });
    await mountBoard();
    expect(".o_kpi_load_error").toHaveText(/There is no board for you/);
    broken = false;
    await contains(".o_kpi_load_error button").click();
    await animationFrame();
    expect(".o_kpi_card").toHaveCount(3);
});

test("an empty board offers to add KPIs", async () => {
    answer("get_board", () => makeBoard({ cards: [] }));
    onRpc("has_group", () => false);
    await mountBoard();
    expect(".o_kpi_empty").toHaveText(/has no KPIs yet/);
    await contains(".o_kpi_empty button").click();
    expect(".o_kpi_add").toHaveCount(1);
});

test("cards without data are one line that says why", async () => {
    const values = { value: null, value_text: "–", state: "too_early", folded: true };
    const late = makeCard({
        ...values,
        id: 2,
        state_text: "Available after 12/31/2026",
        kpi: { id: 6, code: "churn", name: "Churn rate" },
    });
    let cards = [makeCard(), late];
    answer("get_board", () => makeBoard({ cards }));
    answer("get_detail", () => new Deferred());
    await mountBoard();
    expect(queryAllTexts(".o_kpi_card_name")).toEqual(["Deals won"]);
    expect(".o_kpi_folded summary").toHaveText("1 KPI has no data: why");
    expect("details.o_kpi_folded[open]").toHaveCount(0);
    await contains(".o_kpi_folded summary").click();
    expect("details.o_kpi_folded[open]").toHaveCount(1);
    expect(".o_kpi_folded dd").toHaveText("Available after 12/31/2026");
    await contains(".o_kpi_folded button").click();
    await animationFrame();
    expect(".modal-title").toHaveText("Churn rate");
    await contains(".modal .btn-close").click();
    // a board without any value says why at once
    cards = [late, { ...late, id: 3 }];
    await contains("[data-filter=comparison]").select("last_year");
    await animationFrame();
    expect(".o_kpi_folded summary").toHaveText("2 KPIs have no data: why");
    expect("details.o_kpi_folded[open]").toHaveCount(1);
});

test("the number of records opens them; a rate and the question why open the details", async () => {
    const rate = makeCard({ id: 2, kpi: { id: 6, code: "rate", name: "Win rate", source: "" } });
    const cards = [makeCard(), rate];
    answer("get_board", () => makeBoard({ cards }));
    answer("open_records", (kpiId) => {
        expect.step(`open ${kpiId}`);
        return { type: "ir.actions.act_window_close" };
    });
    answer("get_detail", () => new Deferred());
    await mountBoard();
    await contains("[data-code=deals] .o_kpi_card_records").click();
    expect.verifySteps(["open 5"]);
    expect(".o_kpi_detail").toHaveCount(0);
    await contains("[data-code=rate] .o_kpi_card_records").click();
    await animationFrame();
    expect(".modal-title").toHaveText("Win rate");
    await contains(".modal .btn-close").click();
    await contains("[data-code=deals] .o_kpi_card_why").click();
    await animationFrame();
    expect(".modal-title").toHaveText("Deals won");
    expect.verifySteps([]);
});

test("a filter keeps the filters that were chosen before", async () => {
    const asked = [];
    answer("get_board", (boardId, filters) => {
        asked.push([boardId, { ...filters }]);
        return makeBoard({ filters: { ...makeBoard().filters, ...filters } });
    });
    await mountBoard();
    await contains("[data-filter=comparison]").select("last_year");
    await contains("[data-scope=company]").click();
    await animationFrame();
    expect(asked[0]).toEqual([false, {}]);
    expect(asked[1]).toEqual([1, { comparison: "last_year" }]);
    expect(asked[2]).toEqual([
        1,
        { comparison: "last_year", scope: "company", team_id: false, user_id: false },
    ]);
});

/** A board that shows the days it was asked for, and steps for each call with days. */
function answerDays() {
    answer("get_board", (boardId, filters) => {
        const board = makeBoard({ filters: { ...makeBoard().filters, ...filters } });
        if (filters.period_kind === "custom") {
            expect.step(["get_board", filters.date, filters.date_to]);
            Object.assign(board.period, { date_from: filters.date, date_to: filters.date_to });
            board.period.label = "Chosen days";
        }
        return board;
    });
    answer("prepare_period", (boardId, { date, date_to }) => {
        expect.step(["prepare_period", date, date_to]);
        if (date === "2025-06-06") {
            throw makeServerError({ message: "Too many ranges." });
        }
        return 12;
    });
}

const FIRST_DAY = ".o_kpi_date_range label:contains(First day) input";
const LAST_DAY = ".o_kpi_date_range label:contains(Last day) input";
const APPLY = ".o_kpi_date_range button:contains(Apply)";

/** What a date input reports: each year that is typed is a date. */
async function typeDay(input, ...days) {
    for (const day of days) {
        const element = queryFirst(input);
        element.value = day;
        element.dispatchEvent(new Event("change", { bubbles: true }));
        await animationFrame();
    }
}

/** The filters of a team, and steps for each call of their choices. */
function answerTeam() {
    answer("get_board", (boardId, filters) => {
        const team = { scope: "team", team_id: 1, user_id: null };
        const board = makeBoard({ filters: { ...makeBoard().filters, ...team, ...filters } });
        Object.assign(board.options, { teams: [{ id: 1, name: "North" }], users: [] });
        return board;
    });
    answer("get_filter_choices", (boardId, { team_id, user_id, comparison }, kpiIds) => {
        expect.step([boardId, team_id, user_id, comparison, kpiIds]);
        return makeChoices();
    });
}

test("the choices of the filters are read when the user comes to them", async () => {
    answerTeam();
    await mountBoard();
    expect(queryAllTexts("[data-filter=team] option")).toEqual(["North"]);
    expect(queryAllTexts("[data-filter=user] option")).toEqual(["All salespeople"]);
    expect.verifySteps([]);
    await contains("[data-filter=team]").hover();
    await animationFrame();
    expect.verifySteps([[1, 1, null, "previous", []]]);
    expect(queryAllTexts("[data-filter=team] option")).toEqual(["North", "South"]);
    expect("[data-filter=team]").toHaveValue("1");
    expect(queryAllTexts("[data-filter=user] option:not([value=''])")).toEqual(["Ann", "Bob"]);
    expect("[data-filter=period] option[value='2026-10-01']").toHaveCount(1);
    // an update of the figures does not read them again, and other filters do
    await advanceTime(300 * 1000);
    await animationFrame();
    expect.verifySteps([]);
    await contains("[data-filter=user]").select("8");
    await animationFrame();
    expect.verifySteps([[1, 1, 8, "previous", []]]);
    expect("[data-filter=user]").toHaveValue("8");
});

test("the choices of the filters are read for the keyboard", async () => {
    answerTeam();
    await mountBoard();
    await press("/");
    await animationFrame();
    expect("[data-filter=kind]").toBeFocused();
    expect.verifySteps([[1, 1, null, "previous", []]]);
    expect(queryAllTexts("[data-filter=team] option")).toEqual(["North", "South"]);
});

test("the choices of the filters are asked for again after a failure", async () => {
    let broken = true;
    answer("get_board", () => makeBoard());
    answer("get_filter_choices", () => {
        if (broken) {
            throw makeServerError({ message: "Too busy." });
        }
        return makeChoices();
    });
    await mountBoard();
    await press("/");
    await animationFrame();
    expect(".o_kpi_filters [role=status]").toHaveText("Too busy.");
    expect("[data-filter=period] option[value='2026-11-01']").toHaveCount(1);
    broken = false;
    await contains("[data-filter=comparison]").focus();
    await animationFrame();
    expect(".o_kpi_filters [role=status]").toHaveCount(0);
    expect("[data-filter=period] option[value='2026-10-01']").toHaveCount(1);
});

test("a wall does not read the choices of the filters", async () => {
    answerTeam();
    await mountBoard({ tv: 1 });
    await advanceTime(1000);
    await animationFrame();
    expect(".o_kpi_card").toHaveCount(3);
    expect.verifySteps([]);
});

test("the editor of cards offers all people and teams", async () => {
    answer("get_board", () => makeBoard());
    onRpc("has_group", () => false);
    await mountBoard();
    await contains(".o_kpi_edit_button").click();
    await contains(".o_kpi_edit:eq(0) .o_kpi_edit_filters").click();
    expect(queryAllTexts("[data-own=people] option")).toEqual([
        "As chosen on the board",
        "My values",
        "Company",
        "North",
        "South",
        "Ann",
        "Bob",
    ]);
});

test("custom days: nothing is sent before Apply", async () => {
    answerDays();
    await mountBoard();
    await contains("[data-filter=kind]").select("custom");
    await animationFrame();
    expect(queryFirst(FIRST_DAY).value).toBe("2026-11-01");
    expect(queryFirst(LAST_DAY).value).toBe("2026-11-20"); // today
    await typeDay(FIRST_DAY, "0002-05-10", "0020-05-10", "0202-05-10", "2026-05-10");
    await typeDay(LAST_DAY, "0002-06-12", "0020-06-12", "0202-06-12", "2026-06-12");
    expect(queryFirst(FIRST_DAY).value).toBe("2026-05-10");
    expect.verifySteps([]);
    await contains(APPLY).click();
    await animationFrame();
    expect.verifySteps([
        ["prepare_period", "2026-05-10", "2026-06-12"],
        ["get_board", "2026-05-10", "2026-06-12"],
    ]);
    expect(".o_kpi_date_range").toHaveCount(0);
    expect("[data-filter=days]").toHaveText("Chosen days");
    // the days to compare with are computed as well
    expect("[data-filter=comparison] option:checked").toHaveText("vs. the days before");
    await contains("[data-filter=comparison]").select("last_year");
    await animationFrame();
    expect.verifySteps([
        ["prepare_period", "2026-05-10", "2026-06-12"],
        ["get_board", "2026-05-10", "2026-06-12"],
    ]);
});

test("custom days: the other end moves along, and days out of bounds are not sent", async () => {
    answerDays();
    await mountBoard();
    await contains("[data-filter=kind]").select("custom");
    await animationFrame();
    await typeDay(LAST_DAY, "2026-03-05");
    expect(queryFirst(FIRST_DAY).value).toBe("2026-03-05");
    await typeDay(FIRST_DAY, "2026-04-07");
    expect(queryFirst(LAST_DAY).value).toBe("2026-04-07");
    await typeDay(FIRST_DAY, "2024-12-31");
    expect(queryFirst(FIRST_DAY).checkValidity()).toBe(false);
    await contains(APPLY).click();
    await typeDay(FIRST_DAY, "2026-04-07");
    await typeDay(LAST_DAY, "2026-11-21");
    expect(queryFirst(LAST_DAY).checkValidity()).toBe(false);
    await contains(APPLY).click();
    expect.verifySteps([]);
});

test("custom days: a refusal is shown in the form, and the board stays", async () => {
    answerDays();
    await mountBoard();
    await contains("[data-filter=kind]").select("custom");
    await animationFrame();
    await typeDay(FIRST_DAY, "2025-06-06");
    await contains(APPLY).click();
    await animationFrame();
    expect.verifySteps([["prepare_period", "2025-06-06", "2026-11-20"]]);
    expect(".o_kpi_date_range [role=alert]").toHaveText("Too many ranges.");
    expect(".modal").toHaveCount(0);
    expect(".o_kpi_period").toHaveText(/November 2026/);
    await press("Escape");
    await animationFrame();
    expect("[data-filter=kind]").toHaveValue("month");
    // the refused days are not asked for again
    await contains("[data-scope=company]").click();
    await animationFrame();
    expect.verifySteps([]);
});

test("custom days: two clicks in the calendar choose them", async () => {
    answerDays();
    await mountBoard();
    await contains("[data-filter=kind]").select("custom");
    await animationFrame();
    await contains(".o_date_item_cell:not(.o_out_of_range):contains(/^9$/)").click();
    expect(queryFirst(LAST_DAY).value).toBe("2026-11-09");
    await contains(".o_date_item_cell:not(.o_out_of_range):contains(/^12$/)").click();
    await contains(APPLY).click();
    await animationFrame();
    expect.verifySteps([
        ["prepare_period", "2026-11-09", "2026-11-12"],
        ["get_board", "2026-11-09", "2026-11-12"],
    ]);
});

test("custom days of a favorite are computed again", async () => {
    answerDays();
    const saved = { board_id: 1, period_kind: "custom", date: "2026-02-01", date_to: "2026-02-09" };
    onRpc("ir.filters", "get_filters", () => [
        {
            id: 1,
            name: "Fair",
            context: JSON.stringify({ crm_kpi_board: saved }),
            is_default: true,
            user_ids: [],
        },
    ]);
    onRpc("has_group", () => false);
    await mountBoard();
    await contains(".o_kpi_favorites").click();
    expect(".o_kpi_favorites_menu .dropdown-item").toHaveText(/opens first.*for all users/s);
    // only KPI managers delete what is shared, or share
    expect(".o_kpi_favorites_menu .fa-trash-o").toHaveCount(0);
    expect(".o_kpi_favorite_shared").toHaveCount(0);
    await contains(".o_kpi_favorites_menu .dropdown-item:contains(Fair)").click();
    await animationFrame();
    expect.verifySteps([
        ["prepare_period", "2026-02-01", "2026-02-09"],
        ["get_board", "2026-02-01", "2026-02-09"],
    ]);
});

test("lines on top of the board open their records", async () => {
    let attention = [
        { key: "late_deals", icon: "fa-hourglass-end", count: 2, text: "2 deals", detail: "$ 5" },
        { key: "goals", icon: "fa-bullseye", count: 1, text: "1 goal", detail: "" },
    ];
    answer("get_board", (boardId, filters) =>
        makeBoard({ filters: { ...makeBoard().filters, ...filters } })
    );
    answer("get_attention", () => attention);
    answer("open_attention", (boardId, key, filters) => {
        expect.step([boardId, key, filters.user_id, filters.comparison]);
        return { type: "ir.actions.act_window_close" };
    });
    await mountBoard();
    await animationFrame();
    expect(queryAllTexts(".o_kpi_attention_line")).toEqual(["2 deals · $ 5", "1 goal"]);
    await contains(".o_kpi_attention_line:first").click();
    expect.verifySteps([[1, "late_deals", 7, "previous"]]);
    attention = [];
    await contains("[data-filter=comparison]").select("last_year");
    await animationFrame();
    await animationFrame();
    expect(".o_kpi_attention").toHaveCount(0);
});

test("an update shows no placeholders and keeps the focus", async () => {
    let reply = makeBoard();
    answer("get_board", () => reply);
    await mountBoard();
    const name = queryFirst(".o_kpi_card_open");
    name.focus();
    const later = new Deferred();
    reply = later;
    await advanceTime(300 * 1000);
    expect(".o_kpi_grid_waiting").toHaveCount(0);
    expect(queryAllTexts(".o_kpi_card_value")).toEqual(["12", "12", "12"]);
    const cards = makeBoard().cards;
    cards[0].value_text = "13";
    later.resolve(makeBoard({ cards }));
    await animationFrame();
    expect(queryAllTexts(".o_kpi_card_value")).toEqual(["13", "12", "12"]);
    expect(queryFirst(".o_kpi_card_open")).toBe(name);
    expect(name).toBeFocused();
});

test("when the server does not respond, the values stay and are marked as old", async () => {
    let broken = false;
    answer("get_board", () => {
        if (broken) {
            throw makeServerError({ message: "Gone" });
        }
        return makeBoard();
    });
    await mountBoard();
    expect(".o_kpi_card_stale").toHaveCount(0);
    broken = true;
    await advanceTime(300 * 1000);
    await animationFrame();
    expect(".o_kpi_card_stale").toHaveCount(3);
    expect(".o_kpi_old").toHaveText(/Not updated/, { inline: true });
    broken = false;
    await contains(".o_kpi_asof button").click();
    await animationFrame();
    expect(".o_kpi_card_stale").toHaveCount(0);
});

test("keys: filters, help, and moving between cards", async () => {
    answer("get_board", () => makeBoard());
    await mountBoard();
    await press("ArrowRight");
    expect(".o_kpi_card_open:first").toBeFocused();
    await press("ArrowRight");
    expect(".o_kpi_card[data-id='2'] .o_kpi_card_open").toBeFocused();
    await press("ArrowLeft");
    expect(".o_kpi_card[data-id='1'] .o_kpi_card_open").toBeFocused();
    await press("/");
    expect("[data-filter=kind]").toBeFocused();
    queryFirst(".o_kpi_card_open").focus();
    await press("?");
    await animationFrame();
    expect(".modal kbd").toHaveCount(6);
});

test("arrow keys find the nearest card", () => {
    const box = (left, top) => ({ left, top, bottom: top + 10 });
    const boxes = [box(0, 0), box(20, 0), box(0, 20), box(20, 20)];
    expect(neighbour(boxes, 0, "ArrowRight")).toBe(1);
    expect(neighbour(boxes, 0, "ArrowLeft")).toBe(undefined);
    expect(neighbour(boxes, 1, "ArrowDown")).toBe(3);
    expect(neighbour(boxes, 2, "ArrowUp")).toBe(0);
    expect(neighbour(boxes, 3, "ArrowDown")).toBe(undefined);
    expect(neighbour(boxes, 0, "ArrowLeft", true)).toBe(1);
});

test("editing: cards are moved, widened and removed; nothing is stored before saving", async () => {
    answer("get_board", () => makeBoard());
    onRpc("has_group", () => false);
    answer("save_layout", (ids, cards, values, shared) => {
        expect.step({ ids, cards: cards.map((card) => [card.kpi_id, card.size]), values, shared });
        return 4;
    });
    await mountBoard();
    await contains(".o_kpi_edit_button").click();
    await contains(".o_kpi_edit:eq(0) .o_kpi_edit_size").click();
    await contains(".o_kpi_edit:eq(1) [aria-label='Move forward']").click();
    await contains(".o_kpi_edit:eq(2) .o_kpi_edit_remove").click();
    expect.verifySteps([]);
    await contains(".o_kpi_save").click();
    await animationFrame();
    expect.verifySteps([
        {
            ids: [1],
            cards: [
                [6, "1"],
                [5, "2"],
            ],
            values: { name: "My board", ...makeBoard().board.layout },
            shared: false,
        },
    ]);
});

test("the workbook has the board and its filters", async () => {
    answer("get_board", () => makeBoard());
    patchWithCleanup(browser, {
        open(url) {
            const { pathname, searchParams } = new URL(url, "http://localhost");
            expect.step(pathname);
            expect(searchParams.get("board_id")).toBe("1");
            expect(JSON.parse(searchParams.get("filters"))).toEqual(makeBoard().filters);
            return {};
        },
    });
    await mountBoard();
    await contains(".o_kpi_export_button").click();
    expect.verifySteps(["/crm_kpi/export/board"]);
});

test("cards can be dragged", async () => {
    answer("get_board", () => makeBoard());
    onRpc("has_group", () => false);
    await mountBoard();
    await contains(".o_kpi_edit_button").click();
    await contains(".o_kpi_edit:eq(0) .o_kpi_edit_handle").dragAndDrop(".o_kpi_edit:eq(2)");
    expect(queryAllTexts(".o_kpi_edit .o_kpi_card_name")[0]).toBe("Win rate");
    expect(queryAllTexts(".o_kpi_edit .o_kpi_card_name")).toHaveLength(3);
});

test("a copy that is discarded was never stored", async () => {
    answer("get_board", () => makeBoard());
    answer("save_layout", (ids, cards, values, shared, asCopy) => {
        expect.step([ids, cards.length, values.name, shared, asCopy]);
        return 5;
    });
    onRpc("crm.kpi.board", "copy", () => expect.step("copy"));
    onRpc("has_group", () => false);
    await mountBoard();
    for (const button of [".btn:contains(Discard)", ".o_kpi_save"]) {
        await contains(".o_kpi_switcher").click();
        await contains(".dropdown-item:contains(Duplicate)").click();
        expect("[aria-label='Name of the board']").toHaveValue("My board (copy)");
        await contains(button).click();
    }
    expect.verifySteps([[[1], 3, "My board (copy)", false, true]]);
});

test("a board is followed by mail with its filters", async () => {
    answer("get_board", () => makeBoard());
    let followed = false;
    onRpc("crm.kpi.follow", "toggle", ({ args: [{ scope }], kwargs }) => {
        followed = !followed;
        expect.step([scope, kwargs.board_id]);
        return { followed, text: followed ? "You follow it" : "You do not follow it" };
    });
    await mountBoard();
    for (const text of ["Follow this board by mail", "Stop following this board"]) {
        await contains(".o_kpi_switcher").click();
        expect(".o_kpi_follow").toHaveText(text);
        await contains(".o_kpi_follow").click();
        await animationFrame();
    }
    expect(queryAllTexts(".o_notification_content")).toEqual([
        "You follow it",
        "You do not follow it",
    ]);
    expect.verifySteps([
        ["mine", 1],
        ["mine", 1],
    ]);
});

test("a board of one's own is deleted after a question", async () => {
    const own = { ...makeBoard().board, own: true, can_edit: true };
    answer("get_board", (boardId) => {
        expect.step(["get_board", boardId]);
        return makeBoard({ board: own });
    });
    answer("unlink", (ids) => {
        expect.step(["unlink", ids]);
        return true;
    });
    await mountBoard();
    await contains(".o_kpi_switcher").click();
    await contains(".dropdown-item:contains(Delete this board)").click();
    await contains(".modal .btn-primary").click();
    await animationFrame();
    expect.verifySteps([
        ["get_board", false],
        ["unlink", [1]],
        ["get_board", false],
    ]);
});

test("sections, and cards with filters of their own", async () => {
    const own = { team_id: 1 };
    const cards = [
        makeCard({ section: "Deals" }),
        makeCard({ id: 2, section: "Deals", own_filters: own, filter_text: "North" }),
        makeCard({ id: 3, section: "Customers" }),
    ];
    answer("get_board", () => makeBoard({ cards }));
    answer("preview_cards", (boardId, [card]) => [
        makeCard({ id: 0, own_filters: card, value_text: "77", filter_text: "Company" }),
    ]);
    answer("save_layout", (ids, saved) => {
        expect.step(saved.map(({ section, scope, team_id }) => ({ section, scope, team_id })));
        return 1;
    });
    onRpc("has_group", () => false);
    await mountBoard();
    expect(queryAllTexts(".o_kpi_section")).toEqual(["Deals", "Customers"]);
    expect(".o_kpi_card:eq(1) .o_kpi_card_title").toHaveText(/North/);
    await contains(".o_kpi_edit_button").click();
    expect(".o_kpi_edit_section").toHaveCount(2);
    await contains(".o_kpi_edit:eq(1) .o_kpi_edit_filters").click();
    await contains("[data-own=people]").select("scope:company");
    await animationFrame();
    expect(".o_kpi_edit:eq(1) .o_kpi_card_value").toHaveText("77");
    await contains(".o_kpi_edit_section:eq(0) input").edit("Wins");
    await contains(".o_kpi_save").click();
    expect.verifySteps([
        [
            { section: "Wins", scope: "company", team_id: undefined },
            { section: "Wins", scope: undefined, team_id: 1 },
            { section: "Customers", scope: undefined, team_id: undefined },
        ],
    ]);
});

test("KPIs are added from the library, with meaning and value", async () => {
    answer("get_board", () => makeBoard());
    const kpis = [
        { id: 5, name: "Deals won", category: "Conversion", description: "Won deals." },
        { id: 9, name: "Churn rate", category: "Retention", description: "Lost customers." },
    ];
    answer("get_library", () => kpis);
    answer("preview_cards", (boardId, [{ kpi_id }]) => [
        makeCard({ id: 0, value_text: "4 %", kpi: { id: kpi_id, name: "Churn rate" } }),
    ]);
    onRpc("has_group", () => false);
    await mountBoard();
    await contains(".o_kpi_edit_button").click();
    await contains(".o_kpi_add").click();
    await animationFrame();
    expect(queryAllTexts(".o_kpi_picker legend")).toEqual(["Conversion", "Retention"]);
    expect("[data-kpi='5']").toHaveText(/on the board/);
    await contains(".o_kpi_picker_search").edit("lost", { confirm: false });
    await animationFrame();
    expect(".o_kpi_picker label").toHaveCount(1);
    await contains("[data-kpi='9'] input").click();
    await animationFrame();
    expect(".o_kpi_picker_preview").toHaveText(/Lost customers/);
    expect(".o_kpi_picker_preview .o_kpi_card_value").toHaveText("4 %");
    await contains(".o_kpi_picker_add").click();
    await animationFrame();
    expect(queryAllTexts(".o_kpi_edit .o_kpi_card_name")).toHaveLength(4);
    expect(".o_kpi_edit:eq(3) .o_kpi_card_value").toHaveText("4 %");
});

test("the wall shows the chosen boards only", async () => {
    answer("get_board", (boardId) => {
        expect.step(boardId);
        const { boards, board } = makeBoard();
        return makeBoard({
            boards: [...boards, { id: 3, name: "Executive" }],
            board: { ...board, id: boardId },
        });
    });
    await mountBoard({ board_id: 1, tv: 1, tv_boards: "1,3", tv_seconds: 60 });
    await advanceTime(59 * 1000);
    expect.verifySteps([1]);
    await advanceTime(1000);
    expect.verifySteps([3]);
    await advanceTime(60 * 1000);
    expect.verifySteps([1]);
});

test("full screen: boards take turns, old values are marked", async () => {
    mockDate("2026-11-20 08:00:00");
    const props = {
        data: makeBoard(),
        error: "",
        loadedAt: Date.now(),
        rotation: { boards: [], seconds: 30 },
        onNext: () => expect.step("next"),
        onRotate: (rotation) => expect.step(rotation),
        onClose: () => expect.step("close"),
    };
    await mountWithCleanup(BoardTv, { props });
    expect(".o_kpi_tv_old").toHaveCount(0);
    expect(".o_kpi_card button").toHaveCount(0);
    await advanceTime(30 * 1000);
    expect.verifySteps(["next"]);
    expect("h1").toHaveText(/My board · Ann/);
    await contains(".o_kpi_tv_settings_button").click();
    await contains(".o_kpi_tv_settings input:eq(0)").click();
    await contains(".o_kpi_tv_settings input[type=number]").edit("2");
    expect.verifySteps([
        { boards: [2], seconds: 30 },
        { boards: [], seconds: 5 },
    ]);
    expect(".o_kpi_tv_settings").toHaveCount(0);
    await contains("[aria-label='Pause on this board']").click();
    await advanceTime(60 * 1000);
    expect.verifySteps([]);
    // no answer for longer than the interval of updates
    await advanceTime(11 * 60 * 1000);
    await animationFrame();
    expect(".o_kpi_tv_old").toHaveText(/No connection/);
    expect(".o_kpi_card_stale").toHaveCount(3);
    await press("Escape");
    await animationFrame();
    expect.verifySteps(["close"]);
});

test("full screen: shows when the refresh has stopped", async () => {
    const data = makeBoard({ stale: true, stale_text: "Last updated yesterday" });
    await mountWithCleanup(BoardTv, {
        props: {
            data,
            error: "",
            loadedAt: Date.now(),
            rotation: { boards: [], seconds: 30 },
            onNext: () => {},
            onRotate: () => {},
            onClose: () => {},
        },
    });
    expect(".o_kpi_tv_old").toHaveText("Last updated yesterday");
});

test("ranking by value or by attainment, with the names from the server", async () => {
    const rows = [
        { key: 1, rank: 1, name: "Colleague", mine: false, value_text: "8", share: 1 },
        { key: 2, rank: 2, name: "Ann", mine: true, value_text: "5", share: 0.6 },
    ];
    answer("get_leaderboard", (kpiId, filters, by) => {
        expect.step(by);
        if (by === "attainment") {
            return { mode: "off", by, rows: [], note: "Too few salespeople for a ranking." };
        }
        return { mode: "anonymous", by, rows, note: "" };
    });
    await mountWithCleanup(Leaderboard, { props: { kpiId: 5, filters: {}, name: "Deals" } });
    expect(queryAllTexts("tbody th")).toEqual(["Colleague", "Ann (you)"]);
    expect(".o_kpi_bars_mine").toHaveCount(1);
    await contains("button:contains(By attainment)").click();
    await animationFrame();
    expect(".o_kpi_leaderboard").toHaveText(/Too few salespeople/);
    expect.verifySteps(["value", "attainment"]);
});

test("details: a failed call can be repeated", async () => {
    answer("get_board", () => makeBoard());
    answer("get_detail", (kpiId, filters) => {
        expect.step([kpiId, filters.scope]);
        throw makeServerError({ message: "Busy" });
    });
    await mountBoard();
    await contains(".o_kpi_card_value").click();
    await animationFrame();
    expect(".o_kpi_detail .o_kpi_load_error").toHaveText(/Busy/);
    await contains(".o_kpi_load_error button").click();
    await animationFrame();
    expect.verifySteps([
        [5, "mine"],
        [5, "mine"],
    ]);
    await press("Escape");
    await animationFrame();
    expect(".o_kpi_detail").toHaveCount(0);
});

test("tabs: one stop of the Tab key, arrows change the tab", async () => {
    class Parent extends Component {
        static components = { Tabs };
        static props = ["*"];
        static template = xml`
            <Tabs>
                <t t-set-slot="one" title="'One'">first</t>
                <t t-set-slot="two" title="'Two'">second</t>
            </Tabs>`;
    }
    await mountWithCleanup(Parent);
    expect("[role=tablist] [role=tab]").toHaveCount(2);
    expect("[role=tab][tabindex='0']").toHaveText("One");
    expect("[role=tabpanel]").toHaveText("first");
    queryFirst("[role=tab]").focus();
    await press("ArrowRight");
    await animationFrame();
    expect("[role=tab][aria-selected=true]").toHaveText("Two");
    expect("[role=tab]:contains(Two)").toBeFocused();
    expect("[role=tabpanel]").toHaveText("second");
    await press("ArrowRight");
    await animationFrame();
    expect("[role=tabpanel]").toHaveText("first");
});

test("a card of salespeople shows bars instead of the sparkline", async () => {
    const rows = [
        {
            record_id: 1,
            name: "Ann",
            value: 3,
            value_text: "3",
            share: 1,
            record_count: 3,
            mine: true,
        },
    ];
    answer("get_board", () => makeBoard({ cards: [makeCard({ display: "reps", rows })] }));
    await mountBoard();
    expect(".o_kpi_card .o_kpi_bars tbody tr").toHaveCount(1);
    expect(".o_kpi_card .o_kpi_sparkline").toHaveCount(0);
});

test("the records of a rate in a list open its details", async () => {
    const filters = { ...makeBoard().filters, scope: "team", user_id: 7 };
    answer("get_detail", () => makeDetail());
    answer("get_explanation", (kpiId, { user_id }) => {
        expect.step([kpiId, user_id]);
        const included = { reason: "included", text: "Included", count: 3, visible: 3 };
        const part = { period_id: 9, period: "", value_text: "3", stored: 3, note: "" };
        const counts = { total: 3, visible: 3, included, zero: null, excluded: [], others: null };
        return ["Numerator", "Denominator"].map((role, index) => ({
            ...part,
            ...counts,
            kpi_id: index + 10,
            name: `Deals ${index}`,
            role,
        }));
    });
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "crm_kpi.detail",
        name: "Win rate · Ann",
        params: { kpi_id: 6, filters, tab: "records" },
    });
    await animationFrame();
    await animationFrame();
    expect(".modal-title").toHaveText("Win rate · Ann");
    expect.verifySteps([[6, 7]]);
    expect(".o_kpi_detail .o_kpi_explanation").toHaveCount(2);
    expect(".o_kpi_detail").toHaveText(/Numerator.*Denominator/s);
});
