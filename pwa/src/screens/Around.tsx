/** "These people are around you": who is told when nobody hears from the child, and who they can talk to. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { listed, longDay, t, tn } from "../i18n";
import { dialled } from "../parts/dialled";
import { Drawing, Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Row } from "../parts/Row";
import { initials, rings, seat, type Near } from "../plan/around";
import { day, roleName } from "../plan/labels";
import { dayName } from "../plan/rhythmWords";
import { go } from "../routes";
import * as advocates from "../store/advocates";
import { askWhoIsThere, frame, there } from "../store/project";
import { me } from "../store/session";
import * as trusted from "../store/trusted";
import * as witnesses from "../store/witnesses";

/** So many fit on the ring of a small phone; the others follow below it. */
const MOST = 7;

const A_PERSON =
  "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 7.5a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4ZM6.4 18.2c.9-2.1 3-3.2 5.6-3.2s4.7 1.1 5.6 3.2";

const chosen = signal<Near | null>(null);

function whatIs({ kind, witness }: Near): string {
  if (witness) return witnessKind(witness.kind);
  return kind === "trusted" ? t("You trust them") : roleName(kind);
}

function witnessKind(kind: witnesses.Witness["kind"]): string {
  const names: Record<witnesses.Witness["kind"], string> = {
    school: t("School"),
    club: t("Club"),
    mentor: t("Mentor"),
    lawyer: t("Lawyer"),
    other: t("Another person"),
  };
  return names[kind];
}

const whenOf = ({ days, at }: witnesses.Agreed) =>
  t("{days} at {time}", { days: listed(days.map((day) => dayName(day, "long"))), time: at });

/** What this person hears of, and what they can do: a sentence or two, and no promise that a policy could break. */
function saysOf({ kind, name, isOpen, witness }: Near): string[] {
  // Who a ladder calls, and if it can reach them, is not known here.
  const told = [t("If we hear nothing from you, we may tell {name} too.", { name })];
  const sentences: Record<Near["kind"], string[]> = {
    caseworker: told,
    supervisor: told,
    carer: [
      t("We may ask {name} if you are there.", { name }),
      t("{name} can't read what you write here. Talk to them where you live.", { name }),
    ],
    guardian: [
      t("{name} can read your project.", { name }),
      t("Do you want to talk to {name}? Tell your caseworker, and they arrange it.", { name }),
    ],
    advocate: [t("{name} is there for you alone.", { name })],
    trusted: [
      isOpen
        ? t("We don't ask {name} yet. Your caseworker talks to them first.", { name })
        : t("If nobody hears from you, we may ask {name} too.", { name }),
      t("We don't show their number here, so nobody who takes your phone can find it."),
    ],
    witness: witness
      ? [
          t("We ask {name} if you came: {when}.", { name, when: whenOf(witness) }),
          t("{name} can't read what you write here.", { name }),
        ]
      : [],
  };
  return sentences[kind];
}

const writeTo = ({ kind, id }: Near) =>
  go("talk", { about: kind === "advocate" ? { advocate: id, begin: "1" } : { thread: "1", begin: "1" } });

/** The agency's number, as "Help now" shows it: nobody's own. */
function CallUs() {
  const phone = me.value?.help_phone;
  if (!phone) return null;
  return (
    <a class="plain" href={`tel:${dialled(phone)}`}>
      <Icon name="call" />
      <span>
        {t("Call us")} <bdi dir="ltr">{phone}</bdi>
      </span>
    </a>
  );
}

function Chosen({ person }: { person: Near }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.scrollIntoView({ block: "center" });
  }, [person.id]);
  return (
    <section class="card" aria-labelledby="chosen">
      <h2 id="chosen" tabIndex={-1} ref={heading}>
        <bdi>{person.name}</bdi>
      </h2>
      <p class="soft">{whatIs(person)}</p>
      {saysOf(person).map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {person.reads && (
        <button type="button" class="main" onClick={() => writeTo(person)}>
          <Icon name="talk" />
          {t("Write to {name}", { name: person.name })}
        </button>
      )}
      {!["trusted", "advocate", "witness"].includes(person.kind) && <CallUs />}
    </section>
  );
}

interface NodeProps {
  person: Near;
  /** Where on the ring; none in the rows below it. */
  at?: { across: number; down: number };
}

