/** Grab packs with one on duty: the page for the police opens in one tap, with a network or without. */
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { Refused } from "../api";
import { bytes } from "../bytes";
import { moment, t, tn } from "../i18n";
import { Icon } from "../parts/Icon";
import { Notices } from "../parts/Notices";
import { Page } from "../parts/Page";
import { day, dayWords, languageName } from "../plan/labels";
import { now } from "../store/now";
import * as packs from "../store/packs";

const why = signal("");
const fault = signal("");

function notDone(said: unknown): void {
  fault.value = said instanceof Refused && said.detail ? said.detail : t("This needs a connection. Try again later.");
}

function Photo({ photo }: packs.Pack) {
  if (!photo) return <p class="strong">{t("There is no photo in it.")}</p>;
  const taken = photo.taken_on
    ? t("The photo was taken: {day}.", { day: dayWords(day(photo.taken_on), now.value) })
    : t("Nobody knows when the photo was taken.");
  return <p class={photo.is_old ? "strong" : "soft"}>{taken}</p>;
}

interface Opened {
  language: string;
  url: string;
  text: string;
}

/** The pages of one copy, each at an address that holds as long as this screen is open. */
function usePages(child: string, at: number | undefined): Opened[] | null {
  const [pages, setPages] = useState<Opened[] | null>(null);
  useEffect(() => {
    let isOn = true;
    let made: Opened[] = [];
    void packs.copyOf(child).then((copy) => {
      if (!isOn) return;
      made = (copy?.pages ?? []).map(({ language, pdf, text }) => ({
        language,
        url: URL.createObjectURL(new Blob([bytes(pdf)], { type: "application/pdf" })),
        text,
      }));
      setPages(made);
    });
    return () => {
      isOn = false;
      for (const { url } of made) URL.revokeObjectURL(url);
    };
  }, [child, at]);
  return pages;
}

function PageLinks({ page, name }: { page: Opened; name: string }) {
  const language = languageName(page.language);
  const paper = `${t("One page for the police (PDF)")} · ${language}`;
  const here = `${t("Read it here")} · ${language}`;
  return (
    <>
      <a class="main" href={page.url} target="_blank" aria-label={`${paper} – ${name}`}>
        {paper}
      </a>
      <details>
        <summary aria-label={`${here} – ${name}`}>{here}</summary>
        <pre class="paper" dir="auto" lang={page.language}>
          {page.text}
        </pre>
      </details>
    </>
  );
}

function Carried({ pack }: { pack: packs.Pack }) {
  const pages = usePages(pack.child_id, pack.copy?.at);
  const isStuck = packs.stuck.value.includes(pack.child_id);
  return (
    <li class="entry">
      <div>
        <h2 class="strong">
          <bdi>{pack.name}</bdi>
        </h2>
        {pack.alerted_since && <p class="strong">{t("Adults are alerted about this child.")}</p>}
        {pack.version === 0 && <p class="strong">{t("Nothing was prepared. Only what is on record stands in it.")}</p>}
        {pack.copy && <Photo {...pack} />}
        {pack.copy ? (
          <p class="soft">{t("As it was: {time}.", { time: moment(new Date(pack.copy.at), now.value) })}</p>
        ) : (
          <p>{isStuck ? t("It is not on this phone: it could not be fetched.") : t("It is on its way to this phone.")}</p>
        )}
        {pack.copy && isStuck && <p class="strong">{t("A newer one could not be fetched. This is the one from before.")}</p>}
        {pages?.map((page) => (
          <PageLinks key={page.language} page={page} name={pack.name} />
        ))}
        {pack.copy && pages?.length === 0 && <p class="strong">{t("This phone cannot open its copy. It comes again with a connection.")}</p>}
        {!pack.alerted_since && (
          <button
            type="button"
            class="plain"
            aria-label={`${t("Put it down")} – ${pack.name}`}
            onClick={() => void packs.putDown(pack.child_id)}
          >
            {t("Put it down")}
          </button>
        )}
      </div>
    </li>
  );
}

async function take(children: string[]): Promise<void> {
  fault.value = "";
  await packs.take(children, why.value).catch(notDone);
}

function Sealed({ sealed }: { sealed: packs.Pack[] }) {
  const all = sealed.map((one) => one.child_id);
  return (
    <section class="stack" aria-labelledby="sealed">
      <h2 id="sealed">{t("Sealed")}</h2>
      <p>{t("Nobody is alerted about these children. Say why you take a pack along: the child can read it.")}</p>
      <div class="field">
        <label for="why">{t("Why I take it along")}</label>
        <input
          id="why"
          type="text"
          dir="auto"
          autocomplete="off"
          maxLength={500}
          value={why.value}
          onInput={(event) => (why.value = event.currentTarget.value)}
        />
      </div>
      <ul class="rows">
        {sealed.map((one) => (
          <li key={one.child_id}>
            <button type="button" class="row" onClick={() => void take([one.child_id])}>
              <Icon name="keep" />
              <span class="row-text">
                <span>
                  {t("Take along")}: <bdi>{one.name}</bdi>
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {all.length > 1 && (
        <button type="button" class="second" onClick={() => void take(all)}>
          {tn("Take along {n} pack", "Take along all {n} packs", all.length)}
        </button>
      )}
    </section>
  );
}

function words(): string {
  const end = packs.ends.value;
  if (end) {
    const until = t("They are on this phone until your duty ends: {time}.", { time: moment(end, now.value) });
    if (packs.news.value === "offline") return `${until} ${t("Without a connection now: these are copies.")}`;
    if (packs.news.value === "failing") return `${until} ${t("The server did not answer as it should. These are copies.")}`;
    return until;
  }
  if (packs.news.value === "off-duty") return t("You are not on duty now, so no pack is on this phone.");
  if (packs.news.value === "offline") return t("No pack is on this phone. They come with a connection, while you are on duty.");
  if (packs.news.value === "failing") return t("No pack is on this phone: the server did not answer as it should.");
  if (packs.news.value === "out") return t("No pack is on this phone. Sign in at the desk again to have them here.");
  return t("Looking for your packs …");
}

export function Packs() {
  useEffect(packs.watch, []);
  const carried = packs.packs.value.filter((one) => one.state === "carried");
  const sealed = packs.packs.value.filter((one) => one.state === "sealed");
  return (
    <Page title={t("Grab packs with me")}>
      <Notices />
      <p role="status">{words()}</p>
      {fault.value && <p role="alert">{fault.value}</p>}
      {packs.ends.value && carried.length === 0 && <p>{t("No pack goes along with you yet.")}</p>}
      <ul class="entries">
        {carried.map((pack) => (
          <Carried key={pack.child_id} pack={pack} />
        ))}
      </ul>
      {carried.length > 0 && (
        <p class="soft">{t("Some phones put the page among their downloads. Delete it there when the child is found.")}</p>
      )}
      {sealed.length > 0 && <Sealed sealed={sealed} />}
      {packs.ends.value && packs.packs.value.length === 0 && <p>{t("No pack is prepared for the children in your care.")}</p>}
      <button type="button" class="second" disabled={packs.isBusy.value} onClick={() => void packs.refresh()}>
        {t("Ask again")}
      </button>
    </Page>
  );
}
