/**
 * The quick cover: one tap hides everything behind a small planner that is real and works.
 *
 * It protects against a glance over the shoulder and against a person who takes the phone for a moment. It
 * does not protect against a person who knows this app, and says so where it is set up.
 */
import { signal } from "@preact/signals";
import { forget, PHONE, read, write, writeIfRoom } from "./db";
import { digitsOf, fits, type Digits } from "./digits";
import { isShared, lock } from "./roster";

export const isCovered = signal(false);
export const hasPin = signal(false);

/** True where the app opens with the planner, whatever happened before. */
export const opensCovered = signal(false);

export interface Line {
  id: string;
  text: string;
  done: boolean;
}
export const lines = signal<Line[]>([]);

const MISSES_BEFORE_WAIT = 5;
const WAIT_MS = 30_000;
let misses = 0;
let waitUntil = 0;

const FLAG = "planner-view";

/** Kept for this window alone: a reload shows nothing either, and a fresh start locks nobody out. */
function remember(covered: boolean): void {
  try {
    if (covered) sessionStorage.setItem(FLAG, "list");
    else sessionStorage.removeItem(FLAG);
  } catch {
    // Where nothing can be kept, a reload starts without the cover.
  }
}

function wasCovered(): boolean {
  try {
    return sessionStorage.getItem(FLAG) === "list";
  } catch {
    return false;
  }
}

export function cover(): void {
  isCovered.value = true;
  remember(true);
}

export function uncover(): void {
  misses = 0;
  // On a shared phone the person who takes it up says who they are, by digits of their own.
  if (isShared.value) lock();
  isCovered.value = false;
  remember(false);
}

export async function recall(): Promise<void> {
  hasPin.value = (await read<Digits>(PHONE, "pin")) !== undefined;
  opensCovered.value = (await read<boolean>(PHONE, "opens-covered")) ?? false;
  lines.value = (await read<Line[]>(PHONE, "list")) ?? [];
  isCovered.value = wasCovered() || hasPin.value || opensCovered.value;
}

export function keepLines(next: Line[]): void {
  lines.value = next;
  void writeIfRoom(PHONE, "list", next);
}

export async function setOpensCovered(on: boolean): Promise<void> {
  opensCovered.value = on;
  await write(PHONE, "opens-covered", on);
}

export async function setPin(pin: string): Promise<void> {
  await write(PHONE, "pin", await digitsOf(pin));
  hasPin.value = true;
}

export async function removePin(): Promise<void> {
  await forget(PHONE, "pin");
  hasPin.value = false;
}

/**
 * Zero where the digits are right; else for how many milliseconds none are looked at any more, at least one: after
 * five misses it is half a minute.
 */
export async function tryPin(pin: string): Promise<number> {
  const left = waitUntil - Date.now();
  // A clock that was set back since then keeps nobody out.
  if (left > 0 && left <= WAIT_MS) return left;
  const kept = await read<Digits>(PHONE, "pin");
  if (!kept || (await fits(pin, kept))) return 0;
  misses += 1;
  if (misses < MISSES_BEFORE_WAIT) return 1;
  misses = 0;
  waitUntil = Date.now() + WAIT_MS;
  return WAIT_MS;
}

/** Hides the picture that the phone keeps for its list of open apps; with a PIN, coming back needs it. */
export function begin(): void {
  const root = document.documentElement;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      root.dataset["blank"] = "";
      if (hasPin.value || opensCovered.value) cover();
    } else {
      delete root.dataset["blank"];
    }
  });
  addEventListener("pagehide", () => (root.dataset["blank"] = ""));
  addEventListener("pageshow", () => delete root.dataset["blank"]);
}
