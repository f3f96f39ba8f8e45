/** Keeping the app on the home screen, where the browser offers it. */
import { signal } from "@preact/signals";

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}
export const install = signal<InstallPrompt | null>(null);

/** The browser offers to keep the app on the home screen; we ask only when the child taps. */
export function begin(): void {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    install.value = event as InstallPrompt;
  });
  addEventListener("appinstalled", () => (install.value = null));
}

export async function keepOnHomeScreen(): Promise<void> {
  await install.value?.prompt();
  install.value = null;
}
