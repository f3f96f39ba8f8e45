/** One thing on one screen. What is typed is kept as it is typed; it is said with the button. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { useDraft } from "../plan/drafts";
import { asked, called, isDate, ratings, valueName, type Asked } from "../plan/labels";
import { ago, Mark, mayEdit, NotFound, Voice, Words } from "../plan/parts";
import { baseOf, words } from "../plan/state";
import { about, back } from "../routes";
import { now } from "../store/now";
import { choose, myself, place, plan, say, there } from "../store/project";

export const LONGEST = 20_000;

export interface WritingProps {
  id: string;
  value: string;
  onInput(value: string): void;
  labelledBy: string;
  rows?: number;
}

export function Writing({ id, value, onInput, labelledBy, rows = 5 }: WritingProps) {
  return (
    <textarea
      id={id}
      rows={rows}
      dir="auto"
      maxLength={LONGEST}
      value={value}
      aria-labelledby={labelledBy}
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

interface OptionsProps {
  options: [string, string][];
  value: string;
  onChoose(value: string): void;
  marks?: Record<string, boolean>;
}

/** A choice of a few: each as large as the others, the chosen one marked by more than colour. */
export function Options({ options, value, onChoose, marks }: OptionsProps) {
  return (
    <div class="options" role="group" aria-labelledby="title">
      {options.map(([code, word]) => (
        <button
          key={code}
          type="button"
          class="plain option"
          aria-pressed={value === code}
          onClick={() => onChoose(code)}
        >
          {marks && <Mark isChild={marks[code] ?? false} />}
          <bdi>{word}</bdi>
          {value === code && <Icon name="check" />}
        </button>
      ))}
    </div>
  );
}

