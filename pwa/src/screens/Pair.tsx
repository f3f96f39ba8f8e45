import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useArrival } from "../a11y";
import { Refused } from "../api";
import { t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { ReadAloud } from "../parts/ReadAloud";
import { fetchDeferred } from "../parts/DeferredScreen";
import { back, go } from "../routes";
import { removePin, uncover } from "../store/cover";
import { clear, recall as recallDraft } from "../store/draft";
import { look, send, tap } from "../store/sender";
import { isShared } from "../store/roster";
import { beginTurn, pair, tidyCode, who } from "../store/session";
import { keepAll } from "../update";
import { Languages } from "./Language";
import { cards, Lines, spoken } from "./Sharing";

/** The code of a link, which was taken out of the address before anything else happened. */
export const linkCode = signal<string | null>(null);

/** 0, 1, 2: the three screens before the first word; 3: the code. */
const step = signal(0);
const typed = signal("");
const status = signal("");
const isBusy = signal(false);

const LENGTH = 8;

function trouble(why: unknown): string {
  if (!(why instanceof Refused)) return t("You're offline. Try again when you're online.");
  if (why.status === 429) {
    const n = Math.max(1, Math.ceil((why.retryAfterS ?? 60) / 60));
    return tn("Too many tries. Try again in {n} minute.", "Too many tries. Try again in {n} minutes.", n);
  }
  if (why.status >= 500) return t("That didn't work. Try again in a few minutes.");
  return t("This code doesn't work. It may be used up or too old. Ask for a new one.");
}

async function connect(code: string): Promise<void> {
  if (isBusy.value) return;
  if (tidyCode(code).length !== LENGTH) {
    status.value = t("A code has 8 letters and numbers. Check it and try again.");
    return;
  }
  isBusy.value = true;
  status.value = "";
  try {
    const beside = await pair(code);
    await fetchDeferred();
    void keepAll();
    if (beside) {
      uncover();
      return await beginTurn(beside);
    }
    tap.value = null;
    clear();
    await recallDraft();
    // A person who was let in anew also gets past a forgotten cover.
    await removePin().catch(() => undefined);
    uncover();
    linkCode.value = null;
    typed.value = "";
    step.value = 0;
    go("today", { instead: true });
    await look();
    void send();
  } catch (why) {
    status.value = trouble(why);
    if (why instanceof Refused) linkCode.value = null;
  } finally {
    isBusy.value = false;
  }
}

/** Where one is among the three screens, in words and in dots. */
function Dots() {
  return (
    <p class="dots">
      <span class="hidden-text">{t("{n} of {all}", { n: step.value + 1, all: 3 })}</span>
      {[0, 1, 2].map((n) => (
        <span key={n} class={n === step.value ? "dot here" : "dot"} aria-hidden="true" />
      ))}
    </p>
  );
}

function Intro() {
  const card = cards()[step.value]!;
  const heading = useArrival<HTMLHeadingElement>();
  return (
    <main id="main" class="page intro">
      {step.value === 0 && <Languages isSmall />}
      <div class="intro-body">
        <span class="emblem">
          <Icon name={card.icon} />
        </span>
        <h1 id="title" tabIndex={-1} ref={heading}>
          {card.title}
        </h1>
        <Lines lines={card.lines} />
        <ReadAloud text={spoken(card)} />
      </div>
      <Dots />
      <div class="pair-of">
        {step.value > 0 ? (
          <button type="button" class="second" onClick={() => (step.value -= 1)}>
            {t("Back")}
          </button>
        ) : (
          (who.value || isShared.value) && (
            <button type="button" class="second" onClick={back}>
              {t("Back")}
            </button>
          )
        )}
        <button type="button" class="main" onClick={() => (step.value += 1)}>
          {t("Next")}
        </button>
      </div>
    </main>
  );
}

function WithLink({ code }: { code: string }) {
  return (
    <>
      <p>{t("Your code is ready. Tap to connect this phone.")}</p>
      <button type="button" class="main" disabled={isBusy.value} onClick={() => void connect(code)}>
        {t("Connect this phone")}
      </button>
    </>
  );
}

function WithCode() {
  return (
    <form
      class="field"
      onSubmit={(event) => {
        event.preventDefault();
        void connect(typed.value);
      }}
    >
      <label for="code">{t("The code from your caseworker (8 letters and numbers)")}</label>
      <input
        id="code"
        class="code-field"
        type="text"
        dir="ltr"
        autocomplete="off"
        autocapitalize="characters"
        spellcheck={false}
        maxLength={12}
        aria-describedby="trouble"
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <button type="submit" class="main" disabled={isBusy.value}>
        {t("Connect this phone")}
      </button>
    </form>
  );
}

function Code() {
  const heading = useArrival<HTMLHeadingElement>();
  return (
    <main id="main" class="page intro">
      <button type="button" class="quiet back" onClick={() => (step.value = 2)}>
        <Icon name="back" />
        {t("Back")}
      </button>
      <h1 id="title" tabIndex={-1} ref={heading}>
        {t("Connect this phone")}
      </h1>
      {linkCode.value ? <WithLink code={linkCode.value} /> : <WithCode />}
      <p id="trouble" role="status" class="strong">
        {status.value}
      </p>
    </main>
  );
}

/** Before the first word: what is shared, what adults must do, what the phone shows; then the code. */
export function Pair() {
  useEffect(() => {
    status.value = "";
    // Who has been here before has read the three screens; they stay under "More".
    step.value = who.value && !isShared.value ? 3 : 0;
  }, []);
  return step.value < 3 ? <Intro key={step.value} /> : <Code />;
}
