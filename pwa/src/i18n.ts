/**
 * The app's words. The English sentence is the key; other languages come as one JSON file each, which is
 * made at build from the catalogs that server and phone share.
 */
import { computed, signal } from "@preact/signals";
import { entryOf } from "./table";

type Catalog = Record<string, string | string[]>;

// Made before each build from the catalogs that server and phone share: `python -m tools.catalogs pwa`.
const files = import.meta.glob<string>("./locale/*.json", {
  query: "?url",
  import: "default",
  eager: true,
});

const places = new Map<string, string>();
for (const path of Object.keys(files)) {
  const code = /(\w+)\.json$/.exec(path)?.[1];
  if (code && code !== "en" && files[path]) places.set(code, files[path]);
}

/** The languages on offer, each under its own name. */
export const NAMES: Record<string, string> = { en: "English", fr: "Français", ar: "العربية" };
export const languages = () => Object.keys(NAMES).filter((code) => code === "en" || places.has(code));

const KEPT_AS = "planner-language";

export const language = signal("en");
const catalog = signal<Catalog>({});

export const direction = computed(() => (["ar", "fa", "ps", "ckb", "ur"].includes(language.value) ? "rtl" : "ltr"));

/** English dates are written as most of Europe reads them: the day first, 24 hours. */
export const region = () => (language.value === "en" ? "en-GB" : language.value);

/** A name in a sentence of the other direction keeps its own order, and the sentence its own: "Harbour: 13". */
function isolated(value: string): string {
  const other = direction.value === "rtl" ? /[a-z]/i : /[\u0590-\u08ff]/;
  return other.test(value) ? `\u2068${value}\u2069` : value;
}

function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = entryOf(values, name);
    return value === undefined ? whole : typeof value === "number" ? number(value) : isolated(value);
  });
}

export function t(text: string, values: Record<string, string | number> = {}): string {
  const translation = catalog.value[text];
  return fill((typeof translation === "string" && translation) || text, values);
}

/** The form for this many. A catalog holds the plural forms in the order of its language's rules. */
export function tn(singular: string, many: string, n: number, others: Record<string, string> = {}): string {
  const values = { ...others, n };
  const forms = catalog.value[singular];
  const english = n === 1 ? singular : many;
  if (!Array.isArray(forms)) return fill(english, values);
  const rules = new Intl.PluralRules(language.value);
  const order = ["zero", "one", "two", "few", "many", "other"].filter((form) =>
    rules.resolvedOptions().pluralCategories.includes(form as Intl.LDMLPluralRule),
  );
  return fill(forms[order.indexOf(rules.select(n))] ?? forms[forms.length - 1] ?? english, values);
}

/** Languages that count with digits of their own. */
const OWN_DIGITS = new Set(["bn", "ckb", "fa", "ne", "ps"]);

/** Intl's first number takes an old phone a tenth of a second: small ones do without it where they can. */
export function number(n: number): string {
  if (n < 1_000 && !OWN_DIGITS.has(language.value)) return String(n);
  return new Intl.NumberFormat(region()).format(n);
}

export function clockTime(when: string | Date): string {
  return new Intl.DateTimeFormat(region(), { hour: "numeric", minute: "2-digit" }).format(new Date(when));
}

export function longDay(when: string | Date): string {
  const options = { weekday: "long", day: "numeric", month: "long" } as const;
  return new Intl.DateTimeFormat(region(), options).format(new Date(when));
}

function midnight(when: Date): number {
  return new Date(when.getFullYear(), when.getMonth(), when.getDate()).getTime();
}

/** "today", "tomorrow", "yesterday" where a language has such a word, else the weekday and the date. */
export function dayName(when: string | Date, now: Date): string {
  const days = Math.round((midnight(new Date(when)) - midnight(now)) / 86_400_000);
  if (Math.abs(days) > 1) return longDay(when);
  return new Intl.RelativeTimeFormat(region(), { numeric: "auto" }).format(days, "day");
}

/** "Tom and Ines" */
export const listed = (names: string[]) =>
  new Intl.ListFormat(region(), { style: "long", type: "conjunction" }).format(names);

/** "today, 18:00" */
export function moment(when: string | Date, now: Date): string {
  return t("{day}, {time}", { day: dayName(when, now), time: clockTime(when) });
}

/** A catalog that was read once is read from the phone from then on, with a network or without. */
async function fetchKept(place: string): Promise<Response> {
  const shelf = await caches.open("words").catch(() => null);
  const kept = await shelf?.match(place);
  if (kept) return kept;
  const fresh = await fetch(place);
  if (!fresh.ok) throw new Error(`${fresh.status}`);
  await shelf?.put(place, fresh.clone()).catch(() => undefined);
  return fresh;
}

/** Speaks this language from now on; false where its words could not be had (the old one stays). */
export async function speak(code: string): Promise<boolean> {
  const place = places.get(code);
  if (code !== "en" && !place) return false;
  try {
    const words = place ? ((await (await fetchKept(place)).json()) as Catalog) : {};
    catalog.value = words;
    language.value = code;
  } catch {
    return false;
  }
  document.documentElement.lang = code;
  document.documentElement.dir = direction.value;
  keepLanguage(code);
  return true;
}

/** The app begins with this one next time. */
export function keepLanguage(code: string | undefined): void {
  try {
    if (code) localStorage.setItem(KEPT_AS, code);
  } catch {
    // Where nothing can be kept, the phone's own language is asked again next time.
  }
}

/** The language chosen on this phone, else the first of the phone's own that we speak. */
export function wanted(): string {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT_AS);
  } catch {
    // Nothing was kept.
  }
  const wishes = [kept ?? "", ...navigator.languages].map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return wishes.find((code) => languages().includes(code)) ?? "en";
}
