// This till: its shop, sellers and rules, as the hub said last, and who serves now.
export const here = { till: null, seller: null };
