// Reads [[{field, value, day}]] and says the day of the turn that stands after each of these stories.
import { readFileSync } from "node:fs";
import { pendingAfter } from "../../pwa/src/plan/recurrence.ts";

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(pendingAfter)));
