// Reads a line {rows, put, answers, late, epoch, then, times} for each phone, and answers with a line: what it sent, what came of
// it, and what is left on it.
//
// `rows` lie in the outbox as [id, content], `late` since the last sending, `put` goes in as the app does it; `then`
// sends once more after the backup; `answers` are [status, body], or a list
// of these for one after the other, by "METHOD /path" or by the id in the body. Where there is none, all is well.
import { createInterface } from "node:readline";
import "./app.mjs";

const { append, flush, waiting } = await import("../../pwa/src/store/outbox.ts");
const { exchange } = await import("../../pwa/src/store/sync.ts");
const { keepRow, read, rows: stored, wipe } = await import("../../pwa/src/store/db.ts");
const { handInAgain } = await import("../../pwa/src/store/afterBackup.ts");

let requests, answers;

globalThis.fetch = async (path, { method, body }) => {
  const sent = body === undefined ? null : JSON.parse(body);
  const request = `${method} ${path.replace("/api/v1", "")}`;
  requests.push([request, sent]);
  const planned = answers[sent?.id] ?? answers[request] ?? [];
  const next = planned.length === 0 || Array.isArray(planned[0]) ? planned.shift() : planned;
  const [status, answer] = next ?? [200, sent?.changes ? merged(sent) : ok(sent)];
  if (status === 0) throw new TypeError("no network");
  return new Response(JSON.stringify(answer), { status, headers: { "content-type": "application/json" } });
};

const AT = "2026-11-27T09:30:00Z";
const ok = (sent) => ({ id: sent?.id, received_at: AT, next_due_at: null, standing: "well" });
const merged = ({ changes }) => ({
  results: changes.map(({ id }) => ({ id, status: "applied", received_at: AT })),
  changes: [],
  cursor: "1",
});

const who = "mia";

async function run({ rows = [], put = [], answers: planned = {}, late = [], epoch, then = false, times = 1 }) {
  await wipe(who, { unsentToo: true });
  [requests, answers] = [[], planned];
  for (const [order, [id, value]] of rows.entries()) await keepRow(who, id, value, order + 1);
  for (const content of put) await append(who, content);
  const places = rows.flatMap(([, value]) => value?.place ?? []);
  let { receipts, halt } = await flush(who, exchange);
  for (let time = 1; time < times; time += 1) ({ receipts, halt } = await flush(who, exchange, places));
  for (const [order, [id, value]] of late.entries()) await keepRow(who, id, value, rows.length + order + 1);
  if (epoch) await handInAgain(who, epoch);
  if (then) await flush(who, exchange);
  return {
    requests,
    halt,
    receipts: receipts.map(({ id }) => id),
    waiting: (await waiting(who)).map(({ id, problem = null, sentence = null }) => [id, problem, sentence]),
    stored: (await stored(who)).map(({ id, value }) => [id, value]),
    sent: ((await read(who, "sent")) ?? []).map(({ id }) => id),
    days: ((await read(who, "days")) ?? []).map((day) => Object.keys(day).sort()),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
