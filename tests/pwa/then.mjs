// Reads {child, people, rows, revisions: [n]} and says what each field held at each of these revisions.
import { readFileSync } from "node:fs";
import "./app.mjs";

const { planAt } = await import("../../pwa/src/plan/past.ts");

const { child, people, rows, revisions } = JSON.parse(readFileSync(0, "utf8"));
const plans = revisions.map((revision) => {
  const plan = planAt(child, rows, revision, people);
  const at = (key) => plan.get(...key.split(" "));
  return Object.fromEntries(
    plan.keys().map((key) => [key, { value: at(key).stands?.value ?? null, sides: at(key).sides.length }]),
  );
});
process.stdout.write(JSON.stringify(plans));
