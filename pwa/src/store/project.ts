/**
 * The project on this phone. What is shown is what was received and what waits here, merged: one's own words
 * stand where one wrote them at once, with a network or without, and nothing is asked of the network first.
 */
import { computed, signal } from "@preact/signals";
import { ask } from "../api";
import { uuid } from "../bytes";
import type { Change, Who as Person } from "../plan/merge";
import { baseOf, build, fieldsOf, type Frame, type Plan } from "../plan/state";
import { read, writeIfRoom } from "./db";
import type { ProjectChange } from "./kinds";
import type { Sending } from "./outbox";
import { addressOf } from "./roster";
import { followed, onRows, put, queue, send } from "./sender";
import { isStaff, maySend, me, who } from "./session";
import { rowsOf, type Place } from "./sync";

/** The project that is shown; for those who work with children also whose it is, and as what. */
export interface Shown extends Place {
  name?: string;
  role?: string;
}

export const place = signal<Shown | null>(null);
export const rows = signal<Change[]>([]);
export const frame = signal<Frame | null>(null);

/** True once the phone has looked whether it has something of this project. */
export const isRead = signal(false);

type Waiting = Sending & ProjectChange;

const ofProject = (sending: Sending): sending is Waiting =>
  sending.kind === "change" && sending.place.child === place.value?.child;

/** What waits here for this project, the refused ones left out: they are in sight elsewhere. */
const pending = computed(() => queue.value.filter(ofProject).filter((sending) => !sending.problem));

export const waits = computed(() => pending.value.length > 0);

/** True while something that belongs to the text itself waits: one agrees to what the server has too. */
export const unsentText = computed(() =>
  pending.value.some(({ body }) => !["message", "agreement"].includes(body.entity)),
);

/** True while something is in memory alone, because the phone has no room for it. */
export const isLoose = computed(() => pending.value.some((sending) => sending.loose));

export const refusedHere = computed(() => queue.value.filter(ofProject).filter((sending) => sending.problem));

export const myself = computed<Person>(() => ({
  id: who.value ?? "",
  role: place.value?.role ?? me.value?.person.role ?? "child",
}));

export const isChild = computed(() => myself.value.role === "child");

export const plan = computed<Plan>(() => {
  const own = pending.value.map(({ body, as }): Change => ({ ...body, who: as }));
  return build(place.value?.child ?? "", [...rows.value, ...own], frame.value);
});

/** What a person is called here: the name where there is one, else what they are. */
export const nameOf = (id: string) => frame.value?.people.find((person) => person.id === id)?.name ?? null;

/** Those who are there now. A person who has gone can read and promise nothing. */
export const there = computed(() => (frame.value?.people ?? []).filter(({ is_here }) => is_here !== false));

// --- receiving

/** What arrives waits until no finger is on the page: words never move while a person is about to touch them. */
const TOUCHED_MS = 1_500;
let touchedAt = -Infinity;
let boxes = 0;
let later: ReturnType<typeof setTimeout> | undefined;

/** Everything that the store has; what is shown may be behind it for a moment. */
let all: Change[] = [];

const restMs = () => touchedAt + TOUCHED_MS - performance.now();

function show(): void {
  clearTimeout(later);
  const rest = restMs();
  if (rest <= 0) rows.value = all;
  else later = setTimeout(show, rest);
}

/** Reads what is new in the store: only the last box of rows known so far, and those after it. */
async function readRows(): Promise<void> {
  const here = place.value;
  if (!here || !who.value) return;
  const latest = await rowsOf(who.value, here.child, Math.max(0, boxes - 1));
  if (place.value !== here) return;
  boxes = latest.boxes;
  const ids = new Set(all.map((row) => row.id));
  const fresh = latest.rows.filter((row) => !ids.has(row.id)).map(numbered);
  if (fresh.length === 0) return;
  all = [...all, ...fresh];
  // One's own rows leave the queue in this moment, and have to be here already.
  const own = fresh.filter((row) => row.who.id === who.value);
  if (own.length > 0) rows.value = [...rows.value, ...own];
  if (rows.value.length < all.length) show();
}

/** What number the project had after rows that came without it; asked for once, when a person looks back. */
let numbers: Record<string, number> = {};

const numbersName = (child: string) => `numbers ${child}`;

