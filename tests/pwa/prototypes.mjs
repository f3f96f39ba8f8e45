// Reads {names, rows, project, signed} in which keys are called like what every object has by itself, and says what the
// app makes of them: its fields, its words, and what every other object has afterwards.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import "./app.mjs";

// The builder puts the catalogs in the place of these words; English needs none.
registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith("/src/i18n.ts")) return loaded;
    return { ...loaded, source: String(loaded.source).replace("import.meta.glob", "((..._) => ({}))") };
  },
});

const { build, fieldsOf } = await import("../../pwa/src/plan/state.ts");
const labels = await import("../../pwa/src/plan/labels.ts");
const { reasonWords } = await import("../../pwa/src/plan/reasonWords.ts");
const { t, tn } = await import("../../pwa/src/i18n.ts");
const { append, waiting } = await import("../../pwa/src/store/outbox.ts");
const { keepRow, read, rows: stored, wipe, writeIfRoom } = await import("../../pwa/src/store/db.ts");

const { names, rows, project, signed } = JSON.parse(readFileSync(0, "utf8"));
const who = "mia";

const plan = build("mia", rows, { signed });
const fields = {};
for (const key of plan.keys()) {
  const [entity, id, field] = key.split(" ");
  fields[key] = plan.get(entity, id, field).stands?.value ?? null;
}

const spoken = names.map((name) => [
  labels.areaName(name),
  labels.roleName(name),
  labels.reviewName(name),
  labels.reviewWhy(name),
  labels.fieldName(name, name),
  labels.valueName("step", "status", name, new Date()),
  labels.valueName(name, name, name, new Date()),
  reasonWords({ kind: "push", code: name }, { stop: "" }),
  reasonWords({ kind: "pull", code: name }, { stop: "" }),
  t(`{${name}}`, {}),
  tn(`{${name}}`, `{${name}}`, 2, {}),
]);

// What lies on the phone: a message of a kind that nobody knows, a body with such keys, and a value under such a name.
await wipe(who, { unsentToo: true });
const body = JSON.parse('{"id":"m1","said_at":"2026-11-27T09:30:00Z","__proto__":{"late":1},"constructor":"c"}');
for (const [order, kind] of names.entries()) await keepRow(who, `r${order}`, { kind, body }, order + 1);
await append(who, { kind: "check_in", body: { ...body, mood: null, note: null, want: "nothing", mark: "a" } });
const held = (await waiting(who)).map(({ kind, problem = null }) => [kind, problem]);
const kept = (await stored(who)).map(({ value }) => JSON.stringify(value));
const read_ = [];
for (const name of names) {
  const before = (await read(who, name)) ?? null;
  await writeIfRoom(who, name, [name]);
  read_.push([before, await read(who, name)]);
}

const touched = [...Object.keys(Object.prototype), ...("late" in {} ? ["late"] : [])];
const told = { fields: [...Object.entries(fields)], known: [...Object.entries(fieldsOf(project))] };
// What the app waits for would keep the process.
process.stdout.write(JSON.stringify({ ...told, spoken, held, kept, read: read_, touched }), () => process.exit());
