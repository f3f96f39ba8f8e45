import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, type Day } from "../api";
import { clockTime, dayName, t } from "../i18n";
import { Asked } from "../parts/Asked";
import { moods } from "../parts/Faces";
import { Face, Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { ReadBy } from "../parts/ReadBy";
import { read, writeIfRoom } from "../store/db";
import { now } from "../store/now";
import { load as loadQuestions } from "../store/questions";
import { queue, tap } from "../store/sender";
import { who } from "../store/session";

const days = signal<Day[]>([]);

const HOW_MANY = 60;

/** First what the phone has, then what the server has: never an empty page for want of a network. */
async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  days.value = (await read<Day[]>(person, "days")) ?? [];
  const fresh = await ask<{ check_ins: Day[] }>("GET", `/check-ins?limit=${HOW_MANY}`).catch(() => null);
  if (!fresh) return;
  // Nothing is kept but what is shown: no mark, and only these.
  days.value = fresh.check_ins.map(({ id, said_at, received_at, mood, note, want, is_late, read: by }) => ({
    id,
    said_at,
    received_at,
    mood,
    note,
    want,
    ...(is_late === undefined ? {} : { is_late }),
    ...(by?.length ? { read: by } : {}),
  }));
  await writeIfRoom(person, "days", days.value);
}

/** What waits stands among the others, so that no answer seems lost. */
function all(): Day[] {
  const received = new Set(days.value.map((day) => day.id));
  const waiting: Day[] = [];
  for (const sending of queue.value) {
    if (sending.kind !== "check_in" || received.has(sending.id) || !sending.body.said_at) continue;
    const { id, said_at, mood, note, want } = sending.body;
    waiting.push({ id, said_at, mood, note, want, received_at: null });
  }
  return [...waiting, ...days.value].sort((a, b) => b.said_at.localeCompare(a.said_at));
}

function byDay(list: Day[]): [string, Day[]][] {
  const groups = new Map<string, Day[]>();
  for (const day of list) {
    const name = dayName(day.said_at, now.value);
    groups.set(name, [...(groups.get(name) ?? []), day]);
  }
  return [...groups];
}

function what({ want, mood }: Day): string {
  if (want === "talk") return t("I want to talk");
  if (want === "safe") return t("I'm safe. I'm not ready to come back yet");
  if (want === "help") return t("I need help now");
  return mood ? (moods()[mood - 1] ?? "") : t("I'm OK");
}

function Entry({ day }: { day: Day }) {
  return (
    <li class="entry">
      {day.mood ? <Face mood={day.mood} /> : <Icon name={day.want === "nothing" ? "check" : "talk"} />}
      <div>
        <p>
          <span class="strong">{what(day)}</span>
        </p>
        <p class="soft">
          {day.received_at
            ? t("{time}, received", { time: clockTime(day.said_at) })
            : t("{time}, not sent yet", { time: clockTime(day.said_at) })}
        </p>
        {day.read && <ReadBy by={day.read} said={day.said_at} />}
        {day.note && (
          <details>
            <summary>{t("My words")}</summary>
            <p class="said" dir="auto">
              {day.note}
            </p>
          </details>
        )}
        {day.received_at && <Asked entry={{ kind: "check_in", id: day.id, at: day.received_at, shown: what(day) }} />}
      </div>
    </li>
  );
}

export function Days() {
  useEffect(() => void load(), [who.value, tap.value?.stage]);
  useEffect(() => void loadQuestions(), [who.value]);
  const groups = byDay(all());
  return (
    <Page title={t("My days")}>
      {groups.length === 0 && <p>{t("Your answers show here day by day, once you've sent the first one.")}</p>}
      {groups.map(([name, list]) => (
        <section key={name}>
          <h2>{name}</h2>
          <ul class="entries">
            {list.map((day) => (
              <Entry key={day.id} day={day} />
            ))}
          </ul>
        </section>
      ))}
    </Page>
  );
}