function numbered(row: Change): Change {
  const revision = row.revision ?? numbers[row.id];
  return revision === undefined ? row : { ...row, revision };
}

/** Asks for the numbers that are missing here, as the history has them. Without a network nothing changes. */
export async function number(): Promise<void> {
  const [here, person] = [place.value, who.value];
  const isMissing = () => all.some((row) => row.received_at && row.revision === undefined);
  if (!here || !person || !isMissing()) return;
  const next = { ...numbers };
  let cursor = "";
  for (;;) {
    const path = `${here.path}/project/history?limit=500${cursor && `&after=${cursor}`}`;
    const told = await ask<{ changes: Change[]; cursor: string }>("GET", path).catch(() => null);
    if (!told || place.value !== here || who.value !== person) return;
    for (const { id, revision } of told.changes) if (revision !== undefined) next[id] = revision;
    // A page may hold nothing that this reader sees, and still lead further.
    if (told.cursor === cursor) break;
    cursor = told.cursor;
  }
  numbers = next;
  all = all.map(numbered);
  rows.value = rows.value.map(numbered);
  await writeIfRoom(person, numbersName(here.child), next);
}

/** True where the number that the frame tells is the number of just what is shown. */
export const fits = computed(() => frame.value !== null && frame.value.fits === rows.value.length);

async function keepFrame(next: Frame): Promise<void> {
  frame.value = next;
  if (who.value && place.value) await writeIfRoom(who.value, `frame ${place.value.child}`, next);
}

interface Told {
  revision: number;
  signed_revision: number | null;
  status: Frame["status"];
  people?: Person[];
  child: { id: string; name: string };
}

type People = Frame["people"];

/** Asks for what the rows do not say: names, and the number of what stands. */
async function readFrame(): Promise<void> {
  const here = place.value;
  if (!here) return;
  const told = await ask<Told>("GET", `${here.path}/project`).catch(() => null);
  if (!told || place.value !== here) return;
  const { revision, signed_revision, status, child } = told;
  const before = frame.value;
  let signed = before?.signed_revision === signed_revision ? before.signed : null;
  if (signed_revision !== null && signed === null) {
    const then = await ask<Record<string, unknown>>("GET", `${here.path}/project?revision=${signed_revision}`).catch(
      () => null,
    );
    signed = then && fieldsOf(then);
  }
  if (place.value !== here) return;
  const people: People = (told.people as People | undefined) ?? before?.people ?? [];
  await keepFrame({ revision, signed_revision, status, people, child, signed, fits: -1 });
  void withFrame();
}

/** What else is asked for whenever the frame is. */
let withFrame: () => Promise<void> = () => Promise.resolve();

export function onFrame(asker: () => Promise<void>): void {
  withFrame = asker;
}

/** True where rows came, or a day began, since the frame was asked for. */
let isFrameOld = true;

/** Asks for the frame until it is that of just these rows. */
async function catchUp(): Promise<void> {
  for (let turn = 0; turn < 3 && isFrameOld && navigator.onLine && maySend.value; turn += 1) {
    isFrameOld = false;
    await readFrame();
    await send();
    if (!isFrameOld && frame.value) await keepFrame({ ...frame.value, fits: all.length });
  }
}

/** Sends and receives. */
export async function sync(): Promise<void> {
  await send();
  await catchUp();
}

/** Who is there may have changed without a row: asks for it anew. */
export function askWhoIsThere(): Promise<void> {
  isFrameOld = true;
  return sync();
}

let live: EventSource | null = null;

let watchers = 0;
let isFirstLook = true;

function listen(): void {
  if (watchers === 0) return;
  if (live && live.readyState !== EventSource.CLOSED) return;
  if (!place.value || document.visibilityState !== "visible" || !navigator.onLine) return;
  live = new EventSource(addressOf(`${place.value.path}/project/live`));
  const news = () => {
    // Some news have no row: who is there now.
    isFrameOld = true;
    void sync();
  };
  live.addEventListener("project", news);
  live.addEventListener("resync", news);
}

function hush(): void {
  live?.close();
  live = null;
}

let openedFor = "";

