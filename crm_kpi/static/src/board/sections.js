/**
 * Cards with the heading that stands above each: the section where it begins, else empty.
 *
 * @param {Object[]} cards in their order
 * @returns {{ card: Object, heading: string }[]}
 */
export function withSections(cards) {
    return cards.map((card, index) => ({
        card,
        heading: card.section !== (cards[index - 1]?.section || "") ? card.section : "",
    }));
}
