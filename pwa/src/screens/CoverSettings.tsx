import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { plainDigits } from "../store/digits";
import { isShared } from "../store/roster";
import { me } from "../store/session";
import { setShowsNames, showsNames } from "../store/last";
import { cover, hasPin, opensCovered, removePin, setOpensCovered, setPin } from "../store/cover";

const typed = signal("");
const status = signal("");

async function keepPin(event: Event): Promise<void> {
  event.preventDefault();
  if (!/^\d{4}$/.test(typed.value)) {
    status.value = t("Type 4 digits.");
    return;
  }
  await setPin(typed.value);
  typed.value = "";
  status.value = t("Code saved. Use it to open the app again.");
}

async function dropPin(): Promise<void> {
  await removePin();
  status.value = t("Code removed.");
}

export function CoverSettings() {
  useEffect(() => {
    typed.value = "";
    status.value = "";
  }, []);
  return (
    <Page title={t("Hide this app")}>
      <p>{t("“Hide” covers the app with a plain list. It's a real list you can use.")}</p>
      <p class="strong">{t("To come back, press and hold the date at the top for one second.")}</p>
      <p>{t("Or tap the date 4 times.")}</p>
      <button type="button" class="second" onClick={cover}>
        <Icon name="hide" />
        {t("Try it now")}
      </button>

      <h2>{t("Start on the list")}</h2>
      <p>{t("The app will always start on the list.")}</p>
      <button
        type="button"
        role="switch"
        class="switch"
        aria-checked={opensCovered.value}
        onClick={() => void setOpensCovered(!opensCovered.value)}
      >
        <span class="track" aria-hidden="true" />
        <span>{opensCovered.value ? t("On") : t("Off")}</span>
        <span class="hidden-text">{t("Start on the list")}</span>
      </button>

      {isShared.value ? (
        <p>{t("On a shared phone, each person comes back with their own 4-digit code.")}</p>
      ) : (
        <OwnDigits />
      )}

      {me.value?.person.role === "child" && <Names />}

      <h2>{t("What this can't do")}</h2>
      <p>
        {t(
          "This helps against a quick look. People who know this app, or have your phone for a while, can still find it.",
        )}
      </p>
      <p>{t("Forgot your 4-digit code? Ask your caseworker for a new link and open it here.")}</p>
    </Page>
  );
}

/** Another person who holds the phone reads what Help shows. */
function Names() {
  return (
    <>
      <h2>{t("Names in Help")}</h2>
      <p>
        {t(
          "For two hours after a call for help, Help shows what we do. It can show the first names of the adults we call.",
        )}
      </p>
      <p>{t("Anyone who looks at your phone can read them.")}</p>
      <button
        type="button"
        role="switch"
        class="switch"
        aria-checked={showsNames.value}
        onClick={() => void setShowsNames(!showsNames.value)}
      >
        <span class="track" aria-hidden="true" />
        <span>{showsNames.value ? t("On") : t("Off")}</span>
        <span class="hidden-text">{t("Names in Help")}</span>
      </button>
    </>
  );
}

function OwnDigits() {
  return (
    <>
      <h2>{t("4-digit code")}</h2>
      <p>{t("If you set a code, you need it each time you come back to the app.")}</p>
      <form onSubmit={(event) => void keepPin(event)} class="field">
        <label for="pin">{hasPin.value ? t("New 4-digit code") : t("Choose a 4-digit code")}</label>
        <input
          id="pin"
          type="password"
          inputMode="numeric"
          autocomplete="off"
          maxLength={4}
          dir="ltr"
          aria-describedby="pin-said"
          value={typed.value}
          onInput={(event) => (typed.value = plainDigits(event.currentTarget.value))}
        />
        <div class="pair-of">
          <button type="submit" class="plain">
            {t("Save")}
          </button>
          {hasPin.value && (
            <button type="button" class="plain" onClick={() => void dropPin()}>
              {t("Remove")}
            </button>
          )}
        </div>
      </form>
      <p id="pin-said" role="status">
        {status.value}
      </p>
    </>
  );
}
