/** When one is at school: reminders wait until it is over. Before one saves it, one reads what it comes to. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clockTime, moment, t } from "../i18n";
import { Page } from "../parts/Page";
import { dayName, EVERY_DAY } from "../plan/rhythmWords";
import { hours, isUnknown, load, look, save, type InSchool, type SchoolDay, type Wish } from "../store/hours";
import { now } from "../store/now";

const draft = signal<Wish | null>(null);
const looked = signal<InSchool[] | string | null>(null);
const status = signal("");

const USUAL = { from: "08:00", until: "15:30" };
const PAUSE_MS = 400;

const wall = (at: string) => clockTime(new Date(`2024-01-01T${at}`));

/** "08:00:00" -> "08:00", as inputs have it. */
const short = (at: string) => at.slice(0, 5);

async function begin(): Promise<void> {
  await load();
  const known = hours.value;
  if (!known) return;
  const days = known.days.map(({ day, from, until }) => ({ day, from: short(from), until: short(until) }));
  draft.value = { days, holidays: known.holidays };
}

function change(to: Partial<Wish>): void {
  status.value = "";
  if (draft.value) draft.value = { ...draft.value, ...to };
}

function Days({ wish }: { wish: Wish }) {
  const turn = (day: number) => {
    const others = wish.days.filter((each) => each.day !== day);
    const { from, until } = wish.days.at(-1) ?? USUAL;
    const days = others.length < wish.days.length ? others : [...others, { day, from, until }];
    change({ days: days.sort((a, b) => a.day - b.day) });
  };
  return (
    <fieldset class="weekdays">
      <legend>{t("Which days?")}</legend>
      {EVERY_DAY.map((day) => (
        <button
          key={day}
          type="button"
          class="plain"
          aria-pressed={wish.days.some((each) => each.day === day)}
          aria-label={dayName(day, "long")}
          onClick={() => turn(day)}
        >
          {dayName(day, "short")}
        </button>
      ))}
    </fieldset>
  );
}

function Times({ wish }: { wish: Wish }) {
  const put = (to: SchoolDay) => change({ days: wish.days.map((each) => (each.day === to.day ? to : each)) });
  return (
    <>
      {wish.days.map((each) => {
        const name = dayName(each.day, "long");
        return (
          <fieldset key={each.day} class="times">
            <legend>{name}</legend>
            <div class="time">
              <input
                type="time"
                value={each.from}
                aria-label={t("{day}, from", { day: name })}
                onInput={(event) => put({ ...each, from: event.currentTarget.value })}
              />
              <span aria-hidden="true">–</span>
              <input
                type="time"
                value={each.until}
                aria-label={t("{day}, until", { day: name })}
                onInput={(event) => put({ ...each, until: event.currentTarget.value })}
              />
            </div>
          </fieldset>
        );
      })}
    </>
  );
}

function Holidays({ wish }: { wish: Wish }) {
  const off = wish.holidays ?? { first: "", last: "" };
  const put = (to: typeof off) => change({ holidays: to.first || to.last ? to : null });
  return (
    <fieldset class="times">
      <legend>{t("Next holidays (optional)")}</legend>
      <div class="dates">
        <label>
          <span>{t("First day")}</span>
          <input type="date" value={off.first} onInput={(event) => put({ ...off, first: event.currentTarget.value })} />
        </label>
        <label>
          <span>{t("Last day")}</span>
          <input
            type="date"
            value={off.last}
            min={off.first}
            onInput={(event) => put({ ...off, last: event.currentTarget.value })}
          />
        </label>
      </div>
    </fieldset>
  );
}

/** The time alone where it is on the day that was named before. */
const near = (at: string, day: string) =>
  new Date(at).toDateString() === new Date(day).toDateString() ? clockTime(at) : moment(at, now.value);

function Fall({ each }: { each: InSchool }) {
  const due = moment(each.due_at, now.value);
  const reminder = near(each.remind_at, each.due_at);
  const time = near(each.then_at, each.due_at);
  return (
    <div class="card">
      <p>
        {each.is_silent
          ? t("Check-in: {due}, in school hours. We remind you at {reminder}, without a sound.", { due, reminder })
          : t("Check-in: {due}, in school hours. We remind you at {reminder}.", { due, reminder })}
      </p>
      <p>
        {each.asks
          ? t("If you haven't answered by {time}, we ask {name}.", { time, name: each.asks })
          : t("If you haven't answered by {time}, we tell an adult.", { time })}
      </p>
    </div>
  );
}

const isWhole = ({ days, holidays: off }: Wish) =>
  days.every(({ from, until }) => from && until && from < until) &&
  (!off || (off.first !== "" && off.last !== "" && off.first <= off.last));

async function keep(wish: Wish): Promise<void> {
  const said = await save(wish);
  status.value = said === "" ? t("Saved.") : (said ?? t("That didn't work. Try again when you're online."));
}

function Form({ wish }: { wish: Wish }) {
  const ready = isWhole(wish);
  useEffect(() => {
    looked.value = null;
    if (!ready) return;
    let isOld = false;
    const timer = setTimeout(() => void look(wish).then((seen) => isOld || (looked.value = seen)), PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [JSON.stringify(wish)]);
  const seen = looked.value;
  return (
    <>
      <Days wish={wish} />
      <Times wish={wish} />
      {wish.days.length > 0 && <Holidays wish={wish} />}
      <div role="status">
        {!ready && <p>{t("Choose when school begins and ends.")}</p>}
        {typeof seen === "string" && <p class="strong">{seen}</p>}
        {Array.isArray(seen) && seen.map((each) => <Fall key={each.due_at} each={each} />)}
      </div>
      <button type="button" class="main" disabled={!ready || typeof seen === "string"} onClick={() => void keep(wish)}>
        {t("Save")}
      </button>
      <p role="status" class="strong">
        {status.value}
      </p>
    </>
  );
}

export function SchoolHours() {
  useEffect(() => {
    draft.value = null;
    status.value = "";
    void begin();
  }, []);
  const quiet = hours.value?.quiet;
  return (
    <Page title={t("School hours")}>
      <p>{t("At school your reminders wait. Your check-in times stay the same.")}</p>
      {isUnknown.value && <p>{t("You need internet for this page.")}</p>}
      {draft.value && <Form wish={draft.value} />}
      {quiet && (
        <p class="soft">
          {t("At night they wait too, from {begin} to {end}.", { begin: wall(quiet.from), end: wall(quiet.until) })}
        </p>
      )}
    </Page>
  );
}
