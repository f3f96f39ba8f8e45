/** When one is asked, and by when a person is told. Another rhythm is proposed here, and agreed by a worker. */
import { useEffect } from "preact/hooks";
import { longDay, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { ImportantDays } from "../plan/ImportantDays";
import { ProposalList } from "../plan/ProposalList";
import { begin, draft } from "../plan/proposalDraft";
import { ProposalForm } from "../plan/ProposalForm";
import { inWords, Sums } from "../plan/rhythmWords";
import { go } from "../routes";
import { loadMilestones } from "../store/milestones";
import { now } from "../store/now";
import { current as rhythm, load, outgoing, type Season } from "../store/rhythm";

/** The last day ends with the season, at a midnight which is another day to the reader. */
const HALF_A_DAY_MS = 43_200_000;

function Seasons({ seasons = [] }: { seasons?: Season[] | undefined }) {
  return (
    <>
      {seasons.map(({ id, from_at: from, until_at: until, rhythm }) => (
        <p key={id}>
          {t("{first} to {last}: {rhythm}. After that, as before.", {
            first: longDay(from),
            last: longDay(new Date(Date.parse(until) - HALF_A_DAY_MS)),
            rhythm: inWords(rhythm),
          })}
        </p>
      ))}
    </>
  );
}

const onTheClockOf = (timeZone?: string) =>
  new Intl.DateTimeFormat("en", { timeZone, dateStyle: "short", timeStyle: "short" }).format(now.value);

/** Else a person who travels, or whose phone is set wrong, would read two times that do not fit. */
function OtherClock({ zone }: { zone: string | undefined }) {
  try {
    if (!zone || onTheClockOf(zone) === onTheClockOf()) return null;
  } catch {
    return null; // A zone that this phone does not know.
  }
  const place = zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
  return (
    <p class="soft">
      {t("Your phone's clock is different. The times above are {place} time. The times below are your phone's time.", {
        place,
      })}
    </p>
  );
}

export function CheckInTimes() {
  useEffect(() => void load(), [outgoing.value]);
  useEffect(() => void loadMilestones(), []);
  const stands = rhythm.value;
  const here = draft.value;
  return (
    <Page title={t("My check-in times")}>
      {!stands && <p>{t("You need internet for this page.")}</p>}
      {stands && (
        <section class="card">
          <h2>{inWords(stands.rhythm)}</h2>
          <Seasons seasons={stands.seasons} />
          <OtherClock zone={stands.zone} />
          <Sums sums={stands.sums} />
        </section>
      )}
      <button type="button" class="quiet" onClick={() => go("school")}>
        <Icon name="clock" />
        {t("School hours")}
      </button>
      <ImportantDays />
      {stands && <ProposalList />}
      {stands && !here && (
        <>
          <p>{t("You can suggest other times. They change only when your caseworker agrees.")}</p>
          <button type="button" class="second" onClick={begin}>
            <Icon name="words" />
            {t("Suggest other times")}
          </button>
        </>
      )}
      {stands && here && <ProposalForm now={here} />}
    </Page>
  );
}
