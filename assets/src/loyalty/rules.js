// How receipts earn, as programmes/rules.py and programmes/costs.py say it: this is their mirror,
// and tests/golden/rules holds cases that both must answer alike. Change both, never one.
// Amounts are whole numbers; products of them are made as BigInt, since they may pass 2^53.

const WHOLE = 1000;

const times = (a, b, over) => Number((BigInt(a) * BigInt(b)) / BigInt(over));
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const same = (a, b) => a.toLowerCase() === b.toLowerCase();

/** Share a whole amount over [number, weight] pairs by the largest remainder. */
export function share(amount, weights) {
  const total = sum(weights.map(([, weight]) => weight));
  if (amount <= 0 || total <= 0) return new Map();
  if (weights.length === 1) return new Map([[weights[0][0], amount]]);
  const shares = new Map();
  const remainders = [];
  for (const [number, weight] of weights) {
    const exact = BigInt(amount) * BigInt(weight);
    shares.set(number, Number(exact / BigInt(total)));
    remainders.push([exact % BigInt(total), number]);
  }
  const left = amount - sum([...shares.values()]);
  remainders.sort(([a, i], [b, j]) => (a === b ? i - j : a > b ? -1 : 1));
  for (const [, number] of remainders.slice(0, left)) shares.set(number, shares.get(number) + 1);
  for (const [number, units] of shares) if (!units) shares.delete(number);
  return shares;
}

/** What each article cost after reductions: a Map of cents by line number. */
export function netLines(lines) {
  const articles = lines.filter((line) => !line.discount && line.gross_cents > 0);
  const net = new Map(articles.map((line) => [line.number, line.gross_cents]));
  for (const reduction of lines) {
    if (reduction.gross_cents >= 0) continue;
    let left = -reduction.gross_cents;
    const own = reduced(reduction, articles);
    for (const targets of own.length < articles.length ? [own, articles] : [articles]) {
      const weights = targets.map((line) => [line.number, net.get(line.number)]);
      const taken = Math.min(left, sum(weights.map(([, weight]) => weight)));
      for (const [number, cents] of share(taken, weights)) net.set(number, net.get(number) - cents);
      left -= taken;
    }
  }
  return net;
}

function reduced(reduction, articles) {
  if (reduction.item_id) {
    const found = articles.filter((line) => line.item_id === reduction.item_id);
    if (found.length) return found;
  }
  if (reduction.group) {
    const found = articles.filter((line) => same(line.group, reduction.group));
    if (found.length) return found;
  }
  return articles;
}

/**
 * What a basket earns under each rule.
 * Basket: {lines, weekday, minute, month, first, birth_month, tier: {name, percent} | null}.
 * Rule: {id, kind, parameters, name, sponsor_id}. Line: {number, gross_cents, quantity_milli,
 * item_id, group, discount}.
 */
export function earn(basket, rules) {
  const net = netLines(basket.lines);
  const total = sum([...net.values()]);
  if (total <= 0) return [];
  const bonuses = findBonuses(basket, rules, net);
  return rules.flatMap((rule) => {
    const { per_cents: per, min_cents: least } = rule.parameters;
    if (rule.kind === "spend") return baseParts(rule, net, per, null, bonuses);
    if (rule.kind === "purchase") return total >= least ? baseParts(rule, net, total, least, bonuses) : [];
    if (rule.kind === "product") return productParts(rule, basket.lines, net);
    return [];
  });
}

function findBonuses(basket, rules, net) {
  const found = [];
  for (const rule of rules) {
    if (rule.kind !== "multiplier" || !applies(rule.parameters, basket)) continue;
    const groups = rule.parameters.groups ?? [];
    const lines = basket.lines.filter(
      (line) => net.get(line.number) && (!groups.length || groups.includes(line.group.toLowerCase())),
    );
    if (lines.length)
      found.push({
        rule: rule.id, percent: rule.parameters.percent, name: rule.name,
        sponsor_id: rule.sponsor_id, lines: new Set(lines.map((line) => line.number)),
      });
  }
  if (basket.tier && basket.tier.percent > 100) {
    const lines = new Set([...net].filter(([, cents]) => cents).map(([number]) => number));
    found.push({ rule: 0, percent: basket.tier.percent, name: basket.tier.name, sponsor_id: null, lines });
  }
  return found;
}

function applies(when, basket) {
  if (when.weekdays?.length && !when.weekdays.includes(basket.weekday)) return false;
  if (basket.minute < (when.from_minute ?? 0) || basket.minute >= (when.to_minute ?? 1440)) return false;
  if (when.first_purchase && !basket.first) return false;
  return !when.birthday_month || basket.birth_month === basket.month;
}

