// Reads [{rows, put, answers}] and says of each phone what it sent, what came of it, and what is left on it.
//
// `rows` lie in the outbox as [id, content], `put` goes in as the app does it; `answers` are [status, body] by
// "METHOD /path" or by the id in the body, and 200 with {id, received_at} where there is none.
import { readFileSync } from "node:fs";
import "./app.mjs";

const { append, flush, waiting } = await import("../../pwa/src/store/outbox.ts");
const { keepRow, read, rows: stored } = await import("../../pwa/src/store/db.ts");
const { handInAgain } = await import("../../pwa/src/store/afterBackup.ts");

let requests, answers;

globalThis.fetch = async (path, { method, body }) => {
  const sent = body === undefined ? null : JSON.parse(body);
  const request = `${method} ${path.replace("/api/v1", "")}`;
  requests.push([request, sent]);
  const queued = answers[sent?.id] ?? answers[request];
  const [status, answer] = (Array.isArray(queued?.[0]) ? queued.shift() : queued) ?? [200, ok(sent)];
  if (status === 0) throw new TypeError("no network");
  return new Response(JSON.stringify(answer), { status, headers: { "content-type": "application/json" } });
};

const ok = (sent) => ({ id: sent?.id, received_at: "2026-11-27T09:30:00Z", next_due_at: null, standing: "well", results: [], changes: [], cursor: "1" });

async function run({ rows = [], put = [], answers: planned = {}, epoch }, n) {
  const who = `child-${n}`;
  [requests, answers] = [[], planned];
  for (const [order, [id, value]] of rows.entries()) await keepRow(who, id, value, order + 1);
  for (const content of put) await append(who, content);
  const { receipts, halt } = await flush(who);
  if (epoch) await handInAgain(who, epoch);
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

const results = [];
for (const [n, phone] of JSON.parse(readFileSync(0, "utf8")).entries()) results.push(await run(phone, n));
// The store waits for a database that may yet answer; nobody else does.
process.stdout.write(JSON.stringify(results), () => process.exit());
