"""The routes of the plan's pages at the desk. Each kind of page has a module of its own."""

from server.plan import kept_pages, leaving_pages, template_pages

routes = [*template_pages.routes, *kept_pages.routes, *leaving_pages.routes]