/** A face, a name and a role; a bell for those who hear of a silence, a sign of talking for those one can write to. */
function Node({ person, at }: NodeProps) {
  const isChosen = chosen.value?.id === person.id;
  // By script: the policy of the page allows no style in its text.
  const style = at && { "--across": at.across.toFixed(4), "--down": at.down.toFixed(4) };
  return (
    <li class={person.isOpen ? "person open" : "person"} style={style}>
      <button type="button" aria-pressed={isChosen} onClick={() => (chosen.value = person)}>
        <span class="initials" aria-hidden="true">
          {initials(person.name)}
        </span>
        <bdi class="strong">{person.name}</bdi>
        <span class="soft">{whatIs(person)}</span>
        <span class="signs">
          {person.hears && <Icon name="bell" />}
          {person.reads && <Icon name="talk" />}
        </span>
      </button>
    </li>
  );
}

/** What the two drawings mean, once for all. */
function Legend() {
  return (
    <ul class="legend">
      <li>
        <Icon name="bell" />
        {t("We tell or ask them if we hear nothing from you")}
      </li>
      <li>
        <Icon name="talk" />
        {t("You can write to them here")}
      </li>
    </ul>
  );
}

function Circle({ inner, outer }: { inner: Near[]; outer: Near[] }) {
  const drawn = inner.slice(0, MOST);
  const beyond = [...inner.slice(MOST), ...outer];
  return (
    <>
      <div class="around-in">
        <div class="around">
          <p class="myself">
            <Drawing path={A_PERSON} />
            {t("You")}
          </p>
          <ul aria-label={t("Closest to you")}>
            {drawn.map((person, n) => (
              <Node key={person.id} person={person} at={seat(n, drawn.length)} />
            ))}
          </ul>
        </div>
      </div>
      {beyond.length > 0 && (
        <>
          <h2>{t("Also there for you")}</h2>
          <ul class="arc">
            {beyond.map((person) => (
              <Node key={person.id} person={person} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** What was agreed before: the child reads what has changed. */
function changeOf(before: witnesses.Agreed): string {
  const when = whenOf(before);
  return before.until
    ? t("This is new. Before: {when}, until {day}.", { when, day: longDay(day(before.until)) })
    : t("This is new. Before: {when}.", { when });
}

/** The school, the club, the mentor: we ask them on agreed days whether the child came. Nothing of it is secret. */
function Witnesses() {
  const all = witnesses.witnesses.value ?? [];
  if (all.length === 0) return null;
  return (
    <section aria-labelledby="witnesses">
      <h2 id="witnesses">{t("Who tells us whether you came")}</h2>
      <ul class="entries">
        {all.map((witness) => (
          <li key={witness.id}>
            <bdi class="strong">{witness.name}</bdi>
            <span class="soft"> {whenOf(witness)}</span>
            {witness.until && <p class="soft">{t("Until {day}", { day: longDay(day(witness.until)) })}</p>}
            {witness.before && <p>{changeOf(witness.before)}</p>}
          </li>
        ))}
      </ul>
      <p class="soft">{t("Don't you want this any more? Tell your caseworker.")}</p>
    </section>
  );
}

export function Around() {
  useEffect(() => {
    chosen.value = null;
    void Promise.all([trusted.load(), advocates.load(), witnesses.load()]).then(askWhoIsThere);
  }, []);
  const [inner, outer] = rings(
    there.value,
    advocates.advocates.value,
    trusted.people.value ?? [],
    witnesses.witnesses.value ?? [],
  );
  const many = inner.length + outer.length;
  const named = trusted.people.value?.length ?? 0;
  return (
    <Page title={t("People around me")}>
      {many > 0 ? (
        <>
          <p>{t("Tap a person to see what they know and how to reach them.")}</p>
          <Circle inner={inner} outer={outer} />
          {chosen.value && <Chosen person={chosen.value} />}
          <Legend />
          <Witnesses />
        </>
      ) : (
        <p>{frame.value ? t("Nobody is here yet.") : t("You need internet to see this.")}</p>
      )}
      <ul class="rows">
        <Row
          to="trusted"
          icon="hands"
          word={t("People I trust")}
          state={
            named ? tn("You named {n} person.", "You named {n} people.", named) : t("You can name up to 3 people.")
          }
        />
        <Row to="advocate" icon="talk" word={t("My advocate")} />
      </ul>
    </Page>
  );
}
