// Answers questions to assets/src/loyalty/sms.js, a line of JSON each: {call, input} -> output.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const sms = await import(pathToFileURL(process.argv[2]));
const calls = {
  looked: ({ text }) => sms.looked(text),
  transliterated: ({ text }) => sms.transliterated(text),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { call, input } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(calls[call](input))}\n`);
}
