/** What became of what one proposed: it waits here, it waits for an answer, it has one. It can be taken back. */
import { moment, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { go } from "../routes";
import { now } from "../store/now";
import {
  current as rhythm,
  takeBack,
  takenBack,
  unsentBack,
  waiting,
  type Proposal,
  type Waiting,
} from "../store/rhythm";
import { throwAway } from "../store/sender";
import { who } from "../store/session";
import { proposedInWords, Sums } from "./rhythmWords";

function decided({ state, decided_by: by, decided_at: at }: Proposal): string {
  const values = { name: by?.name ?? "", when: at ? moment(at, now.value) : "" };
  return state === "agreed" ? t("{name} agreed ({when}).", values) : t("{name} answered ({when}).", values);
}

function TakeBack({ id }: { id: string }) {
  return (
    <button type="button" class="quiet words" onClick={() => void takeBack(id)}>
      {t("Take back")}
    </button>
  );
}

/** It has not left this phone, as far as the phone knows. */
function Here({ waits }: { waits: Waiting }) {
  return (
    <section class="card">
      <h2>{t("Your suggestion")}</h2>
      <p class="strong">{proposedInWords(waits.body)}</p>
      {waits.problem ? (
        <button type="button" class="plain" onClick={() => go("unsent")}>
          {t("We couldn't send it. See why.")}
        </button>
      ) : (
        <>
          <p class="soft">{t("It will be sent when this app is open and online.")}</p>
          <TakeBack id={waits.id} />
        </>
      )}
    </section>
  );
}

function Open({ proposal }: { proposal: Proposal }) {
  return (
    <section class="card">
      <h2>{t("Your suggestion")}</h2>
      <p class="strong">{proposedInWords(proposal)}</p>
      <Sums sums={proposal.sums} />
      {takenBack.value.has(proposal.id) ? (
        <p class="soft">{t("You took it back. That will be sent when this app is open and online.")}</p>
      ) : (
        <>
          <p class="soft">{t("Waiting for an answer. Nothing changes until then.")}</p>
          <TakeBack id={proposal.id} />
        </>
      )}
    </section>
  );
}

/** One wanted to take it back, and a person had answered before that. */
function TooLate({ id }: { id: string }) {
  const row = unsentBack(id);
  if (!row?.problem) return null;
  return (
    <>
      <p>{t("It was too late to take it back. There was already an answer.")}</p>
      <button type="button" class="plain" onClick={() => void throwAway(row)}>
        {t("Got it")}
      </button>
    </>
  );
}

function Decided({ proposal }: { proposal: Proposal }) {
  return (
    <section class="card">
      <h2>{t("Your suggestion")}</h2>
      <p class="strong">{proposedInWords(proposal)}</p>
      <p>
        {proposal.state === "agreed" && <Icon name="check" />} {decided(proposal)}
      </p>
      {proposal.answer && (
        <p class="said" dir="auto">
          {proposal.answer}
        </p>
      )}
      <TooLate id={proposal.id} />
    </section>
  );
}

export function ProposalList() {
  const mine = rhythm.value?.proposals.filter(({ by }) => by.id === who.value) ?? [];
  const here = waiting.value;
  const isHere = new Set(here.map(({ id }) => id));
  const open = mine.filter(({ id, state }) => state === "open" && !isHere.has(id));
  const last = here.length === 0 ? mine[0] : undefined;
  return (
    <>
      {here.map((waits) => (
        <Here key={waits.id} waits={waits} />
      ))}
      {open.map((proposal) => (
        <Open key={proposal.id} proposal={proposal} />
      ))}
      {last && ["agreed", "declined"].includes(last.state) && <Decided proposal={last} />}
    </>
  );
}
