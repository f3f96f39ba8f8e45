/** Other times are proposed, for good or for some days: with what they would come to, before one says them. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { load, look, propose, type Look } from "../store/rhythm";
import { asRhythm, draft, hasTimes, type Draft } from "./proposalDraft";
import { Sums } from "./rhythmWords";
import { TimeGroups } from "./TimeGroups";

/** A pause in typing, after which one would like to see what it comes to. */
const PAUSE_MS = 400;

const looked = signal<Look | null>(null);

const hasDays = ({ only }: Draft) => !only || (!!only.first && !!only.last && only.first <= only.last);

function HowLong({ now: here }: { now: Draft }) {
  const { only } = here;
  const choose = (to: Draft["only"]) => (draft.value = { ...here, only: to });
  return (
    <fieldset class="times">
      <legend>{t("For how long?")}</legend>
      <div class="pair-of">
        <button type="button" class="plain" aria-pressed={!only} onClick={() => choose(null)}>
          {t("From now on")}
        </button>
        <button
          type="button"
          class="plain"
          aria-pressed={!!only}
          onClick={() => choose(only ?? { first: "", last: "" })}
        >
          {t("Only for a few days")}
        </button>
      </div>
      {only && (
        <>
          <p class="soft">{t("For Ramadan, school holidays or time away. It ends by itself.")}</p>
          <div class="dates">
            <label>
              <span>{t("First day")}</span>
              <input
                type="date"
                value={only.first}
                onInput={(event) => choose({ ...only, first: event.currentTarget.value })}
              />
            </label>
            <label>
              <span>{t("Last day")}</span>
              <input
                type="date"
                value={only.last}
                min={only.first}
                onInput={(event) => choose({ ...only, last: event.currentTarget.value })}
              />
            </label>
          </div>
        </>
      )}
    </fieldset>
  );
}

export function ProposalForm({ now: here }: { now: Draft }) {
  const isWhole = hasTimes(here) && hasDays(here);
  const key = JSON.stringify([asRhythm(here), here.only]);
  useEffect(() => {
    looked.value = null;
    if (!isWhole) return;
    let isOld = false;
    const timer = setTimeout(() => {
      void look({ rhythm: asRhythm(here), ...here.only }).then((answer) => {
        if (!isOld) looked.value = answer;
      });
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key]);
  const result = looked.value;
  const keep = async () => {
    await propose({ rhythm: asRhythm(here), ...here.only }, here.words);
    draft.value = null;
    void load();
  };
  return (
    <>
      <h2>{t("What would suit you better?")}</h2>
      <HowLong now={here} />
      <TimeGroups groups={here.groups} change={(groups) => (draft.value = { ...here, groups })} />
      <div class="field">
        <label for="why">{t("Why? (optional)")}</label>
        <textarea
          id="why"
          rows={2}
          dir="auto"
          maxLength={20_000}
          value={here.words}
          onInput={(event) => (draft.value = { ...here, words: event.currentTarget.value })}
        />
      </div>
      <div role="status">
        {!hasTimes(here) && <p>{t("Choose at least one time and one day.")}</p>}
        {!hasDays(here) && <p>{t("Choose a first and a last day.")}</p>}
        {result?.problem && <p class="strong">{result.problem}</p>}
        {result && <Sums sums={result.sums} />}
        {isWhole && !result && <p class="soft">{t("You'll see the result when you're online.")}</p>}
      </div>
      <button type="button" class="main" disabled={!isWhole || !!result?.problem} onClick={() => void keep()}>
        {t("Suggest these times")}
      </button>
      <button type="button" class="quiet" onClick={() => (draft.value = null)}>
        {t("Cancel")}
      </button>
    </>
  );
}
