import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { glance, reminders, turnOff, turnOn, type Reminders as State } from "../push";

function sentence(state: State): string {
  switch (state) {
    case "on":
      return t("Reminders are on.");
    case "blocked":
      return t("This phone blocks them. You can allow them in the settings of the phone.");
    case "install":
      return t("On an iPhone, first put this app on the home screen: tap Share, then “Add to Home Screen”.");
    case "impossible":
      return t("This browser cannot show reminders. You can still check in at any time.");
    case "failed":
      return t("It did not work just now. Try again when there is a connection.");
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
      <p>{t("The phone can tell you when a check-in is near. The text is always the same. It names nobody.")}</p>
      <p role="status" class="strong">
        {sentence(state)}
      </p>
      {state === "install" && (
        <p>{t("The app on the home screen starts anew. Make a code for it first, under “My phones”.")}</p>
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
    </Page>
  );
}
