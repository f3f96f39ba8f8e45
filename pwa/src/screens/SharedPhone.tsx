/**
 * Several children share this phone. Who they are is said by a picture and by digits of their own; nobody's name
 * and nobody's words are shown before.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useArrival } from "../a11y";
import { t, tn } from "../i18n";
import { Drawing, Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { wrongDigits } from "../parts/wrongDigits";
import { go } from "../routes";
import { removePin } from "../store/cover";
import { digitsOf, plainDigits } from "../store/digits";
import type { Mate, Picture } from "../store/mates";
import { freePictures, join } from "../store/joining";
import { isLocked, isPutOff, isShared, lock, part, roster, takeTurn } from "../store/roster";
import { beginTurn, keepsNothing, who } from "../store/session";
import { tryDigits } from "../store/tries";
import { Languages } from "./Language";

const PATHS: Record<Picture, string> = {
  star: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1.1 5.9L12 16.8l-5.3 2.9 1.1-5.9-4.3-4.1 5.9-.8L12 3.5Z",
  leaf: "M5 19c0-9 5-14 14.5-14.5C20 14 15 19 8.5 18M5 20.5c1-4.5 4-8 8.5-10.5",
  boat: "M3.5 15.5h17l-2.5 4.5H6l-2.5-4.5ZM11 15.5V3.5l7.5 9H11M8.5 8l-3.5 5h3.5",
  fish: "M3.5 12c2.5-4 5.5-5.8 8.7-5.8 3 0 5 1.5 6.3 3.8L21 7.5v9L18.5 14c-1.3 2.3-3.3 3.8-6.3 3.8-3.2 0-6.2-1.8-8.7-5.8ZM8.5 11h.01",
  house: "M4 11.5 12 4.5l8 7M6 10v9.5h12V10M10 19.5v-5h4v5",
  moon: "M19.5 14.5A8.2 8.2 0 0 1 9.5 4.5a8.2 8.2 0 1 0 10 10Z",
  kite: "M12 3l6 7-6 7.5L6 10l6-7ZM12 3v14.5M6 10h12M12 17.5c0 2-2.5 1.5-2.5 3.5",
  tree: "M12 3.5c3.5 0 6 2.5 6 5.5s-2.5 5.5-6 5.5-6-2.5-6-5.5 2.5-5.5 6-5.5ZM12 21v-9M12 16l3-2.5",
};

const MatePicture = ({ picture }: { picture: Picture }) => <Drawing path={PATHS[picture]} />;

const chosen = signal<Mate | null>(null);
const typed = signal("");
const status = signal("");
const isBusy = signal(false);

const LENGTH = 4;

function called(picture: Picture): string {
  const names: Record<Picture, string> = {
    star: t("Star"),
    leaf: t("Leaf"),
    boat: t("Boat"),
    fish: t("Fish"),
    house: t("House"),
    moon: t("Moon"),
    kite: t("Kite"),
    tree: t("Tree"),
  };
  return names[picture];
}

function forget(): void {
  chosen.value = null;
  typed.value = "";
  status.value = "";
}

/** Their turn: the same page where it was theirs before, else one that knows nothing of anybody else. */
async function letIn(mate: Mate): Promise<void> {
  if (who.value !== mate.who) return beginTurn(mate.who);
  takeTurn(mate.who);
  isLocked.value = false;
}

async function tryIn(mate: Mate, value: string): Promise<void> {
  typed.value = plainDigits(value);
  if (typed.value.length < LENGTH || isBusy.value) return;
  isBusy.value = true;
  const wait = await tryDigits(mate, typed.value);
  isBusy.value = false;
  typed.value = "";
  if (wait === 0) return letIn(mate);
  status.value = wrongDigits(wait);
}

function pick(mate: Mate): void {
  forget();
  if (mate.digits) chosen.value = mate;
  else void letIn(mate);
}

function Digits({ mate }: { mate: Mate }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <main id="main" class="page intro">
      <button type="button" class="quiet back" onClick={forget}>
        <Icon name="back" />
        {t("Back")}
      </button>
      <span class="emblem">
        <MatePicture picture={mate.picture} />
      </span>
      <h1 id="title" tabIndex={-1}>
        {called(mate.picture)}
      </h1>
      <div class="field">
        <label for="own">{t("Your 4-digit code")}</label>
        <input
          id="own"
          ref={field}
          class="code-field"
          type="password"
          inputMode="numeric"
          autocomplete="off"
          maxLength={LENGTH}
          dir="ltr"
          aria-describedby="own-said"
          value={typed.value}
          onInput={(event) => void tryIn(mate, event.currentTarget.value)}
        />
      </div>
      <p id="own-said" role="status" class="strong">
        {status.value}
      </p>
      <p class="soft">{t("Forgot your 4-digit code? Ask your caseworker for a new link and open it here.")}</p>
    </main>
  );
}