/** Follows a project: shows what the phone has, then asks for what is new. */
export async function open(next: Shown): Promise<void> {
  const person = who.value;
  if (!person || (place.value?.child === next.child && openedFor === person)) return;
  hush();
  openedFor = person;
  place.value = next;
  rows.value = [];
  all = [];
  boxes = 0;
  isRead.value = false;
  isFirstLook = true;
  frame.value = (await read<Frame>(person, `frame ${next.child}`)) ?? null;
  numbers = (await read<Record<string, number>>(person, numbersName(next.child))) ?? {};
  touchedAt = -Infinity;
  await readRows();
  isRead.value = true;
  isFrameOld = !fits.value;
  followed.value = [{ child: next.child, path: next.path }];
  void sync().then(listen);
}

/** Nobody is in any more: nothing of the project stays in sight or in memory. */
export function close(): void {
  if (place.value === null) return;
  hush();
  place.value = null;
  followed.value = [];
  rows.value = [];
  all = [];
  frame.value = null;
}

/** A child's own project; for those who work with children, the one that they had open. */
export async function openOwn(): Promise<void> {
  const person = who.value;
  if (!person) return;
  if (!isStaff.value) return open({ child: me.value?.child?.id ?? person, path: "" });
  const last = await read<Shown>(person, "place");
  if (last) await open(last);
}

/** Opens the project of one of several children, and remembers which. */
export async function openOf(child: { id: string; name?: string; role?: string }): Promise<void> {
  const { id, ...rest } = child;
  const next = { child: id, path: `/children/${id}`, ...rest };
  if (who.value) await writeIfRoom(who.value, "place", next);
  await open(next);
}

let began = false;

export function begin(): void {
  if (began) return;
  began = true;
  onRows(async () => {
    isFrameOld = true;
    await readRows();
    setTimeout(() => void catchUp());
  });
  // What sends when the network is back also asks for what is new.
  const awake = () => (document.visibilityState === "hidden" ? hush() : listen());
  document.addEventListener("visibilitychange", awake);
  addEventListener("online", awake);
  addEventListener("offline", hush);
  for (const name of ["pointerdown", "touchmove", "keydown"]) {
    addEventListener(name, () => (touchedAt = performance.now()), { passive: true, capture: true });
  }
}

/** While a project is looked at, news come by themselves; a stream that ended is opened anew. */
export function watch(): () => void {
  watchers += 1;
  listen();
  if (isFirstLook) {
    // Names and dates may have changed without a row: once while the app is open they are asked for.
    isFirstLook = false;
    isFrameOld = true;
    void catchUp();
  }
  const timer = setInterval(listen, 20_000);
  return () => {
    watchers -= 1;
    clearInterval(timer);
    setTimeout(() => watchers === 0 && hush(), 5_000);
  };
}

// --- saying

type Value = string | number | boolean | null | string[];

/** Without what no database can hold: half of a pair, as a cut emoji leaves it, and the letter of nothing. */
const storable = (text: string) =>
  text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|\0/g, (letters) =>
    letters.length === 2 ? letters : "",
  );

function clean(value: unknown): unknown {
  if (typeof value === "string") return storable(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, clean(part)]));
}

/** Keeps a change on the phone and sends it when that works. Nothing waits for the network. */
async function keep(body: Omit<ProjectChange["body"], "id" | "said_at">, id = uuid()): Promise<void> {
  const said_at = new Date().toISOString();
  await put({
    kind: "change",
    place: { child: place.value!.child, path: place.value!.path },
    as: myself.value,
    body: { id, ...body, value: clean(body.value), said_at },
  });
  void sync();
}

/** Makes a thing, and says its id: the same for ever. */
export async function make(entity: string, value: Record<string, unknown>, entity_id = uuid()): Promise<string> {
  await keep({ entity, entity_id, field: "*", base: null, value });
  return entity_id;
}

/**
 * Says something about one field. `base` is what the writer had before the eyes when the writing began: what
 * came since then was not seen, and is kept beside it.
 */
export async function say(
  entity: string,
  entity_id: string,
  field: string,
  value: Value,
  base = baseOf(plan.value, entity, entity_id, field, myself.value.id),
): Promise<void> {
  await keep({ entity, entity_id, field, base, value });
}

/** Decides between the sides of a difference, with the knowledge of all that were shown. */
export async function choose(
  entity: string,
  entity_id: string,
  field: string,
  value: unknown,
  saw: string[],
): Promise<void> {
  await make("choice", { entity, entity_id, field, value, saw });
}
