// Reads [{text, from}] and says for each rule: its text again, and the days on which it comes in 400 days from there.
import { readFileSync } from "node:fs";
import { comesOn, nextFrom, readRule, ruleText } from "../../pwa/src/plan/rules.ts";

const DAY_MS = 86_400_000;
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);

function told({ text, from }) {
  const rule = readRule(text);
  const days = Array.from({ length: 400 }, (_, n) => iso(Date.parse(`${from}T00:00:00Z`) + n * DAY_MS));
  return { text: ruleText(rule), days: days.filter((day) => comesOn(rule, day)), next: nextFrom(rule, from) };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(told)));
