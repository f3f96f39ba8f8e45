/** What a worker does with a push: the same for the child's app and for the desk. */
import { ask } from "../api";

/** The shape of declarative Web Push, which Safari shows by itself and we show everywhere else. */
interface Pushed {
  notification?: {
    title?: string;
    body?: string;
    navigate?: string;
    tag?: string;
    silent?: boolean;
    renotify?: boolean;
    lang?: string;
    dir?: NotificationDirection;
    actions?: { action: string; title: string }[];
  };
  /** After so many minutes the reminder can come again, if the child taps the action. */
  s?: number;
  /** A token of this one delivery; `m` is the message, which a server of an earlier release wants to hear of. */
  r?: string;
  m?: string;
}

/** Tells the server that a push was shown. */
export type Give = (receipt: string) => Promise<void>;

function unpack(data: PushMessageData | null): Pushed {
  try {
    return (data?.json() ?? {}) as Pushed;
  } catch {
    return {};
  }
}

/** What a tap on a notification needs: where it leads, and what puts the reminder off. */
interface Kept {
  navigate?: string;
  receipt?: string | undefined;
  minutes?: number | undefined;
}

/** Every push shows something, even one that cannot be read: browsers end a subscription that stays silent. */
async function show(worker: ServiceWorkerGlobalScope, give: Give, pushed: Pushed): Promise<void> {
  const { notification = {}, r, m, s: minutes } = pushed;
  const { title = "Planner", body = "", navigate = "/app/", tag = "planner", silent = false } = notification;
  const { lang, dir, actions, renotify = false } = notification;
  // Not every browser has them, nor knows them by name.
  const withActions = r && minutes && actions ? { actions } : {};
  // Else a second call about the same alert takes the place of the first one without a sound. Not every browser has it.
  const again: { renotify?: boolean } = renotify && !silent ? { renotify } : {};
  await worker.registration.showNotification(title, {
    body,
    tag,
    silent,
    ...again,
    icon: "/app/icons/planner-192.png",
    badge: "/app/icons/badge-96.png",
    data: { navigate, receipt: r, minutes } satisfies Kept,
    ...withActions,
    ...(lang ? { lang } : {}),
    ...(dir ? { dir } : {}),
  });
  // Shown is not read; but it tells the adults that reminders do reach this phone.
  if (r) await give(r).catch(() => undefined);
  else if (m) await ask("POST", "/push-receipts", { message: m }).catch(() => undefined);
}

/** The reminder comes again later. Where that cannot be said to the server, it stays in sight. */
async function putOff(worker: ServiceWorkerGlobalScope, shown: Notification): Promise<void> {
  const { receipt, minutes, ...rest } = shown.data as Kept;
  try {
    await ask("POST", "/push-snoozes", { receipt, minutes }, null);
  } catch {
    const { title, body, tag, icon, lang, dir } = shown;
    await worker.registration.showNotification(title, { body, tag, icon, lang, dir, silent: true, data: rest });
  }
}

async function openPage(worker: ServiceWorkerGlobalScope, navigate: string): Promise<void> {
  const home = worker.location.origin;
  const wanted = new URL(navigate, home);
  // A message can only lead into our own pages.
  const target = wanted.origin === home ? wanted : new URL("/app/", home);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = pages.find((page) => new URL(page.url).pathname === target.pathname);
  if (open) await open.focus();
  else await worker.clients.openWindow(target.href);
}

export function listen(worker: ServiceWorkerGlobalScope, give: Give): void {
  worker.addEventListener("push", (event) => event.waitUntil(show(worker, give, unpack(event.data))));
  worker.addEventListener("notificationclick", (event) => {
    event.notification.close();
    if (event.action === "later") return event.waitUntil(putOff(worker, event.notification));
    const { navigate } = (event.notification.data ?? {}) as Kept;
    event.waitUntil(openPage(worker, navigate ?? "/app/"));
  });
}
