/** Who said what, and when: nothing that was ever said is out of reach, and each thing stands with its author. */
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Asked } from "../parts/Asked";
import { now } from "../store/now";
import { isChild, plan } from "../store/project";
import { load, type Entry } from "../store/questions";
import { called, fieldName, valueName } from "./labels";
import { byOrder, type Voice } from "./merge";
import { ago, Mark } from "./parts";

export interface Told extends Voice {
  entity: string;
  field: string;
  /** What it is about, where that is not plain from where one is. */
  about?: string;
}

/** Everything about these fields, the latest first. */
export function told(things: { entity: string; id: string; fields: string[]; about?: string }[]): Told[] {
  const all: Told[] = things.flatMap(({ entity, id, fields, about }) =>
    fields.flatMap((field) =>
      plan.value.history(entity, id, field).map((voice) => ({ ...voice, entity, field, ...(about ? { about } : {}) })),
    ),
  );
  return all.sort((a, b) => byOrder(b, a));
}

/** A child asks about what others wrote, on the phone; what waits on this phone is no entry yet. */
const isAsked = ({ who, received_at }: Told) => isChild.value && who.role !== "child" && !!received_at;

/** Several fields may have been said in one change. */
function entryOf(voice: Told): Entry {
  const lines = [
    called(voice.who),
    voice.about,
    fieldName(voice.entity, voice.field),
    valueName(voice.entity, voice.field, voice.value, now.value),
  ];
  const shown = lines.filter(Boolean).join("\n");
  return { kind: "change", id: `${voice.id} ${voice.field}`, at: voice.received_at ?? voice.said_at, shown };
}

export function Entries({ list }: { list: Told[] }) {
  useEffect(() => void (isChild.value && load()), []);
  return (
    <ul class="entries">
      {list.map((voice) => (
        <li key={voice.id + voice.field} class="entry">
          <div>
            <p class="voice-name">
              <Mark isChild={voice.who.role === "child"} />
              <bdi>{called(voice.who)}</bdi>
            </p>
            <p class="soft">{ago(voice.said_at)}</p>
            {voice.about && (
              <p class="soft" dir="auto">
                {voice.about}
              </p>
            )}
            <p class="soft">{fieldName(voice.entity, voice.field)}</p>
            <p class="row-words" dir="auto">
              {valueName(voice.entity, voice.field, voice.value, now.value)}
            </p>
            {isAsked(voice) && <Asked entry={entryOf(voice)} isAboutCaseworker={voice.who.role === "caseworker"} />}
          </div>
        </li>
      ))}
    </ul>
  );
}

export function History({ things }: { things: { entity: string; id: string; fields: string[] }[] }) {
  const all = told(things);
  if (all.length === 0) return null;
  return (
    <details>
      <summary>{t("Who said what, and when")}</summary>
      <Entries list={all} />
    </details>
  );
}
