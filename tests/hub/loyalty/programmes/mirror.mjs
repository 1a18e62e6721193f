// Answers questions to assets/src/loyalty/rules.js, a line of JSON each: {call, input} -> output.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const rules = await import(pathToFileURL(process.argv[2]));
const map = (object) => new Map(Object.entries(object).map(([key, value]) => [Number(key), value]));
const plain = (value) => (value instanceof Map ? Object.fromEntries(value) : value);
const calls = {
  earn: ({ basket, rules: list }) =>
    rules.earn(basket, list).map((part) => ({ ...part, lines: plain(part.lines) })),
  net_lines: ({ lines }) => plain(rules.netLines(lines)),
  take_back: ({ lines, parts, returned }) =>
    plain(rules.takeBack(lines, parts.map((p) => ({ ...p, lines: map(p.lines) })), map(returned))),
  returned_share: ({ lines, returned }) => rules.returnedShare(lines, map(returned)),
  reward_cost: (asked) => rules.rewardCost(asked),
  member_prices: ({ lines, advantages }) => rules.memberPrices(lines, advantages),
  standing: ({ tiers, spent_cents, shops }) => rules.standing(tiers, spent_cents, shops)?.id ?? null,
};
for await (const line of createInterface({ input: process.stdin })) {
  const { call, input } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(calls[call](input))}\n`);
}