/** Before anything else, on a shared phone. */
export function WhoAreYou() {
  useEffect(forget, []);
  const heading = useArrival<HTMLHeadingElement>();
  if (chosen.value) return <Digits key={chosen.value.who} mate={chosen.value} />;
  return (
    <main id="main" class="page intro">
      <Languages isSmall />
      <h1 id="title" tabIndex={-1} ref={heading}>
        {t("Who are you?")}
      </h1>
      <ul class="mates">
        {roster.value.map((mate) => (
          <li key={mate.who}>
            <button type="button" class="mate" onClick={() => pick(mate)}>
              <MatePicture picture={mate.picture} />
              {called(mate.picture)}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" class="second" onClick={() => go("pair")}>
        <Icon name="plus" />
        {t("Add a new person")}
      </button>
      <a class="plain" href="tel:112">
        <Icon name="call" />
        {t("Call 112")}
      </a>
    </main>
  );
}

const picture = signal<Picture | null>(null);

async function choose(event: Event, mine: string): Promise<void> {
  event.preventDefault();
  if (typed.value.length !== LENGTH) {
    status.value = t("Type 4 digits.");
    return;
  }
  if (isBusy.value) return;
  isBusy.value = true;
  try {
    await join(mine, picture.value ?? freePictures(mine)[0], await digitsOf(typed.value));
    takeTurn(mine);
    // No matter who covers the phone now, each of them brings it back by digits of their own.
    await removePin();
    typed.value = "";
    status.value = t("Saved. This is you on this phone now.");
  } catch {
    status.value = t("That didn't work. Try again in a few minutes.");
  } finally {
    isBusy.value = false;
  }
}

/** A picture and four digits: the same for the first who shares and for each who joins. */
function Choice({ mine }: { mine: string }) {
  const free = freePictures(mine);
  const own = roster.value.find((mate) => mate.who === mine)?.picture;
  const now = picture.value ?? own ?? free[0];
  return (
    <form class="field" onSubmit={(event) => void choose(event, mine)}>
      <p id="pictures">{t("Choose a picture. It shows here instead of your name.")}</p>
      <div class="mates" role="group" aria-labelledby="pictures">
        {free.map((each) => (
          <button
            key={each}
            type="button"
            class="mate"
            aria-pressed={each === now}
            onClick={() => (picture.value = each)}
          >
            <MatePicture picture={each} />
            {called(each)}
          </button>
        ))}
      </div>
      <label for="digits">{t("Choose a 4-digit code")}</label>
      <input
        id="digits"
        class="code-field"
        type="password"
        inputMode="numeric"
        autocomplete="off"
        maxLength={LENGTH}
        dir="ltr"
        aria-describedby="digits-said"
        value={typed.value}
        onInput={(event) => (typed.value = plainDigits(event.currentTarget.value))}
      />
      <button type="submit" class="main" disabled={isBusy.value}>
        {t("This is me")}
      </button>
      <p id="digits-said" role="status" class="strong">
        {status.value}
      </p>
    </form>
  );
}

function begin(): void {
  forget();
  picture.value = null;
}

/** For a person who has just joined the others. */
export function ChooseCode() {
  useEffect(begin, []);
  const heading = useArrival<HTMLHeadingElement>();
  return (
    <main id="main" class="page intro">
      <h1 id="title" tabIndex={-1} ref={heading}>
        {t("You're in")}
      </h1>
      <p>{t("Other people use this phone too. A 4-digit code makes it harder for them to open your space.")}</p>
      <Choice mine={who.value!} />
      <button type="button" class="second" onClick={() => (isPutOff.value = true)}>
        {t("Not now")}
      </button>
    </main>
  );
}

function handOn(): void {
  go("today", { instead: true });
  lock();
}

async function stop(): Promise<void> {
  await part(who.value!);
  begin();
}

function SharedActions() {
  const count = roster.value.length;
  return (
    <>
      <button type="button" class="main" onClick={handOn}>
        <Icon name="hands" />
        {t("Pass the phone on")}
      </button>
      <p>{tn("{n} person uses this phone.", "{n} people use this phone.", count)}</p>
      <button type="button" class="second" onClick={() => go("pair")}>
        <Icon name="plus" />
        {t("Add a new person")}
      </button>
      {count === 1 && (
        <button type="button" class="second" onClick={() => void stop()}>
          {t("Only I use this phone now")}
        </button>
      )}
      <h2>{t("Your picture and code")}</h2>
    </>
  );
}

/** Under "More": to begin to share, to hand the phone on, to choose anew. */
export function SharedPhone() {
  useEffect(begin, []);
  return (
    <Page title={t("Share this phone")}>
      {isShared.value ? (
        <SharedActions />
      ) : (
        <p>
          {t(
            "More than one person can use this phone. Each has their own space. What you write is kept and sent in your name only.",
          )}
        </p>
      )}
      {keepsNothing.value ? (
        <p class="strong">{t("This browser forgets everything when you close it, so you can't share it.")}</p>
      ) : (
        <Choice mine={who.value!} />
      )}
      <h2>{t("What this can't do")}</h2>
      <p>
        {t(
          "The code keeps other people out of your space. But a person who knows phones well, and has this one for a long time, can get past it.",
        )}
      </p>
    </Page>
  );
}
