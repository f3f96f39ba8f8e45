import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { isShared } from "../store/roster";
import { cover, hasPin, opensCovered, removePin, setOpensCovered, setPin } from "../store/cover";

const typed = signal("");
const said = signal("");

async function keepPin(event: Event): Promise<void> {
  event.preventDefault();
  if (!/^\d{4}$/.test(typed.value)) {
    said.value = t("Type four digits.");
    return;
  }
  await setPin(typed.value);
  typed.value = "";
  said.value = t("The four digits are set. From now on they open the app again.");
}

async function dropPin(): Promise<void> {
  await removePin();
  said.value = t("The four digits are removed.");
}

export function CoverSettings() {
  useEffect(() => {
    typed.value = "";
    said.value = "";
  }, []);
  return (
    <Page title={t("Hiding this app")}>
      <p>{t("“Hide” covers everything with a plain list. The list is real: you can use it.")}</p>
      <p class="strong">{t("To come back, press and hold the date at the top for one second.")}</p>
      <p>{t("Or tap the date four times, quickly.")}</p>
      <button type="button" class="second" onClick={cover}>
        <Icon name="hide" />
        {t("Try it now")}
      </button>

      <h2>{t("Open with the list")}</h2>
      <p>{t("The app then always starts with the list.")}</p>
      <button
        type="button"
        role="switch"
        class="switch"
        aria-checked={opensCovered.value}
        onClick={() => void setOpensCovered(!opensCovered.value)}
      >
        <span class="track" aria-hidden="true" />
        <span>{opensCovered.value ? t("On") : t("Off")}</span>
        <span class="hidden-text">{t("Open with the list")}</span>
      </button>

      {isShared.value ? <p>{t("To come back on a shared phone, each uses four digits of their own.")}</p> : <OwnDigits />}

      <h2>{t("What this cannot do")}</h2>
      <p>{t("It helps against a quick look. Whoever knows this app, or holds the phone for long, can find it.")}</p>
      <p>{t("Forgot the digits? Ask your caseworker for a new link and open it here.")}</p>
    </Page>
  );
}

function OwnDigits() {
  return (
    <>
      <h2>{t("Four digits")}</h2>
      <p>{t("With four digits, only they bring the app back, also after you leave it.")}</p>
      <form onSubmit={(event) => void keepPin(event)} class="field">
        <label for="pin">{hasPin.value ? t("New four digits") : t("Four digits of your own")}</label>
        <input
          id="pin"
          type="password"
          inputMode="numeric"
          autocomplete="off"
          maxLength={4}
          dir="ltr"
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <div class="pair-of">
          <button type="submit" class="plain">
            {t("Set")}
          </button>
          {hasPin.value && (
            <button type="button" class="plain" onClick={() => void dropPin()}>
              {t("Remove")}
            </button>
          )}
        </div>
      </form>
      <p role="status">{said.value}</p>
    </>
  );
}
