// Reads [{rows, signed, fields: [{entity, entity_id, field}]}] and says where each field stands.
import { readFileSync } from "node:fs";
import { keyOf, settle, voices } from "../../pwa/src/plan/merge.ts";

const cases = JSON.parse(readFileSync(0, "utf8"));
const found = cases.map(({ rows, signed, fields }) => {
  const { all } = voices(rows);
  return fields.map(({ entity, entity_id, field }) => {
    const key = keyOf(entity, entity_id, field);
    const { stands, sides } = settle(all.get(key) ?? [], () => signed?.[key]);
    return { stands: stands?.id ?? null, value: stands?.value ?? null, sides: sides.map((one) => one.id) };
  });
});
process.stdout.write(JSON.stringify(found));
