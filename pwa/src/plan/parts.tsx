/** Small pieces that the project's screens share. */
import type { ComponentChildren } from "preact";
import { clockTime, t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { Page } from "../parts/Page";
import { back, go, isHere, isInDesk, type About, type Place } from "../routes";
import { now } from "../store/now";
import { isChild, myself, plan } from "../store/project";
import { called, dayWords, fieldName, isChildsVoice, isDate, valueName } from "./labels";
import type { Voice as Said, Who } from "./merge";
import { CHILD_FIRST, CHILDS_OWN } from "./owners";
import { words, type Thing } from "./state";

/** A circle for the child, a square for an adult: the same two marks everywhere. */
export function Mark({ isChild: child }: { isChild: boolean }) {
  return (
    <svg class={child ? "mark of-child" : "mark"} viewBox="0 0 16 16" aria-hidden="true">
      {child ? <circle cx="8" cy="8" r="6.5" /> : <rect x="2" y="2" width="12" height="12" rx="2.5" />}
    </svg>
  );
}

interface VoiceProps {
  who: Who;
  when?: string;
  title?: string;
  children: ComponentChildren;
}

/** One voice: the child's at the start edge, an adult's at the end edge, each with its mark and name. */
export function Voice({ who, when, title, children }: VoiceProps) {
  const child = isChildsVoice(who);
  return (
    <div class={child ? "voice of-child" : "voice"}>
      <p class="voice-name">
        <Mark isChild={child} />
        <span>
          <bdi>{title ?? called(who)}</bdi>
          {when && <span class="soft">{when}</span>}
        </span>
      </p>
      {children}
    </div>
  );
}

export function Words({ text }: { text: string }) {
  return (
    <p class="own-words" dir="auto">
      {text}
    </p>
  );
}

export const ago = (when: string) =>
  isDate(when)
    ? dayWords(when, now.value)
    : t("{day}, {time}", { day: dayWords(when, now.value), time: clockTime(when) });

/** "Saved on this phone" is not the same as "received", and looks different. */
export function Waits({ thing }: { thing: Thing }) {
  if (!thing.waits) return null;
  return (
    <p class="waits">
      <Icon name="phone" />
      {isInDesk ? t("Saved on this device.") : t("Saved on this phone.")}
    </p>
  );
}

/** A row that leads to another screen. */
export function Lead({ to, about, icon, word, state }: LeadProps) {
  return (
    <li>
      <button type="button" class="row" aria-current={isHere(to, about)} onClick={() => go(to, about ? { about } : {})}>
        {icon}
        <span class="row-text">
          <span>{word}</span>
          {state && <span class="soft">{state}</span>}
        </span>
        <Icon name="next" />
      </button>
    </li>
  );
}

/** A field with what stands in it; a difference leads to both voices. */
export function FieldRow({ entity, id, field }: { entity: string; id: string; field: string }) {
  const at = plan.value.get(entity, id, field);
  const isOpen = at.sides.length > 1;
  const value = at.stands?.value;
  const shown = isOpen
    ? t("You two wrote different things here. We kept both.")
    : value
      ? valueName(entity, field, value, now.value)
      : t("Nothing yet");
  const inside = (
    <span class="row-text">
      <span class="soft">{fieldName(entity, field)}</span>
      <span dir={value && !isOpen ? "auto" : undefined} class={value ? "row-words" : "soft"}>
        {shown}
      </span>
    </span>
  );
  if (!mayEdit(entity, id, field)) return value || isOpen ? <li class="row">{inside}</li> : null;
  return (
    <li>
      <button
        type="button"
        class="row"
        onClick={() => go(isOpen ? "difference" : "edit", { about: { entity, id, field } })}
      >
        {inside}
        <Icon name={isOpen ? "talk" : "words"} />
      </button>
    </li>
  );
}

interface LeadProps {
  to: Place;
  about?: About;
  icon: ComponentChildren;
  word: ComponentChildren;
  state?: ComponentChildren;
}

export function Note({ icon, children }: { icon: IconName; children: ComponentChildren }) {
  return (
    <p class="note-line">
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}

/** What is not here: taken away meanwhile, or not arrived yet. */
export function NotFound() {
  return (
    <Page title={t("We can't find this")}>
      <p>{t("It may appear when you're next online.")}</p>
      <button type="button" class="second" onClick={back}>
        {t("Back")}
      </button>
    </Page>
  );
}

/** Who may say something new here, and not only read. */
export const mayChange = () => ["child", "caseworker", "guardian"].includes(myself.value.role);

/** Something that is not right is said by these, and goes round the caseworker. */
export const mayComplain = () => ["child", "guardian"].includes(myself.value.role);

/** The thread is the child's and the caseworker's, and the supervisor's; an advocate has one of their own. */
export const mayTalk = () => ["child", "caseworker", "supervisor", "advocate"].includes(myself.value.role);

/** An advocate asks for a meeting; the others hold it. */
export const mayMeet = () => mayChange() || myself.value.role === "advocate";

/** A carer, or an advocate, says done, not done and why of what they promised. */
export const mayTick = (owner: unknown) =>
  mayChange() || (["carer", "advocate"].includes(myself.value.role) && owner === myself.value.id);

const isChilds = (entity: string, field: string) =>
  [CHILDS_OWN, CHILD_FIRST].some((own) => own.has(`${entity} ${field}`));

/** Who may say something new about a field, as the server has it. */
export function mayEdit(entity: string, id: string, field: string): boolean {
  if (entity === "complaint") return myself.value.role === words(plan.value, entity, id, "to");
  if (isChilds(entity, field) && !isChild.value) return false;
  if (entity !== "step" || !["status", "reason"].includes(field)) return mayChange();
  return mayTick(words(plan.value, "step", id, "owner_id"));
}

/** The last thing that was said about a field, or null. */
export const voiceIn = (entity: string, id: string, field: string): Said | null =>
  plan.value.get(entity, id, field).stands;

export const ownVoice = () => (isChild.value ? "child_words" : "worker_words");
