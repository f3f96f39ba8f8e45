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
/** The desk asks who it is, and leads back here. */
const needsProof = signal(false);
const PROOF = `/desk/again?next=${encodeURIComponent("/app/#packs=yes")}`;

function notDone(reason: unknown): void {
  needsProof.value = reason instanceof Refused && reason.code === "proof_needed";
  fault.value =
    reason instanceof Refused && reason.detail ? reason.detail : t("You need internet for this. Try again later.");
}

function Photo({ photo }: packs.Pack) {
  if (!photo) return <p class="strong">{t("It has no photo.")}</p>;
  const taken = photo.taken_on
    ? t("Photo taken: {day}.", { day: dayWords(day(photo.taken_on), now.value) })
    : t("We don't know when the photo was taken.");
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
      <a class="main" href={page.url} target="_blank" rel="noopener" aria-label={`${paper} – ${name}`}>
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
        {pack.alerted_since && <p class="strong">{t("An alert or a search is open for this child.")}</p>}
        {pack.version === 0 && <p class="strong">{t("Not filled in yet. It shows only what is on record.")}</p>}
        {pack.copy && <Photo {...pack} />}
        {pack.copy ? (
          <p class="soft">{t("Copy from {time}.", { time: moment(new Date(pack.copy.at), now.value) })}</p>
        ) : (
          <p>{isStuck ? t("It isn't on this phone. We couldn't get it.") : t("Downloading to this phone.")}</p>
        )}
        {pack.copy && isStuck && (
          <p class="strong">{t("We couldn't get the latest version. This is an older copy.")}</p>
        )}
        {pages?.map((page) => (
          <PageLinks key={page.language} page={page} name={pack.name} />
        ))}
        {pack.copy && pages?.length === 0 && (
          <p class="strong">{t("This phone can't open its copy. You get a new one when you are online.")}</p>
        )}
        {!pack.alerted_since && (
          <button
            type="button"
            class="plain"
            aria-label={`${t("Remove from my phone")} – ${pack.name}`}
            onClick={() => void packs.putDown(pack.child_id)}
          >
            {t("Remove from my phone")}
          </button>
        )}
      </div>
    </li>
  );
}

async function take(children: string[]): Promise<void> {
  fault.value = "";
  needsProof.value = false;
  await packs.take(children, why.value).catch(notDone);
}

function Sealed({ sealed }: { sealed: packs.Pack[] }) {
  const all = sealed.map((pack) => pack.child_id);
  return (
    <section class="stack" aria-labelledby="sealed">
      <h2 id="sealed">{t("Sealed")}</h2>
      <p>
        {t(
          "No alert or search is open for these children. Give a reason to keep a pack on your phone. The child can read it.",
        )}
      </p>
      <div class="field">
        <label for="why">{t("Why I need it on my phone")}</label>
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
        {sealed.map((pack) => (
          <li key={pack.child_id}>
            <button type="button" class="row" onClick={() => void take([pack.child_id])}>
              <Icon name="keep" />
              <span class="row-text">
                <span>{t("Keep {name} on my phone", { name: pack.name })}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {all.length > 1 && (
        <button type="button" class="second" onClick={() => void take(all)}>
          {tn("Keep {n} pack on my phone", "Keep all {n} packs on my phone", all.length)}
        </button>
      )}
    </section>
  );
}

function words(): string {
  const end = packs.ends.value;
  if (end) {
    const until = t("They stay on this phone until your shift ends: {time}.", { time: moment(end, now.value) });
    if (packs.news.value === "offline") return `${until} ${t("You are offline now. These are copies.")}`;
    if (packs.news.value === "failing") return `${until} ${t("Our server didn't answer properly. These are copies.")}`;
    return until;
  }
  if (packs.news.value === "off-duty") return t("You are not on duty now, so no packs are on this phone.");
  if (packs.news.value === "offline") return t("No packs on this phone. You get them when you are online and on duty.");
  if (packs.news.value === "failing") return t("No packs on this phone. Our server didn't answer properly.");
  if (packs.news.value === "out") return t("No packs on this phone. Sign in to the desk again to get them.");
  return t("Looking for your packs …");
}

export function Packs() {
  useEffect(packs.watch, []);
  const carried = packs.packs.value.filter((pack) => pack.state === "carried");
  const sealed = packs.packs.value.filter((pack) => pack.state === "sealed");
  return (
    <Page title={t("Grab packs on my phone")}>
      <Notices />
      <p role="status">{words()}</p>
      {fault.value && <p role="alert">{fault.value}</p>}
      {needsProof.value && (
        <a class="main" href={PROOF}>
          {t("Confirm it is you")}
        </a>
      )}
      {packs.ends.value && carried.length === 0 && <p>{t("You have no packs on this phone yet.")}</p>}
      <ul class="entries">
        {carried.map((pack) => (
          <Carried key={pack.child_id} pack={pack} />
        ))}
      </ul>
      {carried.length > 0 && (
        <p class="soft">{t("Some phones save the page in Downloads. Delete it there when the child is found.")}</p>
      )}
      {sealed.length > 0 && <Sealed sealed={sealed} />}
      {packs.ends.value && packs.packs.value.length === 0 && (
        <p>{t("No packs are ready for the children assigned to you.")}</p>
      )}
      <button type="button" class="second" disabled={packs.isBusy.value} onClick={() => void packs.refresh()}>
        {t("Refresh")}
      </button>
    </Page>
  );
}
