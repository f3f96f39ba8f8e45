import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Waits } from "../parts/Later";
import { Page } from "../parts/Page";
import { Row } from "../parts/Row";
import { glance, reminders, turnOff, turnOn, type Reminders as State } from "../push";

function sentence(state: State): string {
  switch (state) {
    case "on":
      return t("Reminders are on.");
    case "blocked":
      return t("This phone blocks reminders. You can allow them in the phone's settings.");
    case "install":
      return t("On an iPhone, first add this app to the home screen. Tap Share, then “Add to Home Screen”.");
    case "impossible":
      return t("This browser can't show reminders. You can still check in at any time.");
    case "failed":
      return t("That didn't work. Try again when you're online.");
    default:
      return t("Reminders are off.");
  }
}

export function Reminders() {
  useEffect(() => void glance(), []);
  const state = reminders.value;
  const canTurnOn = state === "off" || state === "failed";
  return (
    <Page title={t("Reminders")}>
      <p>{t("Your phone can remind you to check in. The message is always the same. It names nobody.")}</p>
      <p role="status" class="strong">
        {sentence(state)}
      </p>
      {state === "install" && (
        <p>{t("The app on the home screen starts empty. First make a code for it in “My phones”.")}</p>
      )}
      {canTurnOn && (
        <button type="button" class="second" onClick={() => void turnOn()}>
          <Icon name="bell" />
          {t("Turn reminders on")}
        </button>
      )}
      {state === "on" && (
        <button type="button" class="second" onClick={() => void turnOff()}>
          {t("Turn reminders off")}
        </button>
      )}
      <Waits />
      <ul class="rows">
        <Row to="school" icon="clock" word={t("School hours")} />
        <Row to="lock-text" icon="hide" word={t("Text on the lock screen")} />
      </ul>
    </Page>
  );
}
