/** How one says it: with a tap, a drawing or a picture; and whether it was understood. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { language, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { draftOf, keepDraft, useDraft } from "../plan/drafts";
import { called, languageName, languageOptions } from "../plan/labels";
import { obstacle } from "../plan/obstacle";
import { Pad } from "../plan/Pad";
import type { Decision } from "../plan/parties";
import { decisions } from "../plan/PartyList";
import { mayComplain } from "../plan/parts";
import { Picture } from "../plan/Picture";
import { about, backBy, go } from "../routes";
import { frame, isChild, make, myself } from "../store/project";
import { LONGEST, Writing } from "./Edit";

type Method = "tap" | "drawn" | "pictogram";

const drawing = signal("");
const method = signal<Method>("tap");
const picked = signal<Decision | null>(null);
const explained = signal("");
const spoken = signal("");
const interpreter = signal("");

/** In which language it was explained, and who put it into that language. */
export function Spoken() {
  const options = languageOptions();
  const code = spoken.value || language.value;
  const all = options.some(([value]) => value === code) ? options : [[code, languageName(code)] as const, ...options];
  return (
    <>
      <div class="field">
        <label for="spoken">{t("Which language?")}</label>
        <select id="spoken" value={code} onChange={(event) => (spoken.value = event.currentTarget.value)}>
          {all.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="interpreter">{t("Who interpreted? Leave this empty if nobody did.")}</label>
        <input
          id="interpreter"
          dir="auto"
          maxLength={LONGEST}
          value={interpreter.value}
          onInput={(event) => (interpreter.value = event.currentTarget.value)}
        />
      </div>
    </>
  );
}

/** What was said of it, as it travels. An empty name says that there was no interpreter. */
export const spokenValue = () => ({
  language: spoken.value || language.value,
  interpreter: interpreter.value.trim(),
});

export function forgetSpoken(): void {
  spoken.value = "";
  interpreter.value = "";
}

function Explained() {
  return (
    <section class="stack">
      <h2 id="explained">{t("Did anyone explain it to you?")}</h2>
      <div class="pair-of" role="group" aria-labelledby="explained">
        {[
          ["yes", t("Yes")],
          ["no", t("No")],
        ].map(([code, word]) => (
          <button
            key={code}
            type="button"
            class="plain"
            aria-pressed={explained.value === code}
            onClick={() => (explained.value = explained.value === code ? "" : code!)}
          >
            {word}
          </button>
        ))}
      </div>
      {explained.value === "yes" && <Spoken />}
    </section>
  );
}

interface PicturesProps {
  labelledBy: string;
  value: Decision | null;
  onChoose(decision: Decision): void;
}

/** Three pictures, each as large as the others, each with its word. */
export function Pictures({ labelledBy, value, onChoose }: PicturesProps) {
  const says: [Decision, string][] = [
    ["agree", t("Yes")],
    ["in_part", t("Partly")],
    ["disagree", t("No")],
  ];
  return (
    <div class="pictures" role="group" aria-labelledby={labelledBy}>
      {says.map(([code, word]) => (
        <button key={code} type="button" class="area" aria-pressed={value === code} onClick={() => onChoose(code)}>
          <Picture decision={code} />
          <span>{word}</span>
        </button>
      ))}
    </div>
  );
}

function Methods() {
  const all: [Method, string, string][] = [
    ["tap", "tap", t("With a tap")],
    ["drawn", "draw", t("With a drawing")],
    ["pictogram", "picture", t("With a picture")],
  ];
  return (
    <div class="pair-of" role="group" aria-labelledby="how">
      {all.map(([code, icon, word]) => (
        <button
          key={code}
          type="button"
          class="plain"
          aria-pressed={method.value === code}
          onClick={() => (method.value = code)}
        >
          <Pictogram name={icon} />
          {word}
        </button>
      ))}
    </div>
  );
}

const isReady = () =>
  method.value === "tap" || (method.value === "drawn" ? drawing.value !== "" : picked.value !== null);

export function How() {
  const asked = about.value["decision"] as Decision;
  const revision = Number(about.value["revision"]);
  const draft = useDraft(`agree ${revision} ${asked}`, () => ({ value: "", base: null }));
  useEffect(() => {
    drawing.value = "";
    method.value = "tap";
    picked.value = null;
    explained.value = "";
    forgetSpoken();
  }, []);
  // Pointing at a picture says what the picture says.
  const decision = (method.value === "pictogram" && picked.value) || asked;
  // What was read is what is agreed to: a text that changed meanwhile is read again first.
  const isSame = frame.value?.revision === revision;
  const why = isSame ? obstacle() : t("There is a newer version. You can answer when it's here.");
  const say = async () => {
    const comment = draft.value.trim();
    const value: Record<string, unknown> = {
      revision,
      decision,
      method: method.value,
      language: language.value,
      comment: comment || null,
    };
    if (explained.value) value["explained"] = explained.value === "yes";
    if (explained.value === "yes") Object.assign(value, spokenValue());
    if (method.value === "drawn") value["drawing"] = drawing.value;
    await make("agreement", value);
    draft.drop();
    if (decision === "agree" || !mayComplain()) return backBy(1);
    // The words can go further than to those who read the plan: they are taken along.
    takeAlong(comment);
    go("agree", { instead: true, about: { q: "after" } });
  };
  return (
    <Page title={decisions()[decision] ?? ""}>
      <div class="field">
        <label for="words" id="comment">
          {decision === "agree" ? t("A few words, if you like") : t("What should be different?")}
        </label>
        <Writing id="words" value={draft.value} onInput={draft.set} labelledBy="comment" rows={3} />
      </div>
      {myself.value.role !== "caseworker" && <Explained />}
      <section class="stack">
        <h2 id="how">{t("How do you want to answer?")}</h2>
        <Methods />
        {method.value === "drawn" && <Pad value={drawing.value} onDraw={(strokes) => (drawing.value = strokes)} />}
        {method.value === "pictogram" && (
          <>
            <h3 id="pictures">{t("Which picture shows what you mean?")}</h3>
            <Pictures labelledBy="pictures" value={picked.value} onChoose={(code) => (picked.value = code)} />
            {picked.value && <p role="status">{t("You say: {words}", { words: decisions()[picked.value] })}</p>}
          </>
        )}
      </section>
      {why ? (
        <p class="note-line">{why}</p>
      ) : (
        <button type="button" class="main" disabled={!isReady()} onClick={() => void say()}>
          <Icon name="check" />
          {t("Send my answer")}
        </button>
      )}
    </Page>
  );
}

/** Under what a complaint is kept while it is being written; words that are there already stay. */
export const COMPLAINT = "complaint";

function takeAlong(comment: string): void {
  const there = draftOf(COMPLAINT)?.value.trim() ?? "";
  if (!comment || there.includes(comment)) return;
  keepDraft(COMPLAINT, { value: there ? `${there}\n${comment}` : comment, base: null });
}

/** Disagreeing is enough; a child who wants to be heard by another person as well finds the way here. */
export function After() {
  const readers = (frame.value?.people ?? []).filter(({ role, is_here }) => role === "caseworker" && is_here !== false);
  const [first] = readers;
  return (
    <Page title={t("Answer saved")}>
      <p>
        {isChild.value && first
          ? t(
              "Once it's sent, {name} can read it and talk about it with you. What you both agreed to before still counts.",
              {
                name: called(first),
              },
            )
          : t("Once it's sent, everyone who works on this plan can read it. Anything agreed before still counts.")}
      </p>
      <button type="button" class="main" onClick={() => backBy(1)}>
        {t("Got it")}
      </button>
      <button type="button" class="second" onClick={() => go("complaint", { instead: true })}>
        {t("Tell someone else too")}
      </button>
      <p class="soft">{t("The caseworker won't see this. Your words are copied over, and you can change them.")}</p>
    </Page>
  );
}
