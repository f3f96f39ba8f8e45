/// <reference lib="webworker" />
/** The desk's worker: shows what a push says and opens the page it names. It keeps no file and no word. */
import { ask } from "./api";
import { listen } from "./worker/push";

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("install", () => void self.skipWaiting());
listen(self, (receipt) => ask("POST", "/receipts", { receipt }));
