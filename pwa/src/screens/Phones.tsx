import { computed, effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, type Device } from "../api";
import { clockTime, moment, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { now } from "../store/now";
import { who } from "../store/session";

interface Code {
  code: string;
  link: string;
  expires_at: string;
}

const devices = signal<Device[] | null>(null);
const sure = signal<string | null>(null);
const code = signal<Code | null>(null);
const trouble = signal(false);

/** Counts who comes in and goes: what was asked for a person before is not shown any more. */
let turn = 0;

// Another child on this phone begins with nothing of the one before.
effect(() => {
  void who.value;
  turn++;
  devices.value = sure.value = code.value = null;
  trouble.value = false;
});

/** The code that can still be typed elsewhere: after a look elsewhere it is found again. */
const standing = computed(() => (code.value && now.value < new Date(code.value.expires_at) ? code.value : null));

async function load(): Promise<void> {
  const asked = turn;
  const fresh = await ask<{ devices: Device[] }>("GET", "/me/devices").catch(() => null);
  if (asked !== turn) return;
  trouble.value = fresh === null;
  if (fresh) devices.value = fresh.devices;
}

async function shutOut(device: Device): Promise<void> {
  sure.value = null;
  trouble.value = await ask("DELETE", `/me/devices/${device.id}`).then(
    () => false,
    () => true,
  );
  await load();
}

async function makeCode(): Promise<void> {
  const asked = turn;
  const made = await ask<Code>("POST", "/me/codes", {}).catch(() => null);
  if (asked !== turn) return;
  code.value = made;
  trouble.value = made === null;
}

function Phone({ device }: { device: Device }) {
  const name = device.label || t("A phone");
  return (
    <li class="entry">
      <Icon name="phone" />
      <div>
        <p class="strong">
          <bdi>{name}</bdi>
        </p>
        <p class="soft">
          {device.current
            ? t("This phone")
            : device.last_seen_at
              ? t("Last used: {when}", { when: moment(device.last_seen_at, now.value) })
              : t("Not used yet")}
        </p>
        {!device.current &&
          (sure.value === device.id ? (
            <div class="pair-of">
              <button type="button" class="plain" onClick={() => void shutOut(device)}>
                {t("Yes, block it")}
              </button>
              <button type="button" class="plain" onClick={() => (sure.value = null)}>
                {t("No")}
              </button>
            </div>
          ) : (
            <button
              type="button"
              class="plain"
              aria-label={t("Block: {name}", { name })}
              onClick={() => (sure.value = device.id)}
            >
              {t("Block")}
            </button>
          ))}
      </div>
    </li>
  );
}

export function Phones() {
  useEffect(() => void load(), []);
  return (
    <Page title={t("My phones")}>
      <p>
        {t(
          "Lost a phone? Block it here. After that it sends nothing and gets nothing new. What is already on it stays there.",
        )}
      </p>
      <p role="status" class={trouble.value ? "" : "hidden-text"}>
        {trouble.value && t("You need internet for this. Try again when you're online.")}
      </p>
      <ul class="entries">
        {devices.value?.map((device) => (
          <Phone key={device.id} device={device} />
        ))}
      </ul>
      <h2>{t("Another phone")}</h2>
      <p>{t("Make a code here and type it on the other phone. It works once.")}</p>
      <div aria-live="polite">
        {standing.value && (
          <>
            <p class="code" dir="ltr">
              {standing.value.code.replace(/^(.{4})/, "$1 ")}
            </p>
            <p class="soft">{t("Works until {time}.", { time: clockTime(standing.value.expires_at) })}</p>
          </>
        )}
      </div>
      <button type="button" class="second" onClick={() => void makeCode()}>
        <Icon name="plus" />
        {t("Make a code")}
      </button>
    </Page>
  );
}
