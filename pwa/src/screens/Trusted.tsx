/** "Ask them first": somebody whom the child trusts is asked beside the adults who are called, never instead. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { Page } from "../parts/Page";
import { known, load, name, takeBack, waiting, type Trusted } from "../store/trusted";

const MOST = 3;
const typed = signal({ name: "", reach: "", alsoHelp: false });
const isStuck = signal(false);

const decided = ({ state }: Trusted) =>
  state === "yes"
    ? t("Yes: they are asked.")
    : state === "no"
      ? t("Not this time. Your caseworker wrote:")
      : t("Your caseworker speaks with them first.");

interface Row {
  id: string;
  name: string;
  says: string;
  why?: string | null;
}

function Named({ id, name: called, says, why }: Row) {
  const back = async () => (isStuck.value = !(await takeBack(id)));
  return (
    <li class="entry">
      <div>
        <p class="strong">
          <bdi>{called}</bdi>
        </p>
        <p>{says}</p>
        {why && <p dir="auto">{why}</p>}
        <button type="button" class="plain" aria-label={t("Take back: {name}", { name: called })} onClick={() => void back()}>
          {t("Take back")}
        </button>
      </div>
    </li>
  );
}

function Form() {
  const { name: called, reach, alsoHelp } = typed.value;
  const say = (event: Event) => {
    event.preventDefault();
    if (!called.trim() || !reach.trim()) return;
    void name(typed.value);
    typed.value = { name: "", reach: "", alsoHelp: false };
  };
  return (
    <form class="stack" onSubmit={say}>
      <div class="field">
        <label for="trusted-name">{t("Who is it?")}</label>
        <input
          id="trusted-name"
          type="text"
          dir="auto"
          required
          autocomplete="off"
          maxLength={120}
          value={called}
          onInput={(event) => (typed.value = { ...typed.value, name: event.currentTarget.value })}
        />
      </div>
      <div class="field">
        <label for="trusted-reach">{t("How can they be reached? A phone number or an e-mail address.")}</label>
        <input
          id="trusted-reach"
          type="text"
          dir="ltr"
          required
          autocomplete="off"
          maxLength={120}
          value={reach}
          onInput={(event) => (typed.value = { ...typed.value, reach: event.currentTarget.value })}
        />
      </div>
      <button
        type="button"
        class="plain"
        aria-pressed={alsoHelp}
        onClick={() => (typed.value = { ...typed.value, alsoHelp: !alsoHelp })}
      >
        {t("Ask them also when I call for help")}
      </button>
      <button type="submit" class="second">
        {t("Name this person")}
      </button>
    </form>
  );
}

export function TrustedPeople() {
  useEffect(() => void load(), []);
  const unsent = waiting.value.map((one) => ({
    id: one.id,
    name: one.body.name,
    says: one.sentence ?? t("Saved on this phone. Not sent yet."),
  }));
  const sent = (known.value ?? []).map((one) => ({ ...one, says: decided(one) }));
  const all: Row[] = [...sent, ...unsent];
  return (
    <Page title={t("Ask them first")}>
      <p>
        {t(
          "When nobody hears from you, adults are called. You can name somebody you trust. They are then asked too, at the same time.",
        )}
      </p>
      <p class="soft">{t("They get one question, and see nothing of what you wrote.")}</p>
      {known.value === null && <p>{t("This list comes with a connection.")}</p>}
      <ul class="entries">
        {all.map((one) => (
          <Named key={one.id} {...one} />
        ))}
      </ul>
      <p role="status">{isStuck.value && t("This needs a connection. Try again later.")}</p>
      {all.length < MOST && <Form />}
    </Page>
  );
}
