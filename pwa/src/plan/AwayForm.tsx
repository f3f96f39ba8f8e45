/** Asking to be away: where, from when to when, and what the child likes to add. */
import { moment, t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { ask, clearDraft, keepDraft, load, type Draft } from "../store/away";
import { now } from "../store/now";

const LONGEST_MS = 92 * 86_400_000;

const pad = (n: number) => String(n).padStart(2, "0");
const dayOf = (at: Date) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;

export const emptyDraft = (): Draft => ({ place: "", from: null, until: { day: "", time: "18:00" }, words: "" });

/** A moment of the phone's own clock; null while a part of it is missing. */
function momentOf({ day, time }: { day: string; time: string }): Date | null {
  const at = new Date(`${day}T${time}`);
  return day && time && !Number.isNaN(at.getTime()) ? at : null;
}

function problemOf(place: string, from: Date | null, until: Date | null): string {
  if (!place.trim()) return t("Say where you will be.");
  if (!from) return t("Choose when you go.");
  if (!until) return t("Choose when you're back.");
  if (until <= from) return t("You come back before you go. Change the times.");
  if (until <= now.value) return t("That time is over. Choose a later one.");
  if (until.getTime() - from.getTime() > LONGEST_MS) return t("An absence can last up to 92 days.");
  return "";
}

const suggestions = () => [t("With family"), t("With a friend"), t("School trip"), t("Hospital")];

function Where({ here }: { here: Draft }) {
  const add = (word: string) => {
    const isOurs = !here.place.trim() || suggestions().includes(here.place);
    keepDraft({ ...here, place: isOurs ? word : `${word}, ${here.place}` });
  };
  return (
    <div class="field">
      <label for="away-place" class="asks">
        <Icon name="path" />
        {t("Where will you be?")}
      </label>
      <div class="weekdays">
        {suggestions().map((word) => (
          <button key={word} type="button" class="plain" aria-pressed={here.place === word} onClick={() => add(word)}>
            {word}
          </button>
        ))}
      </div>
      <input
        id="away-place"
        type="text"
        dir="auto"
        autocomplete="off"
        maxLength={500}
        value={here.place}
        onInput={(event) => keepDraft({ ...here, place: event.currentTarget.value })}
      />
    </div>
  );
}

function When({ day, time, min, change }: { day: string; time: string; min: string; change: (to: When) => void }) {
  return (
    <div class="dates">
      <label>
        <span>{t("Day")}</span>
        <input
          type="date"
          value={day}
          min={min}
          onInput={(event) => change({ day: event.currentTarget.value, time })}
        />
      </label>
      <label>
        <span>{t("Time")}</span>
        <input type="time" value={time} onInput={(event) => change({ day, time: event.currentTarget.value })} />
      </label>
    </div>
  );
}

type When = Draft["until"];

function Legend({ icon, words }: { icon: IconName; words: string }) {
  return (
    <legend>
      <span class="asks">
        <Icon name={icon} />
        {words}
      </span>
    </legend>
  );
}

function Go({ here }: { here: Draft }) {
  const today = dayOf(now.value);
  return (
    <fieldset class="times">
      <Legend icon="leave" words={t("When do you go?")} />
      <div class="pair-of">
        <button
          type="button"
          class="plain"
          aria-pressed={!here.from}
          onClick={() => keepDraft({ ...here, from: null })}
        >
          {t("Now")}
        </button>
        <button
          type="button"
          class="plain"
          aria-pressed={!!here.from}
          onClick={() => keepDraft({ ...here, from: here.from ?? { day: today, time: "18:00" } })}
        >
          {t("Later")}
        </button>
      </div>
      {here.from && <When {...here.from} min={today} change={(from) => keepDraft({ ...here, from })} />}
    </fieldset>
  );
}

export function AwayForm({ here }: { here: Draft }) {
  const from = here.from ? momentOf(here.from) : now.value;
  const until = momentOf(here.until);
  const problem = problemOf(here.place, from, until);
  const send = async () => {
    const words = here.words.trim() || null;
    const times = { from_at: (here.from ? from! : new Date()).toISOString(), until_at: until!.toISOString() };
    await ask({ ...times, place: here.place.trim(), words });
    await clearDraft();
    void load();
  };
  return (
    <>
      <Where here={here} />
      <Go here={here} />
      <fieldset class="times">
        <Legend icon="clock" words={t("When are you back?")} />
        <When
          {...here.until}
          min={here.from?.day || dayOf(now.value)}
          change={(to) => keepDraft({ ...here, until: to })}
        />
      </fieldset>
      <div class="field">
        <label for="away-words" class="asks">
          <Icon name="words" />
          {t("Anything else? (optional)")}
        </label>
        <textarea
          id="away-words"
          rows={2}
          dir="auto"
          maxLength={2_000}
          value={here.words}
          onInput={(event) => keepDraft({ ...here, words: event.currentTarget.value })}
        />
      </div>
      <p role="status">
        {problem ||
          t("{begin} to {end}", {
            begin: here.from ? moment(from!, now.value) : t("Now"),
            end: moment(until!, now.value),
          })}
      </p>
      <button type="button" class="main" disabled={!!problem} onClick={() => void send()}>
        {t("Ask my caseworker")}
      </button>
      <button type="button" class="quiet" onClick={() => void clearDraft()}>
        {t("Cancel")}
      </button>
    </>
  );
}