export function DateField({ value, onInput }: { value: string; onInput(value: string): void }) {
  return (
    <input
      type="date"
      value={value}
      min="2000-01-01"
      max="2100-12-31"
      aria-labelledby="title"
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

/** The people a promise may name: the child, everyone who is there for it, the agency. */
export function people(): { options: [string, string][]; marks: Record<string, boolean> } {
  const child = place.value?.child ?? "";
  const present = there.value;
  const all = present.some(({ id }) => id === child) ? present : [{ id: child, role: "child", name: "" }, ...present];
  return {
    options: all.map((person) => [person.id, called(person)]),
    marks: Object.fromEntries(all.map(({ id, role }) => [id, role === "child"])),
  };
}

const importance = (): [string, string][] => [
  ["5", t("Very important")],
  ["4", t("Important")],
  ["3", t("In between")],
  ["2", t("Not so important")],
  ["1", t("Not important")],
];

const hasChanged = signal(false);

/** One of a few, or, where that is asked, words of one's own in place of them. */
function Choice({ question, value, set }: { question: Asked; value: string; set(next: string): void }) {
  const options = question.options ?? [];
  const isOwn = !options.some(([code]) => code === value);
  return (
    <>
      <Options options={options} value={value} onChoose={set} />
      {question.isFree && (
        <div class="field">
          <label for="words" id="free">
            {t("Or in your own words")}
          </label>
          <Writing id="words" value={isOwn ? value : ""} onInput={set} labelledBy="free" rows={3} />
        </div>
      )}
    </>
  );
}

function Input({ question, value, set }: { question: Asked; value: string; set(next: string): void }) {
  if (question.kind === "date") return <DateField value={value} onInput={set} />;
  if (question.kind === "importance") return <Options options={importance()} value={value} onChoose={set} />;
  if (question.kind === "rating") return <Options options={ratings()} value={value} onChoose={set} />;
  if (question.kind === "choice") return <Choice question={question} value={value} set={set} />;
  return <Writing id="words" value={value} onInput={set} labelledBy="title" />;
}

/** The value as it travels: null where it was taken away. */
function asValue({ kind }: Asked, text: string): string | number | string[] | null {
  const tidy = text.trim();
  if (!tidy) return null;
  if (kind === "importance" || kind === "rating") return Number(tidy);
  if (kind !== "list") return tidy;
  return tidy
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** The same as it stands in the field that one writes in. */
const asText = (value: unknown) => (Array.isArray(value) ? value.join("\n") : String(value ?? ""));

export function Edit() {
  const { entity = "", id = "", field = "", mode = "" } = about.value;
  const question: Asked | null =
    field === "owner_id" ? { title: t("Who does it?"), why: "", kind: "choice", ...people() } : asked(entity, field);
  const thing = entity === "life_project" || plan.value.one(entity, id);
  if (!question || !thing) return <NotFound />;
  return <Field key={`${entity} ${id} ${field}`} {...{ entity, id, field, mode, question }} />;
}

interface FieldProps {
  entity: string;
  id: string;
  field: string;
  mode: string;
  question: Asked & { marks?: Record<string, boolean> };
}

function Field({ entity, id, field, mode, question }: FieldProps) {
  const now_ = plan.value.get(entity, id, field);
  const draft = useDraft(`${mode}${entity} ${id} ${field}`, () => ({
    value: mode === "third" ? "" : asText(now_.stands?.value),
    base: baseOf(plan.value, entity, id, field, myself.value.id),
  }));
  useEffect(() => void (hasChanged.value = false), []);
  const why = useDraft(`why ${id}`, () => ({ value: "", base: null }));
  const seen = useRef<Set<string | null> | null>(null);
  if (!mayEdit(entity, id, field)) return <NotFound />;
  const value = asValue(question, draft.value);
  // Another person's words came while these were being written: they are shown, and move nothing.
  seen.current ??= new Set([draft.base, ...(draft.isFresh ? now_.sides.map((side) => side.id) : [])]);
  const news = now_.sides.filter((side) => side.who.id !== myself.value.id && !seen.current!.has(side.id));
  // A promise that had a day is moved with a reason; a child's own step may be moved without one.
  const isMoved =
    `${entity} ${field} ${mode}` === "step due_on " && isDate(now_.stands?.value) && value !== now_.stands?.value;
  const isChilds = words(plan.value, "step", id, "owner_id") === place.value?.child;
  const isReady = !(value === null && question.isOpen === false) && !(isMoved && !isChilds && !why.value.trim());
  const keep = async () => {
    if (mode === "third") {
      await choose(
        entity,
        id,
        field,
        value,
        now_.sides.map((side) => side.id),
      );
    } else {
      await say(entity, id, field, value, draft.base);
      if (isMoved) await say("step", id, "moved_why", why.value.trim() || null);
      why.drop();
      if (
        entity === "step" &&
        field === "reason" &&
        plan.value.get("step", id, "status").stands?.value !== "not_done"
      ) {
        await say("step", id, "status", "not_done");
      }
    }
    draft.drop();
    back();
  };
  return (
    <Page title={question.title}>
      {question.why && <p>{question.why}</p>}
      {question.kind === "choice" && question.marks ? (
        <Options options={question.options ?? []} marks={question.marks} value={draft.value} onChoose={draft.set} />
      ) : (
        <Input question={question} value={draft.value} set={draft.set} />
      )}
      {isMoved && (
        <div class="field">
          <label for="why" id="why-label">
            {isChilds ? t("Why another date? (optional)") : t("Why another date?")}
          </label>
          <Writing id="why" value={why.value} onInput={why.set} labelledBy="why-label" rows={2} />
        </div>
      )}
      <button type="button" class="main" disabled={!isReady} onClick={() => void keep()}>
        {t("Save")}
      </button>
      {mode !== "third" &&
        news.map((side) => (
          <Voice key={side.id} who={side.who} when={ago(side.said_at)}>
            <p class="soft">{t("This came in while you were writing. We'll keep yours too.")}</p>
            <Words text={valueName(entity, field, side.value, now.value)} />
          </Voice>
        ))}
    </Page>
  );
}
