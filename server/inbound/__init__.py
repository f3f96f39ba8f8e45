"""How a child answers without the app, and an adult without signing in: texts, links, cards."""
