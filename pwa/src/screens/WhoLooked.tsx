import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, type Look } from "../api";
import { moment, t } from "../i18n";
import { Asked } from "../parts/Asked";
import { Page } from "../parts/Page";
import { read, writeIfRoom } from "../store/db";
import { now } from "../store/now";
import { load as loadQuestions } from "../store/questions";
import { who } from "../store/session";

const looks = signal<Look[] | null>(null);

async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  looks.value = (await read<Look[]>(person, "looks")) ?? null;
  const fresh = await ask<{ looks: Look[] }>("GET", "/looks").catch(() => null);
  if (!fresh) return;
  looks.value = fresh.looks;
  await writeIfRoom(person, "looks", fresh.looks.slice(0, 200));
}

/** As it goes along with a question: the adult who answers reads the same. */
const shown = (look: Look) => [nameOf(look), look.what, look.why].filter(Boolean).join("\n");

const nameOf = ({ who: someone }: Look) => someone?.name ?? t("The system");

export function WhoLooked() {
  useEffect(() => {
    void load();
    void loadQuestions();
  }, []);
  return (
    <Page title={t("Who looked")}>
      <p>{t("See who looked at what's written about you, and when.")}</p>
      {looks.value === null && <p>{t("You need internet to see this list.")}</p>}
      {looks.value?.length === 0 && <p>{t("Nobody is listed here yet.")}</p>}
      <ul class="entries">
        {looks.value?.map((look, index) => (
          <li class="entry" key={index}>
            <div>
              <p class="strong">
                <bdi>{nameOf(look)}</bdi>
              </p>
              <p>{look.what}</p>
              {look.why && <p dir="auto">{look.why}</p>}
              <p class="soft">{moment(look.at, now.value)}</p>
              {look.id && (
                <Asked
                  entry={{ kind: "look", id: look.id, at: look.at, shown: shown(look) }}
                  isAboutCaseworker={look.who?.role === "caseworker"}
                />
              )}
            </div>
          </li>
        ))}
      </ul>
    </Page>
  );
}
