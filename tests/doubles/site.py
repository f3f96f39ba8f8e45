"""A small site on loopback: a page, and a worker that shows what is pushed to it."""

from aiohttp import web

from tests.doubles.thread import InThread

PAGE = """<!doctype html>
<html lang="en"><title>Site</title><script>navigator.serviceWorker.register("/sw.js")</script>
"""

WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", e => e.waitUntil(self.clients.claim()));
self.addEventListener("push", e => {
  const {notification: n, m} = e.data.json();
  const {title, navigate, ...rest} = n;
  e.waitUntil(self.registration.showNotification(title, {...rest, data: {navigate, m}}));
});
self.addEventListener("notificationclick", e => {
  e.notification.close();
  e.waitUntil(self.clients.openWindow(e.notification.data.navigate));
});
self.addEventListener("pushsubscriptionchange", e => e.waitUntil(
  caches.open("seen").then(c => c.put("/changed", new Response("yes")))));
"""


class Site(InThread):
    """Every path is the page, but `/sw.js`."""

    port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def begin(self) -> None:
        app = web.Application()
        app.router.add_get("/sw.js", self._worker)
        app.router.add_get("/{path:.*}", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]

    async def end(self) -> None:
        await self._runner.cleanup()

    async def _worker(self, _: web.Request) -> web.Response:
        return web.Response(text=WORKER, content_type="text/javascript")

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")
