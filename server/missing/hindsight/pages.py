"""What can be seen afterwards, at the desk: patterns, indicators, and one child's account."""

from server.missing.hindsight import account_pages, indicator_pages, patterns_pages

routes = [*patterns_pages.routes, *indicator_pages.routes, *account_pages.routes]
