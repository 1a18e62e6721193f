// What a text message costs, as outreach/sms/encoding.py says it: this is its mirror, and
// tests/golden/sms holds cases that both must answer alike. Change both, never one.

const BASIC = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡" +
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENSION = new Set("\f^{}\\[~]|€");
const ROOM = { gsm7: [160, 153], ucs2: [70, 67] };

const INSTEAD = new Map(
  [
    ["’‘‚‛′´`ʼ", "'"],
    ["“”„‟«»″", '"'],
    ["‹›", "'"],
    ["‐‑‒–—―−•", "-"],
    ["\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007", " "],
    ["\u2008\u2009\u200a\u202f\u205f\u3000", " "],
    ["\u00ad\u200b\u2060\ufeff", ""],
    ["\u2028\u2029\u0085\v", "\n"],
    ["œ", "oe"],
    ["Œ", "OE"],
    ["ẞ", "SS"],
    ["ð", "d"],
    ["Ð", "D"],
    ["þ", "th"],
    ["Þ", "Th"],
    ["ı", "i"],
    ["ł", "l"],
    ["Ł", "L"],
    ["đ", "d"],
    ["Đ", "D"],
    ["µμ", "u"],
    ["°", "o"],
    ["·", "."],
    ["×", "x"],
    ["÷⁄", "/"],
    ["©", "(c)"],
    ["®", "(R)"],
    ["→", "->"],
    ["¢", "c"],
    ["±", "+/-"],
    ["¨", '"'],
  ].flatMap(([characters, instead]) => [...characters].map((character) => [character, instead])),
);

const isCheap = (character) => BASIC.has(character) || EXTENSION.has(character);
const isGsm = (text) => [...text].every(isCheap);

function unit(character, encoding) {
  if (encoding === "gsm7") return EXTENSION.has(character) ? 2 : 1;
  return character.length;
}

/** Units in each segment of a text; no escaped character or surrogate pair is cut in two. */
function filled(text, encoding) {
  const [alone, joined] = ROOM[encoding];
  const units = [...text].map((character) => unit(character, encoding));
  const all = units.reduce((total, number) => total + number, 0);
  if (all <= alone) return [all];
  const parts = [0];
  for (const number of units) {
    if (parts.at(-1) + number > joined) parts.push(0);
    parts[parts.length - 1] += number;
  }
  return parts;
}

/** What a whole text costs: {encoding, segments, left, culprits}. */
export function looked(text) {
  const encoding = isGsm(text) ? "gsm7" : "ucs2";
  const parts = filled(text, encoding);
  const [alone, joined] = ROOM[encoding];
  return {
    encoding,
    segments: parts.length,
    left: (parts.length === 1 ? alone : joined) - parts.at(-1),
    culprits: [...new Set(text)].filter((character) => !isCheap(character)),
  };
}

/** The text with only those characters changed that force UCS-2 and have an equal that does not. */
export function transliterated(text) {
  const quoted = text.normalize("NFC").replace(/«[ \u00a0\u202f]?|[ \u00a0\u202f]?»/g, '"');
  return [...quoted].map(cheap).join("");
}

function cheap(character) {
  if (isCheap(character)) return character;
  if (INSTEAD.has(character)) return INSTEAD.get(character);
  const found = [...character.normalize("NFKD")]
    .filter((piece) => !/\p{M}/u.test(piece))
    .map((piece) => INSTEAD.get(piece) ?? piece)
    .join("");
  return found.trim() && isGsm(found) ? found : character;
}