function baseParts(rule, net, per, keep, bonuses) {
  const units = BigInt(rule.parameters.units);
  const over = BigInt(per) * 100n;
  const weights = [...net].filter(([, cents]) => cents);
  const weigh = (pairs) => BigInt(sum(pairs.map(([, cents]) => cents))) * units;
  const part = (given, pairs, more) => ({
    rule: rule.id, kind: rule.kind, amount: given, lines: share(given, pairs), percent: 100,
    name: rule.name, keep_cents: keep, sponsor_id: rule.sponsor_id, ...more,
  });
  let exact = weigh(weights) * 100n;
  let given = Number(exact / over);
  const parts = given ? [part(given, weights, {})] : [];
  for (const { lines, percent, rule: id, name, sponsor_id } of bonuses) {
    const reached = weights.filter(([number]) => lines.has(number));
    exact += weigh(reached) * BigInt(percent - 100);
    const more = Number(exact / over) - given;
    if (!more) continue;
    given += more;
    parts.push(part(more, reached, { rule: id, kind: "multiplier", percent, name, sponsor_id }));
  }
  return parts;
}

function productParts(rule, lines, net) {
  const { items = [], groups = [], units } = rule.parameters;
  const weights = lines
    .filter(
      (line) =>
        net.get(line.number) &&
        (items.includes(line.item_id.toLowerCase()) || groups.includes(line.group.toLowerCase())),
    )
    .map((line) => [line.number, line.quantity_milli]);
  const amount = times(sum(weights.map(([, milli]) => milli)), units, WHOLE);
  if (amount <= 0) return [];
  return [
    {
      rule: rule.id, kind: "product", amount, lines: share(amount, weights), percent: 100,
      name: rule.name, keep_cents: null, sponsor_id: rule.sponsor_id,
    },
  ];
}

/** How much is to be taken back of each line in all; `returned`: a Map of thousandths by line. */
export function takeBack(lines, parts, returned) {
  const bought = new Map(lines.map((line) => [line.number, line.quantity_milli]));
  const gone = (amount, number) => partOf(amount, returned.get(number) ?? 0, bought.get(number) ?? 0);
  const kept = sum([...netLines(lines)].map(([number, cents]) => cents - gone(cents, number)));
  const back = new Map();
  for (const part of parts) {
    for (const [number, units] of part.lines) {
      const whole = part.keep_cents !== null;
      const taken = whole ? (kept < Math.max(1, part.keep_cents) ? units : 0) : gone(units, number);
      if (taken) back.set(number, (back.get(number) ?? 0) + taken);
    }
  }
  return back;
}

/** [cents of articles that came back, cents of all articles], after reductions. */
export function returnedShare(lines, returned) {
  const bought = new Map(lines.map((line) => [line.number, line.quantity_milli]));
  const net = [...netLines(lines)];
  const gone = net.map(([number, cents]) => partOf(cents, returned.get(number) ?? 0, bought.get(number)));
  return [sum(gone), sum(net.map(([, cents]) => cents))];
}

function partOf(amount, returned, bought) {
  if (bought <= 0 || returned >= bought) return returned > 0 ? amount : 0;
  return times(amount, Math.max(0, returned), bought);
}

/** What a reward costs now: {units, cents}, or null where the balance is too small. */
export function rewardCost({ partial, cost, value_cents, balance, wanted_cents = null }) {
  if (!partial) return balance >= cost ? { units: cost, cents: value_cents } : null;
  const up = (cents) => -times(-cents, cost, value_cents) + (roundsUp(cents, cost, value_cents) ? 1 : 0);
  let units = Math.max(0, balance);
  if (wanted_cents !== null) units = Math.min(units, up(Math.max(0, wanted_cents)));
  let cents = times(units, value_cents, cost);
  if (wanted_cents !== null) cents = Math.min(cents, wanted_cents);
  return cents > 0 ? { units: up(cents), cents } : null;
}

const roundsUp = (a, b, over) => (BigInt(a) * BigInt(b)) % BigInt(over) !== 0n;

/** What comes off each line: the best single advantage. [{line, advantage, cents}] */
export function memberPrices(lines, advantages) {
  const net = netLines(lines);
  return lines.flatMap((line) => {
    let best = null;
    for (const advantage of advantages) {
      const cents = off(advantage, line, net.get(line.number) ?? 0);
      if (cents > (best?.cents ?? 0)) best = { line: line.number, advantage: advantage.id, cents };
    }
    return best ? [best] : [];
  });
}

function off(advantage, line, net) {
  if (advantage.item_id && !same(advantage.item_id, line.item_id)) return 0;
  if (advantage.group && !same(advantage.group, line.group)) return 0;
  if (advantage.percent !== null) return Math.floor((net * advantage.percent + 50) / 100);
  const price = Math.floor(((advantage.price_cents ?? 0) * line.quantity_milli + 500) / WHOLE);
  return Math.max(0, net - price);
}

/** The best tier that a member has reached within twelve months, or null. */
export function standing(tiers, spentCents, shops) {
  const reached = tiers.filter((t) => (t.measure === "shops" ? shops : spentCents) >= t.threshold);
  const better = (a, b) => b.percent - a.percent || b.threshold - a.threshold;
  return reached.sort(better)[0] ?? null;
}
